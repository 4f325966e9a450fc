//! What every play needs: an origin that does as it is told, nodes in this process, a clock that stands still, clients,
//! and the operator.
//!
//! Nothing here waits by sleeping: a test waits for an event, and [`bounded`] ends it with a message where the event
//! does not come.

use std::future::Future;
use std::time::Duration;

mod admin;
mod answer;
mod client;
mod desk;
mod gate;
pub(crate) mod guests;
pub(crate) mod lines;
mod log;
mod lone_edge;
mod node;
mod origin;
mod process;
pub(crate) mod tls;
pub(crate) mod wire;
mod world;

pub(crate) use admin::{OPERATOR, READER, purge};
pub(crate) use answer::Answer;
pub(crate) use client::{Ask, BrokenOff, Coming, Got};
pub(crate) use desk::Desk;
pub(crate) use gate::Gate;
pub(crate) use lone_edge::LoneEdge;
pub(crate) use node::{CLUSTER_SECRET, Node, Plan};
pub(crate) use origin::{Asked, Origin};
pub(crate) use process::{Process, program};
pub(crate) use world::World;

/// Longest wait for anything: far above what a loaded machine needs, far below a test runner's patience.
const BOUND: Duration = Duration::from_secs(20);

/// How often a state that tells nobody of its changes is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Waits for `event`, and fails the test where it does not come.
pub(crate) async fn bounded<F: Future>(what: &str, event: F) -> F::Output {
    match tokio::time::timeout(BOUND, event).await {
        Ok(output) => output,
        Err(_) => panic!("waited {} s in vain: {what}", BOUND.as_secs()),
    }
}

/// Waits until `is_so`, for states that tell nobody when they change.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    bounded(what, async {
        while !is_so() {
            look.tick().await;
        }
    })
    .await;
}

/// Runs all of them at once and collects what they answer, in order.
pub(crate) async fn together<F: Future>(all: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    futures_util::future::join_all(all).await
}
