//! The functions of one site, in order, and the instances of one request.

use std::fmt;
use std::sync::Arc;

use seawall_base::trace::{Kind, Span};
use smallvec::SmallVec;
use wasmtime::component::{ComponentNamedList, Lift};

use crate::error::{FunctionError, FunctionErrorKind};
use crate::exchange::{Exchange, OriginVerdict, RequestVerdict};
use crate::function::{Function, Hook, OnError};
use crate::live::{self, Called, Failed, Live};
use crate::metrics::Outcome;
use crate::reuse::Waiting;
use crate::verdict::{OriginRequestVerdict, OriginResponseVerdict, Verdict};
use crate::watch::{Watch, Window};

/// Most functions of a site. Each adds its time to every request.
pub const CHAIN_MAX: usize = 4;

/// A site was given more functions than [`CHAIN_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a site has at most {CHAIN_MAX} functions, not {0}: put several steps into one function")]
pub struct ChainTooLong(pub usize);

/// The functions of a site: on the request side they run in order, on the response side in reverse. Cheap to clone.
#[derive(Clone)]
pub struct Chain {
    functions: Arc<[Arc<Function>]>,
    /// Instances that wait for their next request, by function.
    waiting: Arc<[Waiting]>,
    /// Whether any function has the hook, in the order of [`Hook::ALL`].
    hooks: [bool; Hook::ALL.len()],
    /// A function that belongs here and has no active version.
    absent: Option<Arc<str>>,
    /// Through which others see its calls.
    window: Option<Window>,
}

/// The instances of one request, kept from its `on_request` to its `on_response`, or of one fetch, so that a function's
/// memory usually lives as long. Dropping it frees their slots.
#[derive(Default)]
pub struct Instances {
    // By place in the chain.
    kept: SmallVec<[Option<Kept>; 1]>,
}

struct Kept {
    // A caller may come with another chain: an instance must not serve a function that is not its own.
    function: Arc<Function>,
    live: Live,
}

impl Chain {
    /// A chain of these functions.
    pub fn new(functions: Vec<Arc<Function>>) -> Result<Self, ChainTooLong> {
        if functions.len() > CHAIN_MAX {
            return Err(ChainTooLong(functions.len()));
        }
        let hooks = Hook::ALL.map(|hook| functions.iter().any(|function| function.has(hook)));
        let waiting = functions.iter().map(|_| Waiting::default()).collect();
        Ok(Self { hooks, waiting, functions: functions.into(), absent: None, window: None })
    }

    /// The same chain, in which `name` has no active version: every request and every fetch fails closed, since what is
    /// not there may be what guards the site.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.absent = Some(name.into());
        self.hooks[Hook::OnRequest as usize] = true;
        self.hooks[Hook::OnOriginRequest as usize] = true;
        self
    }

    /// The same chain, on a site: whoever watches can see its calls.
    #[must_use]
    pub fn watched(mut self, site: &str, watch: &Arc<Watch>) -> Self {
        self.window = Some(Window { site: site.into(), watch: Arc::clone(watch) });
        self
    }

    /// Whether this is the same chain, and not only one like it.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.functions, &other.functions)
    }

    /// The functions, in order.
    #[must_use]
    pub fn functions(&self) -> &[Arc<Function>] {
        &self.functions
    }

    /// Whether any function has this hook.
    #[must_use]
    pub fn has(&self, hook: Hook) -> bool {
        self.hooks.get(hook as usize).copied().unwrap_or_default()
    }

    /// Runs `on-request` of each function that has it, in order, until one answers by itself or fails.
    ///
    /// The exchange always comes back. What a failed function changed is undone, its log lines excepted; what those
    /// before it changed is kept. An error is returned where the function's settings say that it fails the request;
    /// other failures are noted in the exchange, and the functions that follow run.
    pub async fn on_request(
        &self,
        instances: &mut Instances,
        exchange: Exchange,
    ) -> (Exchange, Result<RequestVerdict, FunctionError>) {
        self.ask::<Verdict>(instances, exchange, Hook::OnRequest).await
    }

    /// The same with `on-origin-request`, on the request to an origin. `exchange.store` must be there.
    pub async fn on_origin_request(
        &self,
        instances: &mut Instances,
        exchange: Exchange,
    ) -> (Exchange, Result<RequestVerdict, FunctionError>) {
        self.ask::<OriginRequestVerdict>(instances, exchange, Hook::OnOriginRequest).await
    }

    async fn ask<R>(
        &self,
        instances: &mut Instances,
        mut exchange: Exchange,
        hook: Hook,
    ) -> (Exchange, Result<RequestVerdict, FunctionError>)
    where
        R: Into<Verdict> + Lift + Send + Sync + 'static,
        (Result<R, String>,): ComponentNamedList + Lift,
    {
        if let Some(name) = &self.absent {
            let detail = "the function has no active version: deploy and activate one";
            return (exchange, Err(FunctionError::new(name, hook, FunctionErrorKind::Absent, detail)));
        }
        let later = if hook == Hook::OnRequest { Hook::OnResponse } else { Hook::OnOriginResponse };
        for (at, function) in self.functions.iter().enumerate() {
            if !function.has(hook) {
                continue;
            }
            let mut kept = self.instance(instances, at, function);
            let check = |verdict: R| answered(function, verdict.into());
            let called = self.call(function, &mut kept, exchange, hook, check).await;
            exchange = called.exchange;
            // Without a later hook this request has no more use for it, and its slot may serve another.
            if function.has(later) {
                instances.put(at, function, kept);
            } else {
                self.done(at, function, kept);
            }
            match called.result {
                Ok(RequestVerdict::Next) => {}
                Err(error) if function.settings.on_error(hook) != OnError::FailClosed => {
                    exchange.tolerated.get_or_insert(error);
                }
                other => return (exchange, other),
            }
        }
        (exchange, Ok(RequestVerdict::Next))
    }

    /// The instance of this request, or one that waits, where the function may have such. Else one is made.
    fn instance(&self, instances: &mut Instances, at: usize, function: &Arc<Function>) -> Option<Live> {
        let own = instances.take(at, function);
        if own.is_some() || !function.settings.reuse {
            return own;
        }
        self.waiting.get(at)?.take(function)
    }

    /// This request needs it no more. One that failed is not there.
    fn done(&self, at: usize, function: &Arc<Function>, live: Option<Live>) {
        if let (true, Some(waiting), Some(live)) = (function.settings.reuse, self.waiting.get(at), live) {
            waiting.give(function, live);
        }
    }

    /// One call, counted, and told to whoever watches.
    async fn call<R, T: Outcome>(
        &self,
        function: &Arc<Function>,
        kept: &mut Option<Live>,
        exchange: Exchange,
        hook: Hook,
        check: impl FnOnce(R) -> Result<T, Failed>,
    ) -> Called<T>
    where
        R: Lift + Send + Sync + 'static,
        (Result<R, String>,): ComponentNamedList + Lift,
    {
        let eye = self.window.as_ref().and_then(|window| window.look(&exchange));
        let span = span(&exchange, function, hook);
        let called = live::call(function, kept, exchange, hook, check).await;
        end(span, &called.result);
        function.shared.metrics.record(hook, &called.result, called.spent);
        if let Some(eye) = eye {
            eye.close(function, hook, &called);
        }
        called
    }

    /// Runs `on-origin-response` of each function that has it, in reverse order, until one asks for another origin or
    /// fails the fetch. `exchange.response` and `exchange.store` must be there. If one says that it is for delivery
    /// only, or fails so, it is, whatever the others say.
    pub async fn on_origin_response(
        &self,
        instances: &mut Instances,
        mut exchange: Exchange,
    ) -> (Exchange, Result<OriginVerdict, FunctionError>) {
        const HOOK: Hook = Hook::OnOriginResponse;
        let mut verdict = OriginVerdict::Store;
        for (at, function) in
            self.functions.iter().enumerate().rev().filter(|(_, function)| function.has(HOOK))
        {
            let mut kept = self.instance(instances, at, function);
            let called = self.call(function, &mut kept, exchange, HOOK, |said| judged(function, said)).await;
            exchange = called.exchange;
            self.done(at, function, kept);
            match called.result {
                Ok(OriginVerdict::Store) => {}
                Ok(OriginVerdict::DeliverOnly) => verdict = OriginVerdict::DeliverOnly,
                Ok(retry @ OriginVerdict::Retry(_)) => return (exchange, Ok(retry)),
                Err(error) => match function.settings.on_error(HOOK) {
                    OnError::FailClosed => return (exchange, Err(error)),
                    then => {
                        exchange.tolerated.get_or_insert(error);
                        if then == OnError::DeliverOnly {
                            verdict = OriginVerdict::DeliverOnly;
                        }
                    }
                },
            }
        }
        (exchange, Ok(verdict))
    }

    /// Runs `on-response` of each function that has it, in reverse order. `exchange.response` must be there.
    ///
    /// One that fails does not keep the others from running, unless its settings say that it fails the request: what it
    /// changed is undone, and the failure is noted in the exchange.
    pub async fn on_response(
        &self,
        instances: &mut Instances,
        mut exchange: Exchange,
    ) -> (Exchange, Result<(), FunctionError>) {
        const HOOK: Hook = Hook::OnResponse;
        for (at, function) in
            self.functions.iter().enumerate().rev().filter(|(_, function)| function.has(HOOK))
        {
            let mut kept = self.instance(instances, at, function);
            let called = self.call(function, &mut kept, exchange, HOOK, Ok::<(), Failed>).await;
            exchange = called.exchange;
            self.done(at, function, kept);
            match called.result {
                Err(error) if function.settings.on_error(HOOK) == OnError::FailClosed => {
                    return (exchange, Err(error));
                }
                Err(error) => drop(exchange.tolerated.get_or_insert(error)),
                Ok(()) => {}
            }
        }
        (exchange, Ok(()))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { functions, hooks, absent, .. } = self;
        f.debug_struct("Chain")
            .field("functions", functions)
            .field("hooks", hooks)
            .field("absent", absent)
            .finish()
    }
}

/// The span of a call, where the request is sampled.
fn span(exchange: &Exchange, function: &Function, hook: Hook) -> Option<Span> {
    let mut span = exchange.trace.as_ref()?.child(hook.as_str(), Kind::Internal);
    span.note("seawall.function", &*function.name);
    Some(span)
}

fn end<T>(span: Option<Span>, result: &Result<T, FunctionError>) {
    if let (Some(mut span), Err(error)) = (span, result) {
        span.note("error.type", error.code());
        span.fail(error.detail.to_string());
    }
}

fn judged(function: &Function, said: OriginResponseVerdict) -> Result<OriginVerdict, Failed> {
    match said {
        OriginResponseVerdict::Store => Ok(OriginVerdict::Store),
        OriginResponseVerdict::DeliverOnly => Ok(OriginVerdict::DeliverOnly),
        OriginResponseVerdict::Retry(name) => match function.settings.origins.get(name.as_str()) {
            Some(origin) => Ok(OriginVerdict::Retry(origin.clone())),
            None => Err((
                FunctionErrorKind::Misuse,
                format!("it was not granted the origin `{name}` to retry at"),
            )),
        },
    }
}

fn answered(function: &Function, verdict: Verdict) -> Result<RequestVerdict, Failed> {
    match verdict {
        Verdict::Next => Ok(RequestVerdict::Next),
        Verdict::Respond(response) => {
            response.checked(&function.name).map(RequestVerdict::Respond).map_err(|why| {
                (FunctionErrorKind::BadResponse, format!("the response that it made cannot be sent: {why}"))
            })
        }
    }
}

impl Instances {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Frees the slots where slots are scarce. To be called before a wait for an origin: a guest's memory may, but need
    /// not, last from one hook to the next, and a slow origin must not keep other requests from running functions.
    pub fn release_if_scarce(&mut self) {
        let scarce = self.kept.iter().flatten().next().is_some_and(|kept| {
            let shared = &kept.function.shared;
            shared.slots.available_permits() <= shared.config.max_instances as usize / 4
        });
        if scarce {
            self.kept.clear();
        }
    }

    fn take(&mut self, at: usize, function: &Arc<Function>) -> Option<Live> {
        let kept = self.kept.get_mut(at)?.take()?;
        Arc::ptr_eq(&kept.function, function).then_some(kept.live)
    }

    fn put(&mut self, at: usize, function: &Arc<Function>, live: Option<Live>) {
        if self.kept.len() <= at {
            self.kept.resize_with(at + 1, || None);
        }
        if let Some(place) = self.kept.get_mut(at) {
            *place = live.map(|live| Kept { function: Arc::clone(function), live });
        }
    }
}

impl fmt::Debug for Instances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.kept.iter().flatten().map(|kept| &kept.function)).finish()
    }
}
