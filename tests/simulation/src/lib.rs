//! The purge guarantee under a deterministic scheduler: one thread, virtual time, and a script of requests, purges and
//! faults that is drawn from a seed.
//!
//! What is real: the store with its claims, fills, obligations, seals and purges; the control log with its retention;
//! the table of nodes and the choice of a shield; the pipeline's stage *settle*; what the RFCs say. What is the
//! simulation's own: the order of the steps between them (`lanes`, `fill`, `forward`, `follower`, after the files that they
//! follow), the network, the origin, and the judge (`oracle`), which asks nothing of the code under test.
//!
//! Owns: running a seed, and telling what it met or what it broke. Refuses runtimes, sockets and clocks.
#![expect(clippy::expect_used, reason = "a test program: a broken premise ends it with a message")]

mod client;
mod counters;
mod executor;
mod fill;
mod flow;
mod follower;
mod forward;
mod lanes;
mod oracle;
mod sabotage;
mod script;
mod trace;
mod web;
mod world;

use std::fmt;
use std::rc::Rc;

pub use counters::{Count, Counters};
pub use sabotage::Sabotage;

use world::{GRACE, SCRIPT, World};

/// What came of one seed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The same for every run of this seed by this build.
    pub digest: u64,
    /// What the run met.
    pub counters: Counters,
    /// What it broke, with the events that led to it.
    pub breach: Option<Breach>,
}

/// A broken promise.
#[derive(Clone, Debug)]
pub struct Breach {
    /// The seed that replays it.
    pub seed: u64,
    /// What is broken.
    pub what: String,
    /// The last events that have to do with it.
    pub events: Vec<String>,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}", self.seed, self.what)?;
        self.events.iter().try_for_each(|event| writeln!(f, "  {event}"))?;
        write!(f, "replay it: cargo xtask simulate --seed {}", self.seed)
    }
}

/// How many events a breach shows.
const EVENTS_SHOWN: usize = 60;

/// Runs one seed from start to end, with a rule broken on purpose where one is named.
#[must_use]
pub fn run(seed: u64, sabotage: Option<Sabotage>) -> Outcome {
    let world = World::new(seed, sabotage);
    script::begin(&world);
    let broken = || world.violation.borrow().is_some();
    world.executor.run(SCRIPT, broken);
    if !broken() {
        script::heal(&world);
        world.executor.run(SCRIPT + GRACE, || broken() || unfinished(&world).is_none());
    }
    if !broken() {
        check_end(&world);
    }
    let counters = world.counters.borrow().clone();
    let trace = world.trace.borrow();
    let breach = world.violation.borrow().as_ref().map(|violation| Breach {
        seed,
        what: violation.what.clone(),
        events: trace.tail(violation.url, EVENTS_SHOWN, |purge| world.oracle.borrow().words(purge)),
    });
    let outcome = Outcome { seed, digest: trace.digest(), counters, breach };
    drop(trace);
    end(&world);
    outcome
}

/// After healing everything comes to its end: requests, fills, and each node's way along the log.
fn check_end(world: &World) {
    if let Some(unfinished) = unfinished(world) {
        world.violated(format!("{unfinished}, {GRACE:?} after the last fault"), None);
    }
}

/// What has not come to its end.
fn unfinished(world: &World) -> Option<String> {
    if world.actors.get() != 0 {
        return Some("an actor of the script still waits".to_owned());
    }
    if let Some(request) = world.open.borrow().first() {
        return Some(format!("request {request} has not ended"));
    }
    let head = world.oracle.borrow().head();
    (0..world.nodes.len()).find_map(|node| {
        let Some(life) = world.life(node) else { return Some(format!("node {node} is not there")) };
        let (applied, in_flight) = (life.store.applied(), life.metrics.in_flight.get());
        if applied != head {
            return Some(format!("node {node} has applied {applied} of {head}"));
        }
        (in_flight != 0).then(|| format!("node {node} has {in_flight} fills in flight"))
    })
}

/// Lets go of what holds itself: tasks hold the world, and the world the tasks.
fn end(world: &Rc<World>) {
    world.executor.kill_all();
    world.nodes.iter().for_each(|node| drop(node.life.borrow_mut().take()));
}

#[cfg(test)]
mod tests;
