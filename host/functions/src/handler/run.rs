//! One call of a handler, from its instance to its end.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use wasmtime::Store;
use wasmtime::component::{Instance, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};
use wasmtime_wasi_http::{Error, WasiHttpView};

use super::engine::HandlerEngine;
use super::hooks::Fetch;
use super::state::{HandlerLog, HandlerState, Meter};
use crate::breaker::Pass;
use crate::error::{FunctionError, FunctionErrorKind};
use crate::function::{Function, Guest, Hook};
use crate::guest_log::GuestLog;
use crate::live::{self, Failed, HOST_PANICKED, Spent};
use crate::upload::UploadError;

/// Bytes that a guest may hand to the host in one call.
const TRANSFER_MAX_BYTES: usize = 2 << 20;
/// Handles that a guest may hold.
const HANDLES_MAX: usize = 4096;

/// What is to be told when a handler's guest is gone.
#[derive(Debug)]
pub struct Ended {
    /// What it wrote for the operator.
    pub log: GuestLog,
    /// How it failed after its answer had begun, which nobody else tells.
    pub failure: Option<FunctionError>,
}

/// Is told.
pub type OnEnd = Box<dyn FnOnce(Ended) + Send + Sync>;

/// Who asks a handler, and what it does for it.
pub struct Asker {
    /// Is told when the guest is gone.
    pub on_end: OnEnd,
    /// Makes the requests that the handler makes. Without it there are none.
    pub fetch: Option<Arc<dyn Fetch>>,
}

impl Default for Asker {
    /// Nobody in particular.
    fn default() -> Self {
        Self { on_end: Box::new(drop), fetch: None }
    }
}

/// How a guest ended, for those who read what it wrote.
#[derive(Debug, Default)]
pub(super) struct End(Mutex<Ending>);

#[derive(Debug, Default)]
struct Ending {
    answered: bool,
    failure: Option<FunctionError>,
}

impl End {
    /// The guest failed so, unless it has failed before: the first failure counts.
    pub(super) fn fail(&self, error: FunctionError) -> FunctionError {
        self.0.lock().failure.get_or_insert(error).clone()
    }

    /// A failure that the answer could not tell.
    fn unheard(&self) -> Option<FunctionError> {
        let ending = self.0.lock();
        ending.failure.clone().filter(|_| ending.answered)
    }

    pub(super) fn failure(&self) -> Option<FunctionError> {
        self.0.lock().failure.clone()
    }
}

/// What a guest sets its answer to.
type Set = Result<Response<HyperOutgoingBody>, ErrorCode>;

/// Whom a guest's answer is for. Used once.
struct Answer(Option<oneshot::Sender<Result<Response<HyperOutgoingBody>, FunctionError>>>);

impl Answer {
    /// The head of the answer is there; the body may still be on its way.
    fn head(&mut self, run: &Run, set: Set) {
        let answer = Run::judge(set).map_err(|failed| run.fail(failed));
        if answer.is_ok() {
            run.end.0.lock().answered = true;
        }
        self.send(answer);
    }

    fn send(&mut self, answer: Result<Response<HyperOutgoingBody>, FunctionError>) {
        if let Some(waiting) = self.0.take() {
            // Who has left needs no answer.
            let _ = waiting.send(answer);
        }
    }
}

/// A call under way. However it ends, dropping it tells what is to be told.
pub(super) struct Run {
    function: Arc<Function>,
    engine: Arc<HandlerEngine>,
    meter: Arc<Meter>,
    log: Arc<Mutex<HandlerLog>>,
    end: Arc<End>,
    on_end: Option<OnEnd>,
    fetch: Option<Arc<dyn Fetch>>,
    slot: Option<OwnedSemaphorePermit>,
}

impl Drop for Run {
    fn drop(&mut self) {
        let failure = self.end.unheard();
        if let Some(on_end) = self.on_end.take() {
            on_end(Ended { log: self.log.lock().take(), failure });
        }
    }
}

impl Run {
    pub(super) fn new(
        function: &Arc<Function>,
        engine: Arc<HandlerEngine>,
        slot: OwnedSemaphorePermit,
        end: Arc<End>,
        asker: Asker,
    ) -> Self {
        let Asker { on_end, fetch } = asker;
        Self {
            function: Arc::clone(function),
            engine,
            meter: Arc::default(),
            log: Arc::new(Mutex::new(HandlerLog::new(&function.name))),
            end,
            on_end: Some(on_end),
            fetch,
            slot: Some(slot),
        }
    }

    /// Runs the guest to its end. The answer comes in between, or a failure at the end.
    pub(super) async fn go<B>(
        mut self,
        pass: Pass,
        request: Request<B>,
        answer: oneshot::Sender<Result<Response<HyperOutgoingBody>, FunctionError>>,
    ) where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let began = self.function.shared.clock.ticks();
        let mut store = self.store();
        let mut answer = Answer(Some(answer));
        let outcome = self.call(&mut store, request, &mut answer).await;
        let outcome = match outcome {
            // A body that was begun and not finished is not whole, however quietly its guest left.
            Ok(()) if store.data_mut().has_open_body() => {
                Err((FunctionErrorKind::BadResponse, "it returned and left its body unfinished".to_owned()))
            }
            Ok(()) if answer.0.is_some() => {
                Err((FunctionErrorKind::BadResponse, "it returned without an answer".to_owned()))
            }
            outcome => outcome,
        };
        // Before the store goes: with it the body ends as if it were whole.
        let result = outcome.map_err(|failed| self.fail(failed));
        let result = self.end.failure().map_or(result, Err);
        if let Err(error) = &result {
            answer.send(Err(error.clone()));
        }
        let wall = self.function.shared.clock.ticks().saturating_sub(began);
        let spent = Spent { cpu: self.meter.used(), wall, ..Spent::default() };
        self.function.shared.metrics.record(Hook::Handle, &result, spent);
        let failed = result.as_ref().err().map(|error| error.kind);
        self.function.ended(pass, failed, self.function.shared.clock.ticks());
        drop(store);
        // After the store: only then is the slot free.
        self.slot = None;
    }

    /// Calls the guest, and hands its answer on as soon as it has set it.
    async fn call<B>(
        &self,
        store: &mut Store<HandlerState>,
        request: Request<B>,
        answer: &mut Answer,
    ) -> Result<(), Failed>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let limit = self.function.shared.config.handlers.wall;
        let (set, mut head) = oneshot::channel();
        let mut called = pin!(tokio::time::timeout(limit, self.metered(enter(store, request, set))));
        let called = tokio::select! {
            biased;
            set = &mut head => {
                if let Ok(set) = set {
                    answer.head(self, set);
                }
                called.await
            }
            called = &mut called => {
                if let Ok(set) = head.try_recv() {
                    answer.head(self, set);
                }
                called
            }
        };
        called.unwrap_or_else(|_| {
            let text = format!("the function used up its wall time of {} ms", limit.as_millis());
            Err((FunctionErrorKind::Wall, text))
        })
    }

    /// Whether an answer is one.
    fn judge(set: Set) -> Result<Response<HyperOutgoingBody>, Failed> {
        let response = set
            .map_err(|code| (FunctionErrorKind::Returned, format!("it answered with an error: {code:?}")))?;
        let status = response.status();
        if !(200..=599).contains(&status.as_u16()) {
            let text = format!("the status of its answer is {status}; it must be 200 to 599");
            return Err((FunctionErrorKind::BadResponse, text));
        }
        Ok(response)
    }

    fn fail(&self, (kind, detail): Failed) -> FunctionError {
        self.end.fail(FunctionError::new(&self.function.name, Hook::Handle, kind, &detail))
    }

    fn store(&self) -> Store<HandlerState> {
        let (engine, meter) = (Arc::clone(&self.engine), Arc::clone(&self.meter));
        let state =
            HandlerState::new(&self.function, engine, self.fetch.clone(), meter, Arc::clone(&self.log));
        store(&self.engine, state)
    }

    /// Counts the time that a call has the thread, and keeps a panic of the host inside it.
    async fn metered<R>(&self, call: impl Future<Output = Result<R, Failed>>) -> Result<R, Failed> {
        let mut call = pin!(call);
        let (clock, pulse) = (&self.function.shared.clock, &self.engine.pulse);
        poll_fn(|cx| {
            // A guest that waits keeps nobody awake.
            let running = pulse.running();
            self.meter.begin(clock.ticks(), pulse.beats());
            let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx)));
            self.meter.end(clock.ticks(), pulse.beats());
            drop(running);
            polled.unwrap_or_else(|_| Poll::Ready(Err((FunctionErrorKind::Host, HOST_PANICKED.to_owned()))))
        })
        .await
    }
}

fn store(engine: &HandlerEngine, state: HandlerState) -> Store<HandlerState> {
    let mut store = Store::new(engine.engine(), state);
    store.limiter(|state| state);
    store.epoch_deadline_callback(|mut cx| cx.data_mut().tick());
    store.set_hostcall_fuel(TRANSFER_MAX_BYTES);
    store.set_max_component_handles(HANDLES_MAX);
    // The deadline must lie ahead, or the first instruction already is too late.
    store.set_epoch_deadline(1);
    store
}

async fn instantiate(store: &mut Store<HandlerState>) -> Result<Instance, Failed> {
    let function = Arc::clone(&store.data().function);
    let Guest::Handler(prepared) = &function.guest else {
        return Err((FunctionErrorKind::Host, "the function is not a handler".to_owned()));
    };
    prepared.pre.instantiate_async(store).await.map_err(live::failed)
}

type Handle = (Resource<HostIncomingRequest>, Resource<HostResponseOutparam>);

async fn enter<B>(
    store: &mut Store<HandlerState>,
    request: Request<B>,
    answer: oneshot::Sender<Set>,
) -> Result<(), Failed>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: std::fmt::Display,
{
    let instance = instantiate(store).await?;
    let function = Arc::clone(&store.data().function);
    let Guest::Handler(prepared) = &function.guest else { return Ok(()) };
    let is_tls = request.uri().scheme() == Some(&http::uri::Scheme::HTTPS);
    let scheme = if is_tls { Scheme::Https } else { Scheme::Http };
    let request = request.map(|body| body.map_err(|error| Error::InternalError(Some(error.to_string()))));
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request).map_err(live::failed)?;
    let answer = http.new_response_outparam(answer).map_err(live::failed)?;
    let handle =
        instance.get_typed_func::<Handle, ()>(&mut *store, &prepared.export).map_err(live::failed)?;
    handle.call_async(&mut *store, (request, answer)).await.map_err(live::failed)
}

/// Makes one instance and looks at its export, so that what is wrong with it is known at deploy and not at a request.
pub(crate) async fn trial(function: &Arc<Function>) -> Result<(), UploadError> {
    let Guest::Handler(prepared) = &function.guest else { return Ok(()) };
    let slot = Arc::clone(&function.shared.handler_slots).try_acquire_owned();
    let slot = slot.map_err(|_| UploadError::Start("all instances are in use; try again".to_owned()))?;
    let engine = Arc::clone(&prepared.engine);
    let run = Run::new(function, engine, slot, Arc::default(), Asker::default());
    let mut store = run.store();
    let made = run.metered(instantiate(&mut store)).await;
    let instance = made.map_err(|(_, detail)| UploadError::Start(detail))?;
    let typed = instance.get_typed_func::<Handle, ()>(&mut store, &prepared.export);
    typed.map(drop).map_err(|error| UploadError::Mismatch(format!("{error:#}")))
}
