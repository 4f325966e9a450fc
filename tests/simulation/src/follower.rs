//! A node's start, its crash, and its way along the control log, as `cluster/src/follower.rs` has it: the log, its
//! retention and its gaps, the table of nodes and `Store::apply` are the real thing; what carries the records is not.

use std::rc::Rc;

use futures_util::StreamExt;
use seawall_base::{Depth, Position};
use seawall_cache::{Config, Metrics, Store};
use seawall_cluster::follower::RETRY_AFTER;
use seawall_cluster::log::LogError;
use seawall_cluster::membership::HEARTBEAT_EVERY;
use seawall_cluster::{ControlLog, Entry, NodeInfo, Record};
use tokio::sync::watch;

use crate::counters::Count;
use crate::sabotage::Sabotage;
use crate::trace::Event;
use crate::world::{FOLLOW_LIMIT, Life, World, sites};

/// Starts a node with an empty store, nowhere in the log.
pub(crate) fn start(world: &Rc<World>, node: usize) {
    let Some(place) = world.nodes.get(node) else { return };
    let group = world.lives.get() + 1;
    world.lives.set(group);
    let metrics = Metrics::default();
    let config = Config {
        memory_bytes: 256 << 20,
        object_max_bytes: world.object_max_bytes,
        follow_limit: FOLLOW_LIMIT,
    };
    let store = Store::new(config, metrics.clone());
    let info = NodeInfo {
        name: place.name.clone(),
        region: place.region.clone(),
        version: String::new(),
        peer_addr: Some(([127, 0, 0, 1], 1).into()),
        started_unix_ms: 0,
    };
    let seat = match world.members.join(info) {
        Ok(seat) => seat,
        Err(error) => return world.violated(format!("node {node} cannot join: {error}"), None),
    };
    let sites = sites(world, &store);
    let life = Rc::new(Life {
        node,
        group,
        store,
        sites,
        metrics,
        seat,
        applied: watch::Sender::new(Position::START),
        in_flight: std::cell::RefCell::default(),
        fills: std::cell::Cell::new(0),
    });
    world.oracle.borrow_mut().born(node, group);
    *place.life.borrow_mut() = Some(Rc::clone(&life));
    world.executor.spawn(group, run(Rc::clone(world), life));
}

/// Ends a node between two instructions.
pub(crate) fn crash(world: &World, node: usize) {
    let life = world.nodes.get(node).and_then(|place| place.life.borrow_mut().take());
    if let Some(life) = life {
        world.event(Event::Fault { node, what: "the node is killed" });
        life.seat.leave();
        world.executor.kill(life.group);
    }
}

async fn run(world: Rc<World>, life: Rc<Life>) {
    let mut at = None;
    loop {
        reach_log(&world, &life).await;
        let error = follow(&world, &life, &mut at).await;
        if let Err(LogError::Gap { .. }) = error {
            world.count(Count::Gaps);
            world.event(Event::Fault { node: life.node, what: "the log no longer reaches back" });
            at = match world.log.head().await {
                Ok(head) if world.breaks(Sabotage::GapKeepsContent) => {
                    life.store.advance(head);
                    has_applied(&world, &life, head);
                    Some(head)
                }
                _ => None,
            };
            continue;
        }
        world.executor.sleep(RETRY_AFTER).await;
    }
}

async fn reach_log(world: &World, life: &Life) {
    if let Some(place) = world.nodes.get(life.node) {
        // The world outlives its nodes.
        let _ = place.reaches_log.subscribe().wait_for(|reaches| *reaches).await;
    }
}

/// Applies records until the log fails.
async fn follow(world: &Rc<World>, life: &Life, at: &mut Option<Position>) -> Result<(), LogError> {
    let head = world.log.head().await?;
    world.executor.sleep(world.delay()).await;
    let from = match *at {
        Some(at) => at,
        None => {
            life.store.empty(head);
            world.event(Event::Emptied { node: life.node, at: head });
            has_applied(world, life, head);
            head
        }
    };
    *at = Some(from);
    life.seat.goes_on_from(from);
    let mut records = world.log.follow(from).await?;
    let mut is_behind = true;
    let mut beat_at = world.executor.now();
    loop {
        let now_at = at.unwrap_or(from);
        if is_behind && now_at >= head {
            is_behind = false;
            life.seat.ready();
        }
        let wait = beat_at.saturating_sub(world.executor.now());
        match world.executor.timeout(wait, records.next()).await {
            Some(None) => return Ok(()),
            Some(Some(record)) => {
                let record = record?;
                world.executor.sleep(world.delay()).await;
                if !*reaches(world, life).borrow() {
                    reach_log(world, life).await;
                    if world.executor.chance(50) {
                        // The connection did not outlive the cut: what it carried is asked for again.
                        return Ok(());
                    }
                }
                if record.position > now_at {
                    apply(world, life, &record).await;
                    *at = Some(record.position);
                }
            }
            None => {
                reach_log(world, life).await;
                life.seat.beat();
                beat_at = world.executor.now() + HEARTBEAT_EVERY;
            }
        }
    }
}

fn reaches<'a>(world: &'a World, life: &Life) -> &'a watch::Sender<bool> {
    &world.nodes[life.node].reaches_log
}

async fn apply(world: &Rc<World>, life: &Life, record: &Record) {
    if world.breaks(Sabotage::AcknowledgedTooEarly) {
        life.seat.applied(record, 0);
        world.executor.sleep(world.delay()).await;
    }
    let matched = match &record.entry {
        Entry::Purge(purge) => {
            world.count(Count::Applied);
            let met = life.in_flight.borrow().iter().any(|(_, url, tags)| {
                let now = world.pages.borrow()[*url].tags;
                world.oracle.borrow().matches(purge, *url, tags | now)
            });
            if met {
                world.count(Count::MetInFlight);
            }
            if purge.depth == Depth::Soft && world.breaks(Sabotage::SoftPurgeSkipped) {
                life.store.advance(record.position);
                0
            } else {
                life.store.apply(record.position, purge).objects
            }
        }
        entry if entry.is_unreadable_purge() => {
            life.store.empty(record.position);
            0
        }
        Entry::Activation(_) | Entry::Unknown { .. } => {
            life.store.advance(record.position);
            0
        }
    };
    world.event(Event::Applied { node: life.node, at: record.position, matched });
    has_applied(world, life, record.position);
    life.seat.applied(record, matched);
}

/// Tells the judge, and whoever waits for this node.
fn has_applied(world: &World, life: &Life, at: Position) {
    let before = *life.applied.borrow();
    if at < before || life.store.applied() < at {
        let url = None;
        world.violated(
            format!("node {} went from {before} to {at}; its store says {}", life.node, life.store.applied()),
            url,
        );
    }
    let now = world.trace.borrow().next();
    world.oracle.borrow_mut().applied(life.node, at, now);
    life.applied.send_replace(at);
}
