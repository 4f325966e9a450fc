//! What one instance's store holds: the transaction while a hook runs, and everything that is counted against a limit.
//!
//! Owns: phases (which hook may do what), budgets, and the way back when a hook fails.

use std::sync::Arc;
use std::time::Duration;

use seawall_base::Clock;
use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::edits::{EDITS_MAX, EDITS_MAX_BYTES, EditError};
use crate::error::Stop;
use crate::exchange::{Exchange, RequestHead, ResponseHead, RouteEdits, Vars};
use crate::function::{Function, Hook};
use crate::guest_log::{Level, LineBudget};
use crate::link::files::Guarded;
use crate::store_policy::StorePolicy;

/// Most host calls of one call of a hook. Reading each of 100 fields several times fits.
pub const HOST_CALLS_MAX: u32 = 2000;
/// Most elements of one table of a guest: its function pointers. Large Rust programs have some thousands.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 10_000;
/// Core instances of one component: the module, the adapter, and the two that tie them together; and room for more.
pub(crate) const CORE_INSTANCES_MAX: u32 = 16;
/// Tables of one component. A shim has one besides the module's own.
pub(crate) const TABLES_MAX: u32 = 4;
/// A hook is stopped for its wall time only if it had the thread for this many ticks: otherwise the machine stood still,
/// and that is not the guest's doing.
const WALL_TICKS_MIN: u64 = 2;

pub(crate) struct State {
    pub(crate) function: Arc<Function>,
    hook: Hook,
    exchange: Exchange,
    /// Whether the guest may see the exchange: while a hook runs, not while the instance is being made.
    open: bool,
    before: Before,
    lines: LineBudget,
    host_calls: u32,
    edits: u32,
    edit_bytes: usize,
    ticks: u64,
    started: Duration,
    /// Bytes of memory at the start, and now.
    memory: (usize, usize),
    /// Numbers drawn so far, where they come in a fixed order.
    drawn: u64,
}

/// Parts of the exchange as they were before the running call changed them. Filled at the first change of each, so that
/// a hook that only reads pays nothing.
#[derive(Default)]
struct Before {
    request: Option<RequestHead>,
    response: Option<ResponseHead>,
    route: Option<RouteEdits>,
    store: Option<StorePolicy>,
    vars: Option<Vars>,
}

impl State {
    pub(crate) fn new(function: Arc<Function>, hook: Hook) -> Self {
        Self {
            function,
            hook,
            exchange: Exchange::vacant(),
            open: false,
            before: Before::default(),
            lines: LineBudget::default(),
            host_calls: 0,
            edits: 0,
            edit_bytes: 0,
            ticks: 0,
            started: Duration::ZERO,
            memory: (0, 0),
            drawn: 0,
        }
    }

    /// Takes the exchange in for one call, with full budgets. Making the instance counts towards its first call.
    pub(crate) fn begin(&mut self, exchange: Exchange, hook: Hook, now: Duration) {
        (self.exchange, self.hook, self.started) = (exchange, hook, now);
        (self.host_calls, self.edits, self.edit_bytes, self.ticks) = (0, 0, 0, 0);
    }

    /// The instance is there, the hook begins.
    pub(crate) fn open(&mut self) {
        self.open = true;
    }

    /// Gives the exchange back: with the call's edits kept, or as it was before the call.
    pub(crate) fn end(&mut self, keep: bool) -> Exchange {
        self.open = false;
        let mut exchange = std::mem::replace(&mut self.exchange, Exchange::vacant());
        self.lines.finish(&mut exchange.log, (&self.function.name, self.hook));
        let before = std::mem::take(&mut self.before);
        if !keep {
            exchange.response = before.response.or(exchange.response);
            exchange.store = before.store.or(exchange.store);
            exchange.request = before.request.unwrap_or(exchange.request);
            exchange.route = before.route.unwrap_or(exchange.route);
            exchange.vars = before.vars.unwrap_or(exchange.vars);
        }
        exchange
    }

    /// Counts one host call. Every function that a guest can call begins with this.
    pub(crate) fn charge(&mut self) -> wasmtime::Result<()> {
        self.host_calls += 1;
        if self.host_calls > HOST_CALLS_MAX {
            return Err(wasmtime::Error::new(Stop::HostCalls(HOST_CALLS_MAX)));
        }
        Ok(())
    }

    /// The node's clock.
    pub(crate) fn clock(&self) -> &Clock {
        &self.function.shared.clock
    }

    pub(crate) fn exchange(&self) -> wasmtime::Result<&Exchange> {
        if self.open { Ok(&self.exchange) } else { Err(wasmtime::Error::new(OUTSIDE)) }
    }

    fn exchange_mut(&mut self) -> wasmtime::Result<(&mut Exchange, &mut Before)> {
        if self.open {
            Ok((&mut self.exchange, &mut self.before))
        } else {
            Err(wasmtime::Error::new(OUTSIDE))
        }
    }

    pub(crate) fn response(&self) -> wasmtime::Result<&ResponseHead> {
        self.exchange()?.response.as_ref().ok_or_else(|| wasmtime::Error::new(NO_RESPONSE))
    }

    pub(crate) fn hook(&self) -> Hook {
        self.hook
    }

    pub(crate) fn store(&self) -> wasmtime::Result<&StorePolicy> {
        self.exchange()?.store.as_ref().ok_or_else(|| wasmtime::Error::new(NO_FETCH))
    }

    /// The request, to be changed: the client's before the cache is asked, and the one to the origin before it is sent.
    pub(crate) fn edit_request(
        &mut self,
        bytes: usize,
    ) -> wasmtime::Result<Result<&mut RequestHead, EditError>> {
        let allowed = self.allow(&[Hook::OnRequest, Hook::OnOriginRequest], bytes);
        let (exchange, before) = self.exchange_mut()?;
        Ok(allowed.map(|()| {
            before.request.get_or_insert_with(|| exchange.request.clone());
            &mut exchange.request
        }))
    }

    /// The response, to be changed: before it is stored, and before it goes to the client.
    pub(crate) fn edit_response(
        &mut self,
        bytes: usize,
    ) -> wasmtime::Result<Result<&mut ResponseHead, EditError>> {
        let allowed = self.allow(&[Hook::OnResponse, Hook::OnOriginResponse], bytes);
        let (exchange, before) = self.exchange_mut()?;
        if let Err(refused) = allowed {
            return Ok(Err(refused));
        }
        let response = exchange.response.as_mut().ok_or_else(|| wasmtime::Error::new(NO_RESPONSE))?;
        before.response.get_or_insert_with(|| response.clone());
        Ok(Ok(response))
    }

    /// The way of the request, to be changed in one of `hooks`.
    pub(crate) fn edit_route(
        &mut self,
        hooks: &[Hook],
        bytes: usize,
    ) -> wasmtime::Result<Result<&mut RouteEdits, EditError>> {
        let allowed = self.allow(hooks, bytes);
        let (exchange, before) = self.exchange_mut()?;
        Ok(allowed.map(|()| {
            before.route.get_or_insert_with(|| exchange.route.clone());
            &mut exchange.route
        }))
    }

    /// What becomes of an origin's response, to be changed: before it is stored.
    pub(crate) fn edit_store(
        &mut self,
        bytes: usize,
    ) -> wasmtime::Result<Result<&mut StorePolicy, EditError>> {
        let allowed = self.allow(&[Hook::OnOriginResponse], bytes);
        let (exchange, before) = self.exchange_mut()?;
        if let Err(refused) = allowed {
            return Ok(Err(refused));
        }
        let store = exchange.store.as_mut().ok_or_else(|| wasmtime::Error::new(NO_FETCH))?;
        before.store.get_or_insert_with(|| store.clone());
        Ok(Ok(store))
    }

    /// The variables, to be changed: in every hook.
    pub(crate) fn edit_vars(&mut self, bytes: usize) -> wasmtime::Result<Result<&mut Vars, EditError>> {
        let allowed = self.allow(&Hook::ALL, bytes);
        let (exchange, before) = self.exchange_mut()?;
        Ok(allowed.map(|()| {
            before.vars.get_or_insert_with(|| exchange.vars.clone());
            &mut exchange.vars
        }))
    }

    fn allow(&mut self, hooks: &[Hook], bytes: usize) -> Result<(), EditError> {
        if !hooks.contains(&self.hook) {
            return Err(EditError::WrongPhase);
        }
        let total = self.edit_bytes.saturating_add(bytes);
        if self.edits >= EDITS_MAX || total > EDITS_MAX_BYTES {
            return Err(EditError::Limit);
        }
        self.edits += 1;
        self.edit_bytes = total;
        Ok(())
    }

    /// By how much the guest's memory has grown since it was made, in bytes.
    pub(crate) fn grown(&self) -> usize {
        let (start, now) = self.memory;
        now.saturating_sub(start)
    }

    /// The next number of a fixed order: SplitMix64, whose numbers spread well over hash tables. No secret is made of it,
    /// since it is for tests only.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.drawn ^ (self.drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn log_line(&mut self, level: Level, text: &str) {
        if self.open {
            self.lines.write(&mut self.exchange.log, (&self.function.name, self.hook), level, text);
        }
    }

    pub(crate) fn log_stdio(&mut self, stream: u32, bytes: &[u8]) {
        if self.open {
            self.lines.stdio(&mut self.exchange.log, (&self.function.name, self.hook), stream, bytes);
        }
    }

    pub(crate) fn log_field(&mut self, name: &str, value: &str) {
        if self.open {
            self.exchange.log.field(name, value);
        }
    }

    pub(crate) fn log_count(&mut self, name: &str, delta: u64) {
        if self.open {
            self.exchange.log.count(&self.function.name, name, delta);
        }
    }

    /// A millisecond of this guest's CPU time has passed: let others run, or end the call.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        self.ticks += 1;
        let config = &self.function.shared.config;
        let cpu_ms = u64::try_from(config.cpu_per_hook.as_millis()).unwrap_or(u64::MAX);
        if self.ticks > cpu_ms {
            return Err(wasmtime::Error::new(Stop::Cpu(cpu_ms)));
        }
        let wall = self.function.shared.clock.ticks().saturating_sub(self.started);
        if wall > config.wall_per_hook && self.ticks >= WALL_TICKS_MIN {
            let wall_ms = u64::try_from(config.wall_per_hook.as_millis()).unwrap_or(u64::MAX);
            return Err(wasmtime::Error::new(Stop::Wall(wall_ms)));
        }
        Ok(UpdateDeadline::Yield(1))
    }
}

const OUTSIDE: Stop =
    Stop::Misuse("the host was called while no hook was running, such as in an initializer");
const NO_RESPONSE: Stop = Stop::Misuse("there is no response yet in this hook");
const NO_FETCH: Stop =
    Stop::Misuse("nothing is fetched in this hook: `store-policy` is for the origin-side ones");

impl Guarded for State {
    fn count_call(&mut self) -> wasmtime::Result<()> {
        self.charge()
    }
}

impl ResourceLimiter for State {
    /// Ends the call instead of letting `memory.grow` answer -1: the error then says what happened, where a guest would
    /// only abort.
    fn memory_growing(&mut self, now: usize, wanted: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        let max = self.function.shared.config.memory_max_bytes;
        if wanted > max {
            return Err(wasmtime::Error::new(Stop::Memory(max)));
        }
        let (start, _) = self.memory;
        self.memory = if now == 0 { (wanted, wanted) } else { (start, wanted) };
        Ok(true)
    }

    fn table_growing(&mut self, _now: usize, wanted: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        if wanted > TABLE_ELEMENTS_MAX {
            return Err(wasmtime::Error::new(Stop::Table(TABLE_ELEMENTS_MAX)));
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        1
    }
}
