//! A request's place at a server: a value that is held for as long as the request is under way there, its body included.
//!
//! Dropping it gives the place back, whatever has happened. What the server did is told by the calls below; where none
//! is made, the client left, and nothing is said about the server.

use std::sync::Arc;
use std::time::Duration;

use crate::circuit::Pass;
use crate::member::Member;
use crate::pool::Pool;

/// A request's place at a server.
#[derive(Debug)]
pub(crate) struct Seat {
    pool: Arc<Pool>,
    member: Arc<Member>,
    pass: Pass,
    verdict: Verdict,
}

/// What has been said of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Open,
    /// It sent a good head; that its body is whole is still to be seen.
    Answered,
    /// It failed, and that has been counted.
    Failed,
}

impl Seat {
    /// For a place that has been taken in both.
    pub(crate) fn new(pool: Arc<Pool>, member: Arc<Member>, pass: Pass) -> Self {
        Self { pool, member, pass, verdict: Verdict::Open }
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    pub(crate) fn member(&self) -> &Arc<Member> {
        &self.member
    }

    /// The server sent the head of a response, after `took`. For a server that is tried out that is enough: its body may
    /// take for ever.
    pub(crate) fn answered(&mut self, took: Duration) {
        let now = self.pool.clock().ticks();
        self.member.latency.note(took, now);
        if self.pass != Pass::Regular {
            self.pool.succeeded(&self.member, self.pass, now);
            self.pass = Pass::Regular;
        }
        self.verdict = Verdict::Answered;
    }

    /// The server sent a head that says that it failed.
    pub(crate) fn answered_badly(&mut self) {
        self.pool.failed(&self.member, self.pass);
        self.verdict = Verdict::Failed;
    }

    /// The body is whole.
    pub(crate) fn whole(self) {
        if self.verdict == Verdict::Answered {
            self.pool.succeeded(&self.member, self.pass, self.pool.clock().ticks());
        }
    }

    /// The server failed, before its head or within its body.
    pub(crate) fn failed(mut self) {
        if self.verdict != Verdict::Failed {
            self.answered_badly();
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if self.verdict == Verdict::Open {
            self.member.abandoned(self.pass);
        }
        self.pool.leave(&self.member);
    }
}
