//! One instance, and one call of one of its hooks.
//!
//! A call takes the exchange and gives it back, whatever the guest does. Dropping the call's future drops the instance
//! with its fiber; nothing else knows of it.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use seawall_base::Clock;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::{ComponentNamedList, Instance, Lift};
use wasmtime::{PoolConcurrencyLimitError, Store, Trap, WasmBacktrace};

use crate::error::{FunctionError, FunctionErrorKind, Stop};
use crate::exchange::Exchange;
use crate::function::{Function, Hook};
use crate::reuse::{REUSE_AGE_MAX, REUSE_GROWTH_MAX_BYTES, REUSE_REQUESTS_MAX};
use crate::runtime::Shared;
use crate::state::State;
use crate::upload::UploadError;
use crate::verdict::{OriginRequestVerdict, OriginResponseVerdict, Verdict};

/// Bytes that a guest may hand to the host in one call: a local response at its limit, with room for its fields.
const TRANSFER_MAX_BYTES: usize = 1 << 20;
/// Handles to host resources that a guest may hold: its streams.
const HANDLES_MAX: usize = 64;

/// An instance of one function, for one request. Instantiated by its first call.
pub(crate) struct Live {
    store: Store<State>,
    instance: Option<Instance>,
    /// Ticks when it was made.
    born: Duration,
    /// Requests that it has served.
    served: u32,
    // After the store, since fields are dropped in this order: the slot is free before another request may take it.
    _slot: OwnedSemaphorePermit,
}

/// What came out of one call.
pub(crate) struct Called<T> {
    pub(crate) exchange: Exchange,
    pub(crate) spent: Spent,
    pub(crate) result: Result<T, FunctionError>,
}

/// What a call used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
    /// Instructions, where the engine counts them; making the instance counts towards its first call.
    pub(crate) instructions: Option<u64>,
}

/// A failure before it has the names of the function and the hook.
pub(crate) type Failed = (FunctionErrorKind, String);

/// Calls `hook` on the instance that `kept` holds, or on a new one. A guest that failed is not kept, nor are its edits;
/// an answer that `check` refuses is a failure like any other.
pub(crate) async fn call<R, T>(
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
    let shared = &function.shared;
    let mut spent = Spent::default();
    let fail = |(kind, detail): Failed| FunctionError::new(&function.name, hook, kind, &detail);
    let pass = match function.admit(shared.clock.ticks()) {
        Ok(pass) => pass,
        Err(stopped) => return Called { exchange, spent, result: Err(fail(stopped)) },
    };
    let mut live = match kept.take() {
        Some(live) => live,
        None => match slot(shared).await {
            Ok(slot) => Live::new(function, hook, slot),
            Err(busy) => {
                return Called { exchange, spent, result: Err(fail(busy)) };
            }
        },
    };
    live.store.data_mut().begin(exchange, hook, shared.clock.ticks());
    live.fill_tank();
    let running = shared.pulse.running();
    let outcome = metered(&shared.clock, &mut spent, live.enter::<R>(hook)).await.and_then(check);
    drop(running);
    spent.instructions = live.burnt();
    let exchange = live.store.data_mut().end(outcome.is_ok());
    function.ended(pass, outcome.as_ref().err().map(|(kind, _)| *kind), shared.clock.ticks());
    if outcome.is_ok() {
        *kept = Some(live);
    }
    Called { exchange, spent, result: outcome.map_err(fail) }
}

impl Live {
    fn new(function: &Arc<Function>, hook: Hook, slot: OwnedSemaphorePermit) -> Self {
        let mut store = Store::new(&function.shared.engine, State::new(Arc::clone(function), hook));
        store.limiter(|state| state);
        store.epoch_deadline_callback(|mut cx| cx.data_mut().tick());
        store.set_hostcall_fuel(TRANSFER_MAX_BYTES);
        store.set_max_component_handles(HANDLES_MAX);
        let born = function.shared.clock.ticks();
        Self { store, instance: None, born, served: 0, _slot: slot }
    }

    /// Whether it is this function's, and of this version.
    pub(crate) fn is_of(&self, function: &Arc<Function>) -> bool {
        Arc::ptr_eq(&self.store.data().function, function)
    }

    /// Counts one more request, and says how many there were.
    pub(crate) fn served(&mut self) -> u32 {
        self.served += 1;
        self.served
    }

    /// Spread by when it was made, since those of a rush are made together.
    pub(crate) fn serves_at_most(&self) -> u32 {
        let fifth = REUSE_REQUESTS_MAX / 5;
        REUSE_REQUESTS_MAX - fifth + self.born.subsec_nanos() % (2 * fifth)
    }

    /// Whether it is too old, or has grown too much, to serve again.
    pub(crate) fn is_worn(&self, now: Duration) -> bool {
        now.saturating_sub(self.born) > REUSE_AGE_MAX || self.store.data().grown() > REUSE_GROWTH_MAX_BYTES
    }

    /// Full for each call, so that counting never ends one: its CPU time does.
    fn fill_tank(&mut self) {
        if self.store.data().function.shared.config.count_instructions {
            // It fails only where the engine does not count.
            let _ = self.store.set_fuel(u64::MAX);
        }
    }

    /// Instructions since the tank was full.
    fn burnt(&self) -> Option<u64> {
        let counts = self.store.data().function.shared.config.count_instructions;
        counts.then(|| self.store.get_fuel().ok()).flatten().map(|left| u64::MAX - left)
    }

    /// The instance; made now if it is not there.
    async fn instantiate(&mut self) -> Result<Instance, Failed> {
        // The deadline must lie ahead, or the first instruction already is too late.
        self.store.set_epoch_deadline(1);
        if let Some(instance) = self.instance {
            return Ok(instance);
        }
        let function = Arc::clone(&self.store.data().function);
        let Some(filter) = function.filter() else {
            return Err((FunctionErrorKind::Host, "the function is a handler".to_owned()));
        };
        let instance = filter.pre.instantiate_async(&mut self.store).await.map_err(failed)?;
        self.instance = Some(instance);
        Ok(instance)
    }

    /// Whether the hook has this type.
    fn has<R>(&mut self, instance: Instance, hook: Hook) -> wasmtime::Result<()>
    where
        R: Lift + Send + Sync + 'static,
        (Result<R, String>,): ComponentNamedList + Lift,
    {
        let function = Arc::clone(&self.store.data().function);
        let Some(export) = function.export(hook) else { return Ok(()) };
        instance.get_typed_func::<(), (Result<R, String>,)>(&mut self.store, export).map(drop)
    }

    async fn enter<R>(&mut self, hook: Hook) -> Result<R, Failed>
    where
        R: Lift + Send + Sync + 'static,
        (Result<R, String>,): ComponentNamedList + Lift,
    {
        let function = Arc::clone(&self.store.data().function);
        let Some(export) = function.export(hook) else {
            return Err((FunctionErrorKind::Host, "the function does not have this hook".to_owned()));
        };
        let instance = self.instantiate().await?;
        self.store.data_mut().open();
        let hook =
            instance.get_typed_func::<(), (Result<R, String>,)>(&mut self.store, export).map_err(failed)?;
        let (result,) = hook.call_async(&mut self.store, ()).await.map_err(failed)?;
        result.map_err(|text| (FunctionErrorKind::Returned, text))
    }
}

/// Makes one instance and looks at its hooks, so that what is wrong with them is known at deploy and not at a request.
pub(crate) async fn trial(function: &Arc<Function>) -> Result<(), UploadError> {
    let shared = &function.shared;
    let start = |(_, detail): Failed| UploadError::Start(detail);
    let slot = Arc::clone(&shared.slots).try_acquire_owned();
    let slot = slot.map_err(|_| UploadError::Start("all instances are in use; try again".to_owned()))?;
    let mut live = Live::new(function, Hook::OnRequest, slot);
    live.store.data_mut().begin(Exchange::vacant(), Hook::OnRequest, shared.clock.ticks());
    live.fill_tank();
    let _running = shared.pulse.running();
    let mut spent = Spent::default();
    metered(&shared.clock, &mut spent, live.instantiate()).await.map_err(start)?;
    let mismatch = |error: wasmtime::Error| UploadError::Mismatch(format!("{error:#}"));
    let Some(instance) = live.instance else {
        return Ok(());
    };
    for hook in function.hooks() {
        let typed = match hook {
            Hook::OnRequest => live.has::<Verdict>(instance, hook),
            Hook::OnOriginRequest => live.has::<OriginRequestVerdict>(instance, hook),
            Hook::OnOriginResponse => live.has::<OriginResponseVerdict>(instance, hook),
            Hook::OnResponse | Hook::Handle => live.has::<()>(instance, hook),
        };
        typed.map_err(mismatch)?;
    }
    Ok(())
}

/// Waits, but not long, for a place in the pool.
async fn slot(shared: &Shared) -> Result<OwnedSemaphorePermit, Failed> {
    if let Ok(slot) = Arc::clone(&shared.slots).try_acquire_owned() {
        return Ok(slot);
    }
    match tokio::time::timeout(shared.config.slot_wait, Arc::clone(&shared.slots).acquire_owned()).await {
        Ok(Ok(slot)) => Ok(slot),
        _ => {
            let (slots, wait) = (shared.config.max_instances, shared.config.slot_wait);
            Err((FunctionErrorKind::Busy, format!("all {slots} instances were in use for {wait:?}")))
        }
    }
}

/// What is said of a panic.
pub(crate) const HOST_PANICKED: &str =
    "the host panicked while it served the function; the panic's message is in the node's log";

/// Runs a call, measures it, and keeps a panic of the host inside the request that met it.
async fn metered<R>(
    clock: &Clock,
    spent: &mut Spent,
    call: impl Future<Output = Result<R, Failed>>,
) -> Result<R, Failed> {
    let mut call = pin!(call);
    let mut first = None;
    poll_fn(|cx| {
        let before = clock.ticks();
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(cx)));
        let after = clock.ticks();
        spent.cpu += after.saturating_sub(before);
        spent.wall = after.saturating_sub(*first.get_or_insert(before));
        polled.unwrap_or_else(|_| Poll::Ready(Err((FunctionErrorKind::Host, HOST_PANICKED.to_owned()))))
    })
    .await
}

/// What wasmtime has no type for: more bytes handed over than `set_hostcall_fuel` allows. A test holds the text.
const TRANSFER_TEXT: &str = "fuel allocated for hostcalls";

#[expect(clippy::needless_pass_by_value, reason = "it is passed to map_err")]
pub(crate) fn failed(error: wasmtime::Error) -> Failed {
    let cause = error.root_cause().to_string();
    let kind = if let Some(stop) = error.downcast_ref::<Stop>() {
        stop.kind()
    } else if error.is::<PoolConcurrencyLimitError>() {
        FunctionErrorKind::Busy
    } else if let Some(Trap::StackOverflow) = error.downcast_ref::<Trap>() {
        FunctionErrorKind::Stack
    } else if error.downcast_ref::<wasmtime_wasi::I32Exit>().is_some() {
        return (FunctionErrorKind::Misuse, "the function called exit".to_owned());
    } else if cause.contains(TRANSFER_TEXT) {
        FunctionErrorKind::Transfer
    } else {
        FunctionErrorKind::Trap
    };
    let mut detail = cause;
    if let Some(stack) = error.downcast_ref::<WasmBacktrace>() {
        // The first line of a stack's text is a heading.
        for frame in stack.to_string().lines().skip(1) {
            detail.push_str("; ");
            detail.push_str(&without_hashes(frame.trim()));
        }
    }
    (kind, detail)
}

/// Digits of the digest that Rust's names have behind a crate's.
const CRATE_HASH_DIGITS: usize = 16;

/// `std[a88812da5ee6ad9e]::process::abort` as people write it.
fn without_hashes(frame: &str) -> String {
    let is_hash =
        |text: &str| text.len() == CRATE_HASH_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut parts = frame.split('[');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once(']') {
            Some((hash, rest)) if is_hash(hash) => shown.push_str(rest),
            _ => {
                shown.push('[');
                shown.push_str(part);
            }
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::without_hashes;

    #[test]
    fn names_are_shown_without_the_digests_of_their_crates() {
        for (frame, shown) in [
            (
                "0: 0x98 - a.wasm!std[a88812da5ee6ad9e]::process::abort",
                "0: 0x98 - a.wasm!std::process::abort",
            ),
            ("a[0]::b[xyz]", "a[0]::b[xyz]"),
            ("a[", "a["),
            ("", ""),
        ] {
            assert_eq!(without_hashes(frame), shown);
        }
    }
}
