//! What a handler's store holds: what WASI wants, and everything that is counted against a limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use seawall_base::Clock;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, UpdateDeadline};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView, async_trait};
use wasmtime_wasi_http::p2::body::HostOutgoingBody;
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::HANDLER_FIELDS_MAX_BYTES;
use super::engine::HandlerEngine;
use super::hooks::{Fetch, Rules};
use crate::error::Stop;
use crate::function::{Function, Hook};
use crate::guest_log::{GuestLog, HANDLER_LINES_MAX, HANDLER_LINES_MAX_BYTES, Level, LineBudget};
use crate::link::files::Guarded;
use crate::link::sys;

/// Most elements of one table: language runtimes have some ten thousand function pointers.
pub(crate) const HANDLER_TABLE_ELEMENTS_MAX: usize = 100_000;
/// Core instances of one component: languages that link at run time make one of each library.
pub(crate) const HANDLER_CORE_INSTANCES_MAX: u32 = 64;
/// Tables of one component.
pub(crate) const HANDLER_TABLES_MAX: u32 = 16;
/// Things of the host's that a guest may hold at once: fields, bodies, streams.
const RESOURCES_MAX: usize = 4096;
/// Most random bytes that one call gives.
const RANDOM_MAX_BYTES: u64 = 64 << 10;
/// Bytes of output that are taken at once.
const OUTPUT_CHUNK_BYTES: usize = 4096;

pub(crate) struct HandlerState {
    pub(crate) function: Arc<Function>,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    rules: Rules,
    table: ResourceTable,
    meter: Arc<Meter>,
    engine: Arc<HandlerEngine>,
    log: Arc<Mutex<HandlerLog>>,
}

/// CPU time of one guest: that of the polls of its task. By the node's clock for the metrics, and in ticks of the pulse
/// for its limit: a guest that is woken often has used no tick, if it is soon done.
#[derive(Debug, Default)]
pub(super) struct Meter {
    used_ns: AtomicU64,
    used_ticks: AtomicU64,
    /// When the running poll began.
    since_ns: AtomicU64,
    since_tick: AtomicU64,
}

/// What a handler wrote for the operator so far.
pub(super) struct HandlerLog {
    by: Arc<str>,
    lines: LineBudget,
    log: GuestLog,
}

impl Meter {
    pub(super) fn begin(&self, now: Duration, tick: u64) {
        self.since_ns.store(nanoseconds(now), Ordering::Relaxed);
        self.since_tick.store(tick, Ordering::Relaxed);
    }

    pub(super) fn end(&self, now: Duration, tick: u64) {
        let spent = nanoseconds(now).saturating_sub(self.since_ns.load(Ordering::Relaxed));
        self.used_ns.fetch_add(spent, Ordering::Relaxed);
        let ticks = tick.saturating_sub(self.since_tick.load(Ordering::Relaxed));
        self.used_ticks.fetch_add(ticks, Ordering::Relaxed);
    }

    pub(super) fn used(&self) -> Duration {
        Duration::from_nanos(self.used_ns.load(Ordering::Relaxed))
    }

    fn ticks_with_this_poll(&self, tick: u64) -> u64 {
        let running = tick.saturating_sub(self.since_tick.load(Ordering::Relaxed));
        self.used_ticks.load(Ordering::Relaxed).saturating_add(running)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl HandlerLog {
    pub(super) fn new(function: &Arc<str>) -> Self {
        let lines = LineBudget::with(HANDLER_LINES_MAX, HANDLER_LINES_MAX_BYTES);
        Self { by: Arc::clone(function), lines, log: GuestLog::default() }
    }

    /// All of it, and nothing is left.
    pub(super) fn take(&mut self) -> GuestLog {
        self.lines.finish(&mut self.log, (&self.by, Hook::Handle));
        std::mem::take(&mut self.log)
    }
}

impl HandlerState {
    pub(super) fn new(
        function: &Arc<Function>,
        engine: Arc<HandlerEngine>,
        fetch: Option<Arc<dyn Fetch>>,
        meter: Arc<Meter>,
        log: Arc<Mutex<HandlerLog>>,
    ) -> Self {
        let clock = &function.shared.clock;
        let output = |descriptor| Output { descriptor, log: Arc::clone(&log) };
        let wasi = WasiCtx::builder()
            .stdout(output(1))
            .stderr(output(2))
            .max_random_size(RANDOM_MAX_BYTES)
            .wall_clock(GuestClock(clock.clone()))
            .monotonic_clock(GuestClock(clock.clone()))
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(HANDLER_FIELDS_MAX_BYTES);
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        Self {
            function: Arc::clone(function),
            wasi,
            http,
            rules: Rules::new(function, fetch),
            table,
            meter,
            engine,
            log,
        }
    }

    /// Whether the guest has begun a body and neither finished nor dropped it.
    pub(super) fn has_open_body(&mut self) -> bool {
        self.table.iter_mut().any(|entry| entry.is::<HostOutgoingBody>())
    }

    /// Some milliseconds may have passed: let others run, or end the guest.
    pub(super) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let most = self.function.shared.config.handlers.cpu;
        // A tick is a millisecond.
        let most_ms = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        if self.meter.ticks_with_this_poll(self.engine.pulse.beats()) > most_ms {
            return Err(wasmtime::Error::new(Stop::Cpu(most_ms)));
        }
        Ok(UpdateDeadline::Yield(1))
    }

    pub(super) fn log_line(&mut self, level: Level, text: &str) {
        let HandlerLog { by, lines, log } = &mut *self.log.lock();
        lines.write(log, (by, Hook::Handle), level, text);
    }

    pub(super) fn log_stdio(&mut self, stream: u32, bytes: &[u8]) {
        stdio(&self.log, stream, bytes);
    }

    pub(super) fn log_field(&mut self, name: &str, value: &str) {
        self.log.lock().log.field(name, value);
    }

    pub(super) fn log_count(&mut self, name: &str, delta: u64) {
        let HandlerLog { by, log, .. } = &mut *self.log.lock();
        log.count(by, name, delta);
    }
}

fn stdio(log: &Mutex<HandlerLog>, stream: u32, bytes: &[u8]) {
    let HandlerLog { by, lines, log } = &mut *log.lock();
    lines.stdio(log, (by, Hook::Handle), stream, bytes);
}

impl WasiView for HandlerState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for HandlerState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.rules }
    }
}

impl Guarded for HandlerState {
    /// Its CPU time bounds how often a handler calls.
    fn count_call(&mut self) -> wasmtime::Result<()> {
        Ok(())
    }
}

impl ResourceLimiter for HandlerState {
    fn memory_growing(&mut self, _now: usize, wanted: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        let max = self.function.shared.config.handlers.memory_max_bytes;
        if wanted > max { Err(wasmtime::Error::new(Stop::Memory(max))) } else { Ok(true) }
    }

    fn table_growing(&mut self, _now: usize, wanted: usize, _max: Option<usize>) -> wasmtime::Result<bool> {
        let max = HANDLER_TABLE_ELEMENTS_MAX;
        if wanted > max { Err(wasmtime::Error::new(Stop::Table(max))) } else { Ok(true) }
    }

    fn instances(&self) -> usize {
        HANDLER_CORE_INSTANCES_MAX as usize
    }

    fn tables(&self) -> usize {
        HANDLER_TABLES_MAX as usize
    }

    fn memories(&self) -> usize {
        1
    }
}

/// The node's clock in the steps that guests see.
struct GuestClock(Clock);

impl HostWallClock for GuestClock {
    fn resolution(&self) -> Duration {
        sys::CLOCK_STEP
    }

    fn now(&self) -> Duration {
        sys::coarse(self.0.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }
}

impl HostMonotonicClock for GuestClock {
    fn resolution(&self) -> u64 {
        nanoseconds(sys::CLOCK_STEP)
    }

    fn now(&self) -> u64 {
        nanoseconds(sys::coarse(self.0.ticks()))
    }
}

/// Standard output or standard error: lines of the function's log.
#[derive(Clone)]
struct Output {
    descriptor: u32,
    log: Arc<Mutex<HandlerLog>>,
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn async_stream(&self) -> Box<dyn tokio::io::AsyncWrite + Send + Sync> {
        // Only components of WASI 0.3 ask for it.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        stdio(&self.log, self.descriptor, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(OUTPUT_CHUNK_BYTES)
    }
}
