//! Active checks: a request now and then to every server, whether or not clients ask.
//!
//! Each check opens a connection of its own, so that it also learns whether the server still accepts some.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, HeaderValue, USER_AGENT};
use http::uri::PathAndQuery;
use http::{Request, Uri};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::body::Outgoing;
use crate::client::{Client, Reuse};
use crate::member::Member;
use crate::pool::Pool;

/// What is asked of every server, and what its answers mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Asked with GET.
    pub path: PathAndQuery,
    /// `Host`. `None`: what the origin sends, else the server's own name.
    pub host: Option<HeaderValue>,
    /// From one check to the next.
    pub interval: Duration,
    /// How long a check may take, from connecting to the response's head.
    pub timeout: Duration,
    /// What a server that is well answers with.
    pub status: RangeInclusive<u16>,
    /// So many good answers in a row bring a server back.
    pub rise: u32,
    /// So many bad ones in a row take it out.
    pub fall: u32,
}

/// Default of [`HealthCheck::interval`].
pub const HEALTH_INTERVAL_DEFAULT: Duration = Duration::from_secs(5);
/// Default of [`HealthCheck::timeout`].
pub const HEALTH_TIMEOUT_DEFAULT: Duration = Duration::from_secs(2);
/// Default of [`HealthCheck::status`].
pub const HEALTH_STATUS_DEFAULT: RangeInclusive<u16> = 200..=399;
/// Default of [`HealthCheck::rise`]: one good answer may be luck.
pub const HEALTH_RISE_DEFAULT: u32 = 2;
/// Default of [`HealthCheck::fall`]: one bad answer may be bad luck, and three take too long.
pub const HEALTH_FALL_DEFAULT: u32 = 2;

const AGENT: HeaderValue = HeaderValue::from_static("seawall-health");

/// Answers in a row that contradict what is believed of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Streak {
    up: bool,
    contrary: u32,
}

impl Streak {
    /// A server is believed to be well until checks say otherwise.
    const START: Self = Self { up: true, contrary: 0 };

    /// One more answer. The new belief, where it changes.
    fn note(&mut self, good: bool, check: &HealthCheck) -> Option<bool> {
        if good == self.up {
            self.contrary = 0;
            return None;
        }
        self.contrary += 1;
        let enough = if self.up { check.fall } else { check.rise };
        (self.contrary >= enough).then(|| {
            *self = Self { up: good, contrary: 0 };
            good
        })
    }
}

impl Pool {
    /// Checks every server for ever; returns at once where the pool has no checks. Dropping it ends the checks.
    pub async fn watch(self: Arc<Self>) {
        let mut watching = JoinSet::new();
        for (member, client) in self.checked() {
            watching.spawn(watch(Arc::clone(&self), Arc::clone(member), client));
        }
        while watching.join_next().await.is_some() {}
    }
}

async fn watch(pool: Arc<Pool>, member: Arc<Member>, client: Client) {
    let Some(check) = &pool.settings().health else { return };
    let mut every = tokio::time::interval(check.interval);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut streak = Streak::START;
    loop {
        every.tick().await;
        let said = ask(&pool, &member, &client, check).await;
        if let Some(up) = streak.note(said.is_ok(), check) {
            let (origin, server) = (pool.name(), &member.server);
            match said {
                Ok(()) => tracing::info!(%origin, %server, "the server is up"),
                Err(why) => tracing::warn!(%origin, %server, why, "the server is down"),
            }
            member.set_up(up, pool.clock().ticks());
            pool.queue().wake_one();
        }
    }
}

/// One check; or why the answer is not a good one.
async fn ask(pool: &Pool, member: &Member, client: &Client, check: &HealthCheck) -> Result<(), String> {
    let mut request = Request::new(Outgoing::empty());
    *request.uri_mut() = Uri::from(check.path.clone());
    let host = check.host.clone().or_else(|| pool.host_header().cloned());
    let host = host.or_else(|| HeaderValue::try_from(member.server.authority.as_str()).ok());
    request.headers_mut().extend(host.map(|host| (HOST, host)));
    request.headers_mut().insert(USER_AGENT, AGENT);
    let asking = client.send(&member.server, request, Reuse::Never);
    match tokio::time::timeout(check.timeout, asking).await {
        Ok(Ok(response)) if check.status.contains(&response.status().as_u16()) => Ok(()),
        Ok(Ok(response)) => Err(format!("it answered {}", response.status().as_u16())),
        Ok(Err(failed)) => Err(failed.fault.to_string()),
        Err(_) => Err(format!("no answer within {} ms", check.timeout.as_millis())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_in_a_row_change_the_belief() {
        let check = HealthCheck {
            path: PathAndQuery::from_static("/"),
            host: None,
            interval: HEALTH_INTERVAL_DEFAULT,
            timeout: HEALTH_TIMEOUT_DEFAULT,
            status: HEALTH_STATUS_DEFAULT,
            rise: 2,
            fall: 3,
        };
        let mut streak = Streak::START;
        let mut said = |good| streak.note(good, &check);
        assert_eq!([true, false, false, true].map(&mut said), [None; 4], "not in a row");
        assert_eq!([false, false, false].map(&mut said), [None, None, Some(false)]);
        assert_eq!([false, true, false, true].map(&mut said), [None; 4]);
        assert_eq!(said(true), Some(true));
        assert_eq!([false, false, false].map(&mut said), [None, None, Some(false)]);
    }
}
