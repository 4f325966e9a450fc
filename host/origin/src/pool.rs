//! A named pool of servers: its settings, its state, and which server is free to be asked.
//!
//! `fetch` asks; here is what it asks with. Every worker thread shares one pool, so that what one learns of a server all
//! know.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderValue;
use parking_lot::Mutex;
use seawall_base::{Blame, Clock, OriginName};

use crate::balance::{self, Balance, Draw};
use crate::budget::{Budget, RetryLimits};
use crate::circuit::{Change, CircuitState, Ejection, Pass};
use crate::client::{Client, ClientSetup, Limits};
use crate::health::HealthCheck;
use crate::member::{Member, take_one};
use crate::metrics::{Metrics, OriginMetrics, PoolMetrics};
use crate::queue::Queue;
use crate::seat::Seat;
use crate::server::{Role, Server};

/// Most servers of a pool: a request remembers in one word which it has tried.
pub const SERVERS_MAX: usize = 64;

/// How a pool works.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How a server is chosen.
    pub balance: Balance,
    /// When a server is left alone.
    pub ejection: Ejection,
    /// How much may be asked again.
    pub retry: RetryLimits,
    /// How much may be under way.
    pub caps: Caps,
    /// How long one try may take, from connecting to the response's head. `None`: what [`Limits`] allow.
    pub try_timeout: Option<Duration>,
    /// How long all tries together may take, the wait for a free server included, up to the response's head.
    pub timeout: Option<Duration>,
    /// What happens where every server is out.
    pub when_all_out: WhenAllOut,
    /// How servers are checked. `None`: they are not.
    pub health: Option<HealthCheck>,
}

/// How much may be under way at a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Requests at one server, bodies included; over HTTP/1.1 that is connections. `None`: no limit.
    pub max_connections: Option<NonZeroU32>,
    /// Requests at all servers together. `None`: no limit.
    pub max_fetches: Option<NonZeroU32>,
    /// Requests that wait for a free server.
    pub queue: u32,
    /// How long each waits.
    pub queue_timeout: Duration,
}

/// Default of [`Caps::queue`]: what a server that answers within 10 ms works off in the time that a request waits.
pub const QUEUE_DEFAULT: u32 = 100;
/// Default of [`Caps::queue_timeout`]: past it a client is better told to come back.
pub const QUEUE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(1);

impl Default for Caps {
    fn default() -> Self {
        Self {
            max_connections: None,
            max_fetches: None,
            queue: QUEUE_DEFAULT,
            queue_timeout: QUEUE_TIMEOUT_DEFAULT,
        }
    }
}

/// What happens where every server of a pool, and of its backup, is out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WhenAllOut {
    /// The one that is the least out is asked anyway: checks can be wrong, and nobody is served otherwise.
    #[default]
    Try,
    /// The request fails at once, so that something stale is served without a wait.
    Fail,
}

impl WhenAllOut {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Try, Self::Fail];

    /// As in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Try => "try",
            Self::Fail => "fail",
        }
    }
}

/// What a pool is made of.
pub struct PoolSetup {
    /// What sites call it.
    pub name: OriginName,
    /// At least one, at most [`SERVERS_MAX`]; what is more is left out.
    pub servers: Vec<Server>,
    /// How each is spoken to.
    pub client: ClientSetup,
    /// How the pool works.
    pub settings: Settings,
    /// `Host` to send instead of the client's.
    pub host_header: Option<HeaderValue>,
    /// Who is asked where no server can be. Its own backup is not.
    pub backup: Option<Arc<Pool>>,
    /// Counters of all pools.
    pub metrics: PoolMetrics,
}

/// A named pool of servers.
#[derive(Debug)]
pub struct Pool {
    name: OriginName,
    settings: Settings,
    members: Box<[Arc<Member>]>,
    /// What checks are made with, in the order of the members; empty where there are none.
    checkers: Box<[Client]>,
    host_header: Option<HeaderValue>,
    backup: Option<Arc<Pool>>,
    clock: Clock,
    sent: Metrics,
    blame: Blame,
    metrics: OriginMetrics,
    turn: AtomicU64,
    in_flight: AtomicU32,
    budget: Budget,
    queue: Queue,
    /// Held while a circuit may open: how many are open already must not change meanwhile.
    opening: Mutex<()>,
}

/// Which servers of a pool a request has been sent to, a bit each.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tried(u64);

impl Tried {
    fn has(self, at: usize) -> bool {
        self.0 >> at & 1 == 1
    }

    fn add(&mut self, at: usize) {
        self.0 |= 1 << at;
    }
}

/// Whether a server is free.
pub(crate) enum Choice {
    /// This one is, and a place at it is taken.
    Seat(Seat),
    /// Some could be asked, if they had not as much as they may.
    Full,
    /// None can be asked.
    Nobody,
}

impl Pool {
    /// A pool.
    #[must_use]
    pub fn new(setup: PoolSetup) -> Arc<Self> {
        let PoolSetup { name, mut servers, client, settings, host_header, backup, metrics } = setup;
        servers.truncate(SERVERS_MAX);
        let checkers = settings.health.iter().flat_map(|check| {
            let limits = Limits { connect: check.timeout, first_byte: check.timeout, ..client.limits };
            // Checks are not requests of anybody's.
            let setup = ClientSetup { limits, metrics: Metrics::default(), ..client.clone() };
            servers.iter().map(move |server| Client::of(server, setup.clone()))
        });
        let checkers = checkers.collect();
        let members = servers.into_iter().enumerate().map(|(at, server)| {
            let counters = metrics.of_server(&name, &server);
            Arc::new(Member::new(at, server.clone(), Client::of(&server, client.clone()), counters))
        });
        let members = members.collect();
        let counters = metrics.of_origin(&name);
        Arc::new(Self {
            members,
            checkers,
            host_header,
            backup,
            budget: Budget::new(settings.retry, client.clock.ticks()),
            queue: Queue::new(settings.caps.queue, counters.queue.clone()),
            sent: client.metrics,
            blame: client.blame,
            clock: client.clock,
            metrics: counters,
            turn: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            opening: Mutex::new(()),
            name,
            settings,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &OriginName {
        &self.name
    }

    /// `Host` to send instead of the client's.
    #[must_use]
    pub fn host_header(&self) -> Option<&HeaderValue> {
        self.host_header.as_ref()
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn members(&self) -> &[Arc<Member>] {
        &self.members
    }

    /// Servers with the clients that check them.
    pub(crate) fn checked(&self) -> impl Iterator<Item = (&Arc<Member>, Client)> {
        self.members.iter().zip(self.checkers.iter().cloned())
    }

    /// Whether `pool` is its backup; or, for none, that it has none.
    #[must_use]
    pub fn has_backup(&self, pool: Option<&Arc<Self>>) -> bool {
        match (&self.backup, pool) {
            (Some(own), Some(pool)) => Arc::ptr_eq(own, pool),
            (own, pool) => own.is_none() && pool.is_none(),
        }
    }

    pub(crate) fn backup(&self) -> Option<&Arc<Self>> {
        self.backup.as_ref()
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Counts of what has been sent.
    pub(crate) fn sent(&self) -> &Metrics {
        &self.sent
    }

    pub(crate) fn blame(&self) -> Blame {
        self.blame
    }

    pub(crate) fn metrics(&self) -> &OriginMetrics {
        &self.metrics
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// What tells the next request from the others.
    pub(crate) fn draw(&self, key: u64) -> Draw {
        Draw { turn: self.turn.fetch_add(1, Ordering::Relaxed), key }
    }

    /// A place at a server in this role that has not been tried, and that nothing speaks against.
    pub(crate) fn choose(
        self: &Arc<Self>,
        role: Role,
        tried: &mut Tried,
        draw: Draw,
        now: Duration,
    ) -> Choice {
        let max = self.settings.caps.max_connections.map(NonZeroU32::get);
        let ejection = &self.settings.ejection;
        // Servers that are found full on the way are only passed over here.
        let mut passed_over = *tried;
        let mut full = false;
        let by_latency = self.settings.balance == Balance::P2cLatency;
        loop {
            let skip = passed_over;
            let usable = self.members.iter().filter(move |member| {
                member.server.role == role && !skip.has(member.at) && member.is_usable(now, ejection)
            });
            let candidates = usable
                .map(|member| member.candidate(if by_latency { member.latency.micros(now) } else { 0 }));
            let chosen = balance::pick(self.settings.balance, candidates, draw);
            let Some(member) = chosen.and_then(|at| self.members.get(at)) else {
                return if full { Choice::Full } else { Choice::Nobody };
            };
            passed_over.add(member.at);
            if !self.sit_down(member, max) {
                full = true;
                continue;
            }
            match member.pass(now, ejection) {
                Some(pass) => {
                    tried.add(member.at);
                    return Choice::Seat(Seat::new(Arc::clone(self), Arc::clone(member), pass));
                }
                None => self.leave(member),
            }
        }
    }

    /// A place at the server that is the least out, of those in these roles that have not been tried.
    pub(crate) fn force(self: &Arc<Self>, roles: &[Role], tried: &mut Tried) -> Choice {
        let max = self.settings.caps.max_connections.map(NonZeroU32::get);
        let mut passed_over = *tried;
        let mut full = false;
        loop {
            let left = self
                .members
                .iter()
                .filter(|member| roles.contains(&member.server.role) && !passed_over.has(member.at));
            let Some(member) =
                left.min_by_key(|member| (member.server.role == Role::Backup, member.reluctance()))
            else {
                return if full { Choice::Full } else { Choice::Nobody };
            };
            passed_over.add(member.at);
            if self.sit_down(member, max) {
                tried.add(member.at);
                return Choice::Seat(Seat::new(Arc::clone(self), Arc::clone(member), Pass::Forced));
            }
            full = true;
        }
    }

    fn sit_down(&self, member: &Member, max: Option<u32>) -> bool {
        if !take_one(&self.in_flight, self.settings.caps.max_fetches.map(NonZeroU32::get)) {
            return false;
        }
        let sat = member.sit_down(max);
        if !sat {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        sat
    }

    /// Gives a place back.
    pub(crate) fn leave(&self, member: &Member) {
        member.leave();
        self.in_flight.fetch_sub(1, Ordering::Release);
        self.queue.wake_one();
    }

    pub(crate) fn succeeded(&self, member: &Member, pass: Pass, now: Duration) {
        if member.succeeded(pass, now) == Change::Closed {
            tracing::info!(origin = %self.name, server = %member.server, "the server is asked again");
            self.queue.wake_one();
        }
    }

    pub(crate) fn failed(&self, member: &Member, pass: Pass) {
        let ejection = &self.settings.ejection;
        let opening = self.opening.lock();
        let alike = || self.members.iter().filter(|other| other.server.role == member.server.role);
        let out =
            alike().filter(|other| other.at != member.at && other.circuit() != CircuitState::Closed).count();
        let may_open = out < ejection.most_out(alike().count());
        let change = member.failed(pass, self.clock.ticks(), ejection, may_open);
        drop(opening);
        if change == Change::Opened {
            tracing::warn!(origin = %self.name, server = %member.server, "the server fails and is left alone");
        }
    }
}
