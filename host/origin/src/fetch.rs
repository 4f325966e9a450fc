//! Asks a pool: one server, and others as long as that is safe and the budget allows it.
//!
//! The order in which servers come into question: the pool's own, its backup servers, the backup origin's in the same
//! way, and at last, where the settings say so, one that is out. Only the first try waits for a place.

use std::pin::pin;
use std::sync::Arc;

use http::header::HOST;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use seawall_base::trace::{Kind, Parent};
use seawall_base::{Blame, Cause, Fault, Retry};
use tokio::time::Instant;

use crate::balance::{self, Balance, Draw};
use crate::body::{OriginBody, Outgoing};
use crate::client::Reuse;
use crate::failure::Failed;
use crate::pool::{Choice, Pool, Tried, WhenAllOut};
use crate::repeat::Repeat;
use crate::seat::Seat;
use crate::server::Role;

/// What else a request says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// A hash of what is asked for, where there is one: [`Balance::Hash`] goes by it. Else by host and path.
    pub key: Option<u64>,
    /// Whose word on `Host` counts.
    pub host: HostRule,
    /// Whether a backup may answer it.
    pub backup: BackupRule,
}

/// Whether a backup may answer a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupRule {
    /// Where no primary server can be asked.
    Allowed,
    /// There is something better: the request fails rather.
    Spared,
}

/// Whose word on `Host` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostRule {
    /// The origin's, where it has one.
    Origins,
    /// The request's.
    Requests,
}

/// Stands in a response's extensions where a backup gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FromBackup;

/// One request on its way through a pool.
struct Errand<'p> {
    pool: &'p Arc<Pool>,
    draw: Draw,
    repeat: Repeat,
    /// `Host` as the request came.
    host: Option<HeaderValue>,
    wish: Wish,
    /// Of the pool and of its backup.
    tried: [Tried; 2],
    tries: u32,
    deadline: Option<Instant>,
    /// The span that the tries are part of, where the request is sampled.
    trace: Option<Parent>,
}

/// Carries a trace on (W3C Trace Context §3.2).
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What an answer is needed for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// There is none: a server that is out may do.
    Any,
    /// There is one, if a bad one.
    Better,
}

impl Pool {
    /// Asks the pool.
    ///
    /// The request's URI needs only a path; `Host` must be among its fields.
    pub async fn fetch(
        self: &Arc<Self>,
        mut request: Request<Outgoing>,
        wish: Wish,
    ) -> Result<Response<OriginBody>, Fault> {
        self.budget().deposit();
        let key = match (self.settings().balance, wish.key) {
            (Balance::Hash, None) => key_of(&request),
            (_, key) => key.unwrap_or_default(),
        };
        let errand = Errand {
            pool: self,
            draw: self.draw(key),
            repeat: Repeat::of(&mut request),
            host: request.headers().get(HOST).cloned(),
            wish,
            tried: [Tried::default(); 2],
            tries: 0,
            // A sleep knows when it ends; this file must not ask what time it is.
            deadline: self.settings().timeout.map(|limit| tokio::time::sleep(limit).deadline()),
            trace: None,
        };
        errand.run(request).await
    }
}

fn key_of(request: &Request<Outgoing>) -> u64 {
    let host = request.headers().get(HOST).map_or(&b""[..], HeaderValue::as_bytes);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    balance::hash(&[host, path.as_bytes()])
}

impl Errand<'_> {
    async fn run(mut self, request: Request<Outgoing>) -> Result<Response<OriginBody>, Fault> {
        let mut seat = self.first_seat().await?;
        let mut request = request;
        // A server's gateway error is an answer, should nobody have a better one.
        let mut answer: Option<Response<OriginBody>> = None;
        loop {
            let fault = match self.attempt(seat, request).await {
                Ok(response) if self.may_be_better(response.status()) => {
                    answer = Some(response);
                    None
                }
                Ok(response) => return Ok(response),
                Err(fault) => Some(fault),
            };
            let need = if answer.is_some() { Need::Better } else { Need::Any };
            let free = fault.as_ref().is_some_and(|fault| fault.retry == Retry::Safe);
            let next = match &fault {
                Some(fault) if !self.may_repeat(fault) => None,
                _ => self.next_try(need, free),
            };
            match (next, answer, fault) {
                (Some((next_seat, next_request)), kept, _) => {
                    self.pool.sent().retries.inc();
                    (seat, request, answer) = (next_seat, next_request, kept);
                }
                (None, Some(response), _) => return Ok(response),
                (None, None, Some(fault)) => return Err(fault),
                (None, None, None) => return Err(self.no_server()),
            }
        }
    }

    /// Where the request goes first. Waits for a place, if it has to.
    async fn first_seat(&mut self) -> Result<Seat, Fault> {
        let queue = self.pool.queue();
        let choice = if queue.is_empty() { self.next_server(Need::Any) } else { Choice::Full };
        let choice = match choice {
            Choice::Full => self.wait().await?,
            choice => choice,
        };
        match choice {
            Choice::Seat(seat) => Ok(seat),
            Choice::Full | Choice::Nobody => Err(self.no_server()),
        }
    }

    async fn wait(&mut self) -> Result<Choice, Fault> {
        let pool = Arc::clone(self.pool);
        let limit = pool.settings().caps.queue_timeout;
        let ends = tokio::time::sleep(limit).deadline();
        let ends = self.deadline.map_or(ends, |all| all.min(ends));
        let Some(place) = pool.queue().enter() else {
            pool.metrics().queue_full.inc();
            let detail = format!("{} requests wait for {} already", pool.queue().waiting(), pool.name());
            return Err(Fault::new(Cause::QueueFull, pool.blame(), detail));
        };
        let waiting = async {
            loop {
                let mut woken = pin!(place.woken());
                woken.as_mut().enable();
                match self.next_server(Need::Any) {
                    Choice::Full => woken.await,
                    choice => return choice,
                }
            }
        };
        tokio::time::timeout_at(ends, waiting).await.map_err(|_| {
            pool.metrics().queue_timeout.inc();
            let detail = format!("no server of {} was free within {} ms", pool.name(), limit.as_millis());
            Fault::new(Cause::QueueTimeout, pool.blame(), detail)
        })
    }

    /// The server that comes next, and a place at it.
    fn next_server(&mut self, need: Need) -> Choice {
        let first = self.tries == 0;
        let now = self.pool.clock().ticks();
        let (roles, backup) = match self.wish.backup {
            BackupRule::Allowed => (&[Role::Primary, Role::Backup][..], self.pool.backup()),
            BackupRule::Spared => (&[Role::Primary][..], None),
        };
        let [own, others] = &mut self.tried;
        for (nth, pool) in [Some(self.pool), backup].into_iter().enumerate() {
            let Some(pool) = pool else { continue };
            let tried = if nth == 0 { &mut *own } else { &mut *others };
            for role in roles.iter().copied() {
                match pool.choose(role, tried, self.draw, now) {
                    Choice::Seat(seat) => {
                        if nth > 0 || role == Role::Backup {
                            self.pool.metrics().backup.inc();
                        }
                        return Choice::Seat(seat);
                    }
                    // A backup is for servers that are out, not for those that are busy.
                    Choice::Full if first && nth == 0 => return Choice::Full,
                    Choice::Full | Choice::Nobody => {}
                }
            }
        }
        if need == Need::Better || self.pool.settings().when_all_out == WhenAllOut::Fail {
            return Choice::Nobody;
        }
        match (self.pool.force(roles, own), backup) {
            (Choice::Seat(seat), _) => Choice::Seat(seat),
            (choice, None) => choice,
            (choice, Some(backup)) => match backup.force(roles, others) {
                Choice::Seat(seat) => Choice::Seat(seat),
                // Nobody says when a place at the backup is free: what is waited for is one here.
                Choice::Full | Choice::Nobody => choice,
            },
        }
    }

    /// Another try: a server, and the request once more. `free` where it is not the budget's: what never reached a server
    /// was no load on any.
    fn next_try(&mut self, need: Need, free: bool) -> Option<(Seat, Request<Outgoing>)> {
        let settings = self.pool.settings();
        if settings.retry.tries.is_some_and(|most| self.tries >= most) {
            return None;
        }
        let request = self.repeat.again()?;
        let Choice::Seat(seat) = self.next_server(need) else { return None };
        if !free && !self.pool.budget().withdraw(self.pool.clock().ticks()) {
            self.pool.metrics().retries_refused.inc();
            return None;
        }
        Some((seat, request))
    }

    fn may_repeat(&self, fault: &Fault) -> bool {
        match fault.retry {
            Retry::Safe => true,
            Retry::IfIdempotent => self.repeat.is_idempotent(),
            Retry::Never => false,
        }
    }

    /// Whether another server might answer better.
    fn may_be_better(&self, status: StatusCode) -> bool {
        is_gateway_error(status) && self.repeat.is_idempotent() && self.repeat.is_bodiless()
    }

    /// One server, once; and once more on a new connection where an idle one had ended.
    /// One try, and its span where the request is sampled.
    async fn attempt(
        &mut self,
        seat: Seat,
        mut request: Request<Outgoing>,
    ) -> Result<Response<OriginBody>, Fault> {
        self.tries += 1;
        let Some(parent) = request.extensions_mut().remove::<Parent>().or_else(|| self.trace.clone()) else {
            return self.ask(seat, request).await;
        };
        let mut span = parent.child("origin", Kind::Client);
        self.trace = Some(parent);
        span.note("seawall.origin", seat.pool().name().as_str());
        span.note("server.address", seat.member().server.to_string());
        span.note("seawall.try", u16::try_from(self.tries).unwrap_or(u16::MAX));
        if let Ok(value) = HeaderValue::try_from(span.parent().place().traceparent()) {
            request.headers_mut().insert(TRACEPARENT, value);
        }
        let answer = self.ask(seat, request).await;
        match &answer {
            Ok(response) => span.note("http.response.status_code", response.status().as_u16()),
            Err(fault) => {
                span.note("error.type", fault.cause.as_str());
                span.fail(&*fault.detail);
            }
        }
        answer
    }

    async fn ask(
        &mut self,
        mut seat: Seat,
        request: Request<Outgoing>,
    ) -> Result<Response<OriginBody>, Fault> {
        seat.member().metrics.requests.inc();
        let began = self.pool.clock().ticks();
        let mut outcome = self.send(&seat, request, Reuse::of(&self.repeat)).await;
        if outcome.as_ref().is_err_and(|failed| failed.stale_connection)
            && self.repeat.is_idempotent()
            && let Some(again) = self.repeat.again()
        {
            self.pool.sent().retries.inc();
            outcome = self.send(&seat, again, Reuse::Never).await;
        }
        match outcome {
            Ok(mut response) => {
                if is_gateway_error(response.status()) {
                    seat.answered_badly();
                } else {
                    seat.answered(self.pool.clock().ticks().saturating_sub(began));
                }
                if !Arc::ptr_eq(seat.pool(), self.pool) || seat.member().server.role == Role::Backup {
                    response.extensions_mut().insert(FromBackup);
                }
                Ok(response.map(|body| body.seated(seat)))
            }
            Err(Failed { fault, .. }) => {
                // What the client spoils says nothing about the server.
                if fault.blame != Blame::Client {
                    seat.failed();
                }
                Err(fault)
            }
        }
    }

    async fn send(
        &self,
        seat: &Seat,
        mut request: Request<Outgoing>,
        reuse: Reuse,
    ) -> Result<Response<OriginBody>, Failed> {
        let host = match self.wish.host {
            HostRule::Origins => seat.pool().host_header().or(self.host.as_ref()),
            HostRule::Requests => self.host.as_ref(),
        };
        if let Some(host) = host {
            request.headers_mut().insert(HOST, host.clone());
        }
        let member = seat.member();
        let upload = request.body().upload();
        let sending = member.client.send(&member.server, request, reuse);
        let try_limit = self.pool.settings().try_timeout;
        let try_ends = try_limit.map(|limit| tokio::time::sleep(limit).deadline());
        let ends = match (try_ends, self.deadline) {
            (Some(one), Some(all)) => one.min(all),
            (one, all) => match one.or(all) {
                Some(ends) => ends,
                None => return sending.await,
            },
        };
        tokio::time::timeout_at(ends, sending).await.unwrap_or_else(|_| {
            self.pool.sent().failures.inc();
            // A server that takes nothing holds what it was sent for as long as it likes.
            if let Some(upload) = upload.filter(|_| !self.repeat.has_its_body()) {
                upload.give_up();
            }
            Err(self.too_late(seat, self.deadline.is_some_and(|all| all <= ends)).into())
        })
    }

    fn too_late(&self, seat: &Seat, all: bool) -> Fault {
        let settings = self.pool.settings();
        let (what, limit, retry) = if all {
            ("timeout", settings.timeout, Retry::Never)
        } else {
            ("try_timeout", settings.try_timeout, Retry::IfIdempotent)
        };
        let limit_ms = limit.unwrap_or_default().as_millis();
        let detail = format!("{} sent no head within {what} = {limit_ms} ms", seat.member().server);
        Fault::new(Cause::ResponseTimeout, self.pool.blame(), detail).retry(retry)
    }

    fn no_server(&self) -> Fault {
        self.pool.metrics().no_server.inc();
        let detail = format!("every server of {} is out", self.pool.name());
        Fault::new(Cause::NoServer, self.pool.blame(), detail)
    }
}

/// What a server says when what is behind it, or its own capacity, is gone (RFC 9110 §15.6.3 to §15.6.5).
fn is_gateway_error(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}
