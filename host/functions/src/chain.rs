//! The functions of one site, in order, and the instances of one request.

use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::error::{FunctionError, FunctionErrorKind};
use crate::exchange::{Exchange, RequestVerdict};
use crate::function::{Function, Hook};
use crate::live::{self, Failed, Live};
use crate::verdict::Verdict;

/// Most functions of a site. Each adds its time to every request.
pub const CHAIN_MAX: usize = 4;

/// A site was given more functions than [`CHAIN_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a site has at most {CHAIN_MAX} functions, not {0}: put several steps into one function")]
pub struct ChainTooLong(pub usize);

/// The functions of a site: on the request side they run in order, on the response side in reverse. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Chain {
    functions: Arc<[Arc<Function>]>,
    on_request: bool,
    on_response: bool,
}

/// The instances of one request, kept from its `on_request` to its `on_response`, so that a function's memory usually
/// lives as long. Dropping it frees their slots.
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
        let has = |hook| functions.iter().any(|function| function.has(hook));
        Ok(Self {
            on_request: has(Hook::OnRequest),
            on_response: has(Hook::OnResponse),
            functions: functions.into(),
        })
    }

    /// The functions, in order.
    #[must_use]
    pub fn functions(&self) -> &[Arc<Function>] {
        &self.functions
    }

    /// Whether any function acts on requests.
    #[must_use]
    pub fn has_on_request(&self) -> bool {
        self.on_request
    }

    /// Whether any function acts on responses.
    #[must_use]
    pub fn has_on_response(&self) -> bool {
        self.on_response
    }

    /// Runs `on-request` of each function that has it, in order, until one answers by itself or fails.
    ///
    /// The exchange always comes back. What a failed function changed is undone, its log lines excepted; what those
    /// before it changed is kept.
    pub async fn on_request(
        &self,
        instances: &mut Instances,
        mut exchange: Exchange,
    ) -> (Exchange, Result<RequestVerdict, FunctionError>) {
        for (at, function) in self.functions.iter().enumerate() {
            if !function.has(Hook::OnRequest) {
                continue;
            }
            let mut kept = instances.take(at, function);
            let check = |verdict| checked(function, verdict);
            let called = live::call(function, &mut kept, exchange, Hook::OnRequest, check).await;
            let verdict = called.result;
            exchange = called.exchange;
            // Without a later hook the instance is of no more use, and its slot may serve another request.
            if verdict.is_ok() && function.has(Hook::OnResponse) {
                instances.put(at, function, kept);
            }
            function.shared.metrics.record_request(&verdict, called.spent);
            match verdict {
                Ok(RequestVerdict::Next) => {}
                other => return (exchange, other),
            }
        }
        (exchange, Ok(RequestVerdict::Next))
    }

    /// Runs `on-response` of each function that has it, in reverse order. `exchange.response` must be there.
    ///
    /// One that fails does not keep the others from running: what it changed is undone, and the first failure is
    /// returned. So a caller that lets responses pass in spite of a failure still gets the others' work.
    pub async fn on_response(
        &self,
        instances: &mut Instances,
        mut exchange: Exchange,
    ) -> (Exchange, Result<(), FunctionError>) {
        let mut result = Ok(());
        for (at, function) in self.functions.iter().enumerate().rev() {
            if !function.has(Hook::OnResponse) {
                continue;
            }
            let mut kept = instances.take(at, function);
            let called = live::call(function, &mut kept, exchange, Hook::OnResponse, Ok::<(), Failed>).await;
            exchange = called.exchange;
            function.shared.metrics.record_response(&called.result, called.spent);
            result = result.and(called.result);
        }
        (exchange, result)
    }
}

fn checked(function: &Function, verdict: Verdict) -> Result<RequestVerdict, Failed> {
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
