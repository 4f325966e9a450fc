//! The script of a run, drawn from its seed: who asks what when, what changes at the origin and is purged, and what
//! breaks. The numbers are chosen so that purges meet fills in flight; the counters say how often they do.

use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use seawall_base::{Depth, NodeName, Position, Purge, PurgeId, Scope, Selector};
use seawall_cluster::{AppliedState, ControlLog, Entry, NewRecord};

use crate::client::{self, Wish};
use crate::counters::Count;
use crate::executor::OUTSIDE;
use crate::follower;
use crate::trace::Event;
use crate::web::{LONG, PLAIN, TAGS, URLS};
use crate::world::{SCRIPT, World, name_of, site_names};

/// How long an operator waits for nodes.
const WAIT_LIMIT: Duration = Duration::from_secs(8);

/// How often an operator who waits looks again.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Starts all actors.
pub(crate) fn begin(world: &Rc<World>) {
    for node in 0..world.nodes.len() {
        follower::start(world, node);
    }
    for _ in 0..3 + world.executor.below(5) {
        act(world, visitors(Rc::clone(world)));
    }
    for _ in 0..1 + world.executor.below(3) {
        act(world, editor(Rc::clone(world)));
    }
    for _ in 0..world.executor.below(3) {
        act(world, misfortune(Rc::clone(world)));
    }
    act(world, weather(Rc::clone(world)));
}

fn act(world: &Rc<World>, actor: impl Future<Output = ()> + 'static) {
    world.actors.set(world.actors.get() + 1);
    let of = Rc::clone(world);
    world.executor.spawn(OUTSIDE, async move {
        actor.await;
        of.actors.set(of.actors.get() - 1);
    });
}

fn goes_on(world: &World) -> bool {
    world.executor.now() < SCRIPT
}

fn ask(world: &Rc<World>, wish: Wish) {
    world.executor.spawn(OUTSIDE, client::ask(Rc::clone(world), wish));
}

/// One after another, and at times several at once for the same.
async fn visitors(world: Rc<World>) {
    while goes_on(&world) {
        world.pause(20, 900).await;
        let wish = Wish::any(&world);
        let crowd = if world.executor.chance(30) { 2 + world.executor.below(3) } else { 1 };
        for _ in 0..crowd {
            let other = Wish::any(&world);
            ask(&world, Wish { node: wish.node, url: wish.url, ..other });
            world.pause(0, 30).await;
        }
    }
}

/// Changes a page, orders a purge for it, waits for the acknowledgement, and looks.
async fn editor(world: Rc<World>) {
    while goes_on(&world) {
        world.pause(50, 1_200).await;
        if world.executor.chance(20) {
            rename(&world).await;
            continue;
        }
        let url = world.executor.below(URLS.len());
        // Somebody is looking at it just now: at the old page, or at the new one.
        let (looks, before_it) = (world.executor.chance(60), world.executor.chance(50));
        if looks && before_it {
            look(&world, url).await;
        }
        let before = world.pages.borrow()[url].tags;
        edit(&world, url);
        if looks && !before_it {
            look(&world, url).await;
        }
        if world.executor.chance(80) {
            let purge = purge(&world, url, before);
            order(&world, purge, url).await;
        }
    }
}

/// The same page under other tags, and a purge of an old one while its caches ask whether it is still good, or for the rest
/// of it.
async fn rename(world: &Rc<World>) {
    let url = if world.executor.chance(50) { LONG } else { world.executor.below(URLS.len()) };
    let before = {
        let mut pages = world.pages.borrow_mut();
        let Some(page) = pages.get_mut(url) else { return };
        let before = page.tags;
        page.retag(&world.executor);
        let (version, tags) = (page.version, page.tags);
        world.event(Event::Edited { url, version, tags, what: "tagged anew" });
        before & !page.tags
    };
    let Some((_, tag)) = TAGS.iter().enumerate().find(|(bit, _)| before >> bit & 1 == 1) else { return };
    look(world, url).await;
    world.pause(0, 60).await;
    let purge =
        Purge { scope: Scope::AllSites, selectors: vec![Selector::Tag((*tag).to_owned())], ..nothing(world) };
    order(world, purge, url).await;
}

async fn look(world: &Rc<World>, url: usize) {
    for _ in 0..1 + world.executor.below(3) {
        let wish = Wish::any(world);
        ask(world, Wish { url, ..wish });
    }
    world.pause(0, 40).await;
}

fn edit(world: &World, url: usize) {
    let mut pages = world.pages.borrow_mut();
    let Some(page) = pages.get_mut(url) else { return };
    let what = match world.executor.below(10) {
        0..=3 => {
            page.version += 1;
            "changed"
        }
        4..=5 => {
            page.version += 1;
            page.retag(&world.executor);
            "changed and tagged anew"
        }
        6..=7 => {
            page.retag(&world.executor);
            "tagged anew"
        }
        8 => {
            page.varies = !page.varies;
            "varies, or no longer"
        }
        _ => {
            page.reword(&world.executor);
            "kept for another time"
        }
    };
    let (version, tags) = (page.version, page.tags);
    drop(pages);
    world.event(Event::Edited { url, version, tags, what });
}

/// A purge of a page by one of the many ways to name it. `before`: the tags that it had before it was changed.
fn purge(world: &World, url: usize, before: u8) -> Purge {
    let random = &world.executor;
    let page = &URLS[url];
    let text = format!("{}{}", page.authority, page.path);
    let mut selectors = Vec::new();
    for _ in 0..1 + random.below(2) {
        selectors.push(match random.below(20) {
            0..=6 => Selector::Url(text.clone()),
            7..=14 => {
                let carried: Vec<&str> = TAGS
                    .iter()
                    .enumerate()
                    .filter(|(bit, _)| before >> bit & 1 == 1)
                    .map(|(_, tag)| *tag)
                    .collect();
                let all = if carried.is_empty() || random.chance(20) { &TAGS[..] } else { &carried };
                Selector::Tag(all[random.below(all.len())].to_owned())
            }
            15..=16 => Selector::Prefix(text[..text.len() - random.below(3)].to_owned()),
            17..=18 => Selector::Host(page.authority.to_owned()),
            _ => Selector::All,
        });
    }
    let scope = match random.below(5) {
        0 => Scope::AllSites,
        1 if random.chance(20) => Scope::Site(site_names()[random.below(2)].clone()),
        _ => Scope::Site(site_names()[usize::from(page.site == PLAIN)].clone()),
    };
    let depth = if random.chance(35) { Depth::Soft } else { Depth::Hard };
    let id = PurgeId(format!("p{}", world.oracle.borrow().head().0 + 1));
    Purge { id, scope, selectors, depth }
}

/// Puts a record in the log; the judge reads what it means.
async fn append(world: &World, entry: Entry, means: Purge) -> Option<Position> {
    let record = NewRecord {
        id: means.id.0.clone(),
        accepted_by: name_of(NodeName::new("ams-1")),
        actor: "script".to_owned(),
        at_unix_ms: 0,
        once: None,
        entry,
    };
    let appended = world.log.append(record).await;
    let Ok(at) = appended else {
        world.violated("the log takes nothing", None);
        return None;
    };
    let what = world.oracle.borrow().purges();
    world.oracle.borrow_mut().published(means);
    world.event(Event::Published { at, what });
    Some(at)
}

async fn order(world: &Rc<World>, purge: Purge, url: usize) {
    let id = purge.id.clone();
    world.members.accepted(&id);
    world.count(if purge.depth == Depth::Soft { Count::SoftPurges } else { Count::HardPurges });
    let Some(at) = append(world, Entry::Purge(purge.clone()), purge).await else { return };
    world.members.placed(&id, at);
    let local = world.executor.chance(40).then(|| world.executor.below(world.nodes.len()));
    let nodes = acknowledged(world, &id, at, local).await;
    for node in nodes {
        // Whoever ordered it looks at once.
        if world.executor.chance(60) {
            let wish = Wish::any(world);
            ask(world, Wish { node, url, range: None, ..wish });
        }
    }
}

/// Waits for `local`, or for all, and answers who is shown as `applied`. None of them may be anything else.
async fn acknowledged(world: &Rc<World>, id: &PurgeId, at: Position, local: Option<usize>) -> Vec<usize> {
    let until = world.executor.now() + WAIT_LIMIT;
    let mut applied;
    loop {
        let nodes = world.members.applied(id, at);
        let place = |name: &NodeName| world.nodes.iter().position(|node| node.name == *name);
        let pending = nodes.iter().filter(|node| node.state == AppliedState::Pending);
        let waits =
            pending.filter_map(|node| place(&node.name)).any(|node| local.is_none_or(|local| local == node));
        let shown = nodes.iter().filter(|node| node.state == AppliedState::Applied);
        applied = shown.filter_map(|node| place(&node.name)).collect::<Vec<_>>();
        if !waits || world.executor.now() >= until {
            let whole = applied.len() == nodes.len();
            world.count(if local.is_some() { Count::AckedLocal } else { Count::AckedAll });
            if local.is_none() && !whole {
                world.count(Count::AckedPartly);
            }
            break;
        }
        world.executor.sleep(LOOK_EVERY).await;
    }
    world.event(Event::Acknowledged { at, nodes: applied.len() });
    for node in &applied {
        let has = world.life(*node).map(|life| life.store.applied());
        if has.is_some_and(|has| has < at) {
            world
                .violated(format!("node {node} is shown as `applied` for {at} and has not applied it"), None);
        }
    }
    applied.retain(|node| local.is_none_or(|local| local == *node));
    applied
}

/// What breaks and is mended: links, the log's reach, nodes.
async fn misfortune(world: Rc<World>) {
    let nodes = world.nodes.len();
    while goes_on(&world) {
        world.pause(200, 2_500).await;
        let node = world.executor.below(nodes);
        match world.executor.below(10) {
            0..=4 => {
                world.count(Count::Cuts);
                world.event(Event::Fault { node, what: "cut from the log" });
                world.nodes[node].reaches_log.send_replace(false);
                let long = if world.executor.chance(15) { 8_000 } else { 2_500 };
                world.pause(50, long).await;
                world.event(Event::Fault { node, what: "reaches the log again" });
                world.nodes[node].reaches_log.send_replace(true);
            }
            5..=6 => {
                let pair = (node, (node + 1 + world.executor.below(nodes - 1)) % nodes);
                world.count(Count::Cuts);
                world.event(Event::Fault { node, what: "cut from another node" });
                world.cut.borrow_mut().push(pair);
                world.pause(50, 2_000).await;
                world.cut.borrow_mut().retain(|other| *other != pair);
            }
            _ => {
                world.count(Count::Restarts);
                follower::crash(&world, node);
                world.pause(10, 1_500).await;
                if world.life(node).is_none() {
                    world.event(Event::Fault { node, what: "the node starts" });
                    follower::start(&world, node);
                }
            }
        }
    }
}

/// The origin's bad days, and records that a newer build wrote.
async fn weather(world: Rc<World>) {
    while goes_on(&world) {
        world.pause(300, 3_000).await;
        match world.executor.below(10) {
            0..=2 => {
                world.origin_down.set(true);
                world.pause(50, 900).await;
                world.origin_down.set(false);
            }
            3..=5 => {
                world.origin_sick.set(true);
                world.pause(50, 900).await;
                world.origin_sick.set(false);
            }
            6 => {
                append(&world, unknown("activation"), nothing(&world)).await;
            }
            7 if world.executor.chance(30) => {
                let everything = Purge { selectors: vec![Selector::All], ..nothing(&world) };
                append(&world, unknown("purge"), everything).await;
            }
            _ => {}
        }
    }
}

/// A record that this build cannot read; one that calls itself a purge may mean anything.
fn unknown(kind: &str) -> Entry {
    Entry::Unknown { kind: kind.to_owned(), body: serde_json::Value::Null }
}

fn nothing(world: &World) -> Purge {
    let id = PurgeId(format!("n{}", world.oracle.borrow().head().0 + 1));
    Purge { id, scope: Scope::AllSites, selectors: Vec::new(), depth: Depth::Hard }
}

/// The end of all faults. What is open by now must come to its end.
pub(crate) fn heal(world: &Rc<World>) {
    world.healed.set(true);
    world.origin_down.set(false);
    world.origin_sick.set(false);
    world.cut.borrow_mut().clear();
    for (node, place) in world.nodes.iter().enumerate() {
        place.reaches_log.send_replace(true);
        if world.life(node).is_none() {
            follower::start(world, node);
        }
    }
}
