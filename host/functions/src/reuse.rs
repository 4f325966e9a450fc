//! Instances that serve one request after another, for functions that their operator has granted that: making one costs
//! more than calling it.
//!
//! Owns: the few that wait between requests, and when one has served long enough. Refuses: to give one to another
//! function, version or site, or to two requests at once, and to keep one that has failed. What a guest leaves in its
//! memory, it finds there with the next request: that is what the grant is about.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::function::Function;
use crate::live::Live;

/// Requests that one instance serves at most, give or take a fifth, so that not all end at once.
pub const REUSE_REQUESTS_MAX: u32 = 1000;
/// How old an instance may become: what it caches by mistake is gone a minute later.
pub const REUSE_AGE_MAX: Duration = Duration::from_secs(60);
/// How long one may wait for its next request: without traffic, memory is given back.
pub const REUSE_WAIT_MAX: Duration = Duration::from_secs(1);
/// By how much its memory may have grown, in bytes: leaks end here, and not at the limit of memory in some request.
pub const REUSE_GROWTH_MAX_BYTES: usize = 4 << 20;
/// Instances that wait for each function of a site. Hooks wait for nothing, so at most one runs on each thread.
pub const REUSE_WAITING_MAX: usize = 32;

/// The instances of one function that wait.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<Vec<Idle>>);

struct Idle {
    live: Live,
    since: Duration,
}

impl Waiting {
    /// The one that has waited least: its memory is in the caches still. Those that have waited too long go.
    pub(crate) fn take(&self, function: &Arc<Function>) -> Option<Live> {
        let now = function.shared.clock.ticks();
        let mut idle = self.0.lock();
        // They came in the order of time.
        let late = idle.partition_point(|idle| now.saturating_sub(idle.since) > REUSE_WAIT_MAX);
        let gone: Vec<Idle> = idle.drain(..late).collect();
        let found = idle.iter().rposition(|idle| idle.live.is_of(function)).map(|at| idle.remove(at).live);
        // What is freed is not freed under the lock.
        drop(idle);
        drop(gone);
        found
    }

    /// Takes one in, if it may serve again and slots are not scarce.
    pub(crate) fn give(&self, function: &Arc<Function>, mut live: Live) {
        let shared = &function.shared;
        let now = shared.clock.ticks();
        let scarce = shared.slots.available_permits() <= shared.config.max_instances as usize / 4;
        if scarce || live.served() >= live.serves_at_most() || live.is_worn(now) {
            return;
        }
        let mut idle = self.0.lock();
        let surplus = if idle.len() < REUSE_WAITING_MAX { None } else { Some(idle.remove(0)) };
        idle.push(Idle { live, since: now });
        drop(idle);
        drop(surplus);
    }
}
