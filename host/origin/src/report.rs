//! What a pool says of itself, for the operator.

use std::time::Duration;

use seawall_base::OriginName;

use crate::balance::Balance;
use crate::circuit::CircuitState;
use crate::pool::Pool;
use crate::server::Role;

/// A pool at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolReport {
    /// Its name.
    pub name: OriginName,
    /// How it chooses.
    pub balance: Balance,
    /// Requests under way, bodies included.
    pub in_flight: u32,
    /// Requests that wait for a free server.
    pub waiting: u32,
    /// Retries that the budget has saved up.
    pub retries_left: u64,
    /// Its servers, in the order of the config.
    pub servers: Vec<ServerReport>,
    /// The origin that is asked where none of them can be.
    pub backup: Option<OriginName>,
}

/// A server at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerReport {
    /// Its URL.
    pub url: String,
    /// Its share, relative to the others'.
    pub weight: u32,
    /// When it is asked.
    pub role: Role,
    /// What the active checks say.
    pub health: Health,
    /// What its own answers say.
    pub circuit: CircuitState,
    /// How long until a request tries it again, where its circuit is open.
    pub opens_again_in: Option<Duration>,
    /// Requests under way there, bodies included.
    pub in_flight: u32,
    /// How long it takes to answer; `None` where nothing has been asked of late.
    pub latency: Option<Duration>,
}

/// What the active checks say of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// There are no checks.
    Unchecked,
    /// It is well.
    Up,
    /// It is not.
    Down,
}

impl Health {
    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unchecked => "unchecked",
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl Pool {
    /// What is known now.
    #[must_use]
    pub fn report(&self) -> PoolReport {
        let now = self.clock().ticks();
        let checked = self.settings().health.is_some();
        let servers = self.members().iter().map(|member| {
            let health = match (checked, member.is_up()) {
                (false, _) => Health::Unchecked,
                (true, true) => Health::Up,
                (true, false) => Health::Down,
            };
            let (_, opens_again_at) = member.reluctance();
            let latency_us = member.latency.micros(now);
            ServerReport {
                url: member.server.to_string(),
                weight: member.server.weight.get(),
                role: member.server.role,
                health,
                circuit: member.circuit(),
                opens_again_in: opens_again_at.checked_sub(now).filter(|left| !left.is_zero()),
                in_flight: member.in_flight(),
                latency: (latency_us > 0).then(|| Duration::from_micros(latency_us.into())),
            }
        });
        PoolReport {
            name: self.name().clone(),
            balance: self.settings().balance,
            in_flight: self.in_flight(),
            waiting: self.queue().waiting(),
            retries_left: self.budget().saved(now),
            servers: servers.collect(),
            backup: self.backup().map(|pool| pool.name().clone()),
        }
    }
}
