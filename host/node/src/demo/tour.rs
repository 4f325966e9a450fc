//! The tour: its stops in their order, and how a visit is shown and checked.
//!
//! Every stop builds on what those before it left in the caches.

use super::error::DemoError;
use super::narrator::Narrator;
use super::nodes::{DemoNode, Nodes, SHOP};
use super::origin::{Counts, Origin, Page};
use super::visitor::{Answer, Ask, Visitor};

mod crowd;
mod functions;
mod purge;
mod status;
mod tiers;
mod variants;

pub(super) use purge::PURGE_PATH;

/// One stop: what it shows, why, and how.
struct Stop {
    title: &'static str,
    about: &'static str,
    walk: fn(&Tour<'_>, &mut Narrator<'_>) -> Result<(), DemoError>,
}

const STOPS: [Stop; 11] = [
    Stop {
        title: "A miss goes through the shield",
        about: "Nobody has the page: the edge fra asks the shield ams, and ams asks the origin.",
        walk: tiers::miss,
    },
    Stop { title: "A hit", about: "The same edge has it now.", walk: tiers::hit },
    Stop {
        title: "The other region is filled by the shield",
        about: "The edge nyc has never seen the page, and still the origin is left alone.",
        walk: tiers::other_region,
    },
    Stop {
        title: "A large object, and a part of it",
        about: "Three MiB stream through two caches on their way. After that, any part comes from the edge.",
        walk: tiers::large,
    },
    Stop {
        title: "A crowd at a cold page",
        about: "200 visitors ask two edges at once for a page that takes the origin a second.",
        walk: crowd::walk,
    },
    Stop {
        title: "A function routes",
        about: "`ab-routing` splits visitors by cookie, and rewrites the path before the cache is asked.",
        walk: functions::routes,
    },
    Stop {
        title: "A function answers",
        about: "`maintenance` closes a site: its answer comes from the edge, and nothing else is asked.",
        walk: functions::answers,
    },
    Stop {
        title: "A page that varies",
        about: "The origin says `Vary: accept-language`: each language is stored for itself.",
        walk: variants::languages,
    },
    Stop {
        title: "A page that no cache may keep",
        about: "The origin says `Cache-Control: no-store`: every request reaches it.",
        walk: variants::uncacheable,
    },
    Stop {
        title: "A purge by tag",
        about: "The page came with `Surrogate-Key: product-7 products`. One order to any node reaches all.",
        walk: purge::order,
    },
    Stop {
        title: "The misses after it",
        about: "What carried the tag is gone everywhere, the shield included. The rest stayed.",
        walk: purge::aftermath,
    },
];

/// What the stops walk through.
pub(super) struct Tour<'a> {
    pub(super) nodes: &'a Nodes,
    pub(super) origin: &'a Origin,
    pub(super) visitor: &'a Visitor,
}

/// A visit, and what it is expected to bring.
struct Visit<'a> {
    ask: Ask<'a>,
    status: u16,
    /// `Cache-Status`, line by line and without what depends on the moment; and why it is so.
    caches: &'a [(&'a str, &'a str)],
    /// What `Age` means. A hit has one: nobody asked the origin (RFC 9111 §5.1).
    age_note: &'a str,
    /// Other fields, and why they are so.
    fields: &'a [(&'a str, &'a str, &'a str)],
    /// The body, where the story is in it, and why it is so.
    body: Option<(&'a str, &'a str)>,
    /// What the origin is asked for meanwhile, and nothing else; and why so.
    origin: &'a [(Page, u64)],
    origin_note: &'a str,
}

impl<'a> Visit<'a> {
    /// Expects 200, and nothing of the origin.
    fn new(ask: Ask<'a>) -> Self {
        Self {
            ask,
            status: 200,
            caches: &[],
            age_note: "",
            fields: &[],
            body: None,
            origin: &[],
            origin_note: "",
        }
    }
}

impl Tour<'_> {
    /// Walks all stops.
    pub(super) fn walk(&self, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
        for (number, stop) in (1..).zip(&STOPS) {
            narrator.title(&format!("{number:>2} {}", stop.title), stop.about)?;
            match (stop.walk)(self, narrator) {
                Err(DemoError::Output(error)) => return Err(DemoError::Output(error)),
                Err(error) => narrator.broke_off(&error)?,
                Ok(()) => {}
            }
        }
        Ok(())
    }

    /// Goes there, shows the lines that matter, and checks each.
    fn visit(&self, narrator: &mut Narrator<'_>, visit: &Visit<'_>) -> Result<Answer, DemoError> {
        let Ask { at, host, path, field } = visit.ask;
        let field = field.map_or_else(String::new, |(name, value)| format!("   {name}: {value}"));
        narrator.act(&format!("GET http://{host}{path}   at {}{field}", at.name))?;
        let before = self.origin.counts();
        let answer = self.visitor.get(&visit.ask)?;
        let asked = self.origin.counts().since(&before);

        narrator.check(&format!("{}", answer.status), &answer.status.as_u16(), &visit.status, "")?;
        caches(narrator, &answer, visit.caches)?;
        let age = answer.field("age").and_then(|age| age.parse::<u32>().ok());
        if visit.caches.last().is_some_and(|(line, _)| line.ends_with("; hit")) {
            let shown = age.map_or_else(|| "Age: absent".to_owned(), |age| format!("Age: {age}"));
            let came = age.map_or("no Age", |_| "an Age");
            narrator.check(&shown, &came, &"an Age", visit.age_note)?;
        }
        for (name, expected, note) in visit.fields {
            let came = answer.field(name).unwrap_or("absent");
            narrator.check(&format!("{name}: {came}"), &came, expected, note)?;
        }
        if let Some((expected, note)) = visit.body {
            let came = String::from_utf8_lossy(&answer.body);
            narrator.check(&format!("\"{}\"", came.trim_end()), &came.trim_end(), &expected, note)?;
        }
        let expected = Counts::only(visit.origin);
        narrator.check(&format!("origin: {asked}"), &asked, &expected, visit.origin_note)?;
        Ok(answer)
    }

    fn shop<'a>(&'a self, at: &'a DemoNode, page: Page) -> Ask<'a> {
        Ask { at, host: SHOP, path: page.path(), field: None }
    }
}

fn caches(narrator: &mut Narrator<'_>, answer: &Answer, expected: &[(&str, &str)]) -> Result<(), DemoError> {
    let came = answer.cache_status();
    for (line, (expected, note)) in came.iter().zip(expected) {
        let lasting = status::lasting(line);
        narrator.check(&format!("Cache-Status: {line}"), &lasting.as_str(), expected, note)?;
    }
    if came.len() == expected.len() {
        return Ok(());
    }
    let expected: Vec<_> = expected.iter().map(|(line, _)| *line).collect();
    narrator.check("Cache-Status, all lines", &came.join(", "), &expected.join(", "), "")
}
