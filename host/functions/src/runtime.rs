//! The engine with its pool, and how bytes become a [`Function`]. The settings and their reasons are in one place here.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::registry::Registry;
use seawall_base::Clock;
use tokio::sync::{Semaphore, broadcast};
use wasmtime::component::Linker;
use wasmtime::{
    Enabled, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, WasmBacktraceDetails,
};

use crate::breaker::Stopped;
use crate::code;
use crate::config::{Config, SlotReset};
use crate::error::RuntimeError;
use crate::function::{Function, FunctionSettings, Role};
use crate::handler::{
    HANDLER_CORE_INSTANCES_MAX, HANDLER_TABLE_ELEMENTS_MAX, HANDLER_TABLES_MAX, HandlerEngine,
};
use crate::link;
use crate::metrics::Metrics;
use crate::pulse::{Pulse, TICK};
use crate::state::{CORE_INSTANCES_MAX, State, TABLE_ELEMENTS_MAX, TABLES_MAX};
use crate::swap::Swap;
use crate::upload::{self, UploadError};

/// Stack that a handler may use, in bytes, and that of its fiber: language runtimes recurse.
const HANDLER_WASM_STACK_BYTES: usize = 1 << 20;
const HANDLER_FIBER_STACK_BYTES: usize = 2 << 20;
/// Linear memory that a slot keeps between instances, in bytes: what a small guest touches, so that a new instance
/// takes no page faults. More is given back to the kernel.
const MEMORY_KEEP_RESIDENT_BYTES: usize = 1 << 20;
/// The same for tables.
const TABLE_KEEP_RESIDENT_BYTES: usize = 64 << 10;
/// Stack that a guest may use, in bytes.
const WASM_STACK_BYTES: usize = 512 << 10;
/// Stack of a fiber, in bytes: the guest's, and as much for the host functions that it calls.
const FIBER_STACK_BYTES: usize = 1 << 20;

/// Stopped versions that a slow listener may have before it: more at once than any operator has functions that fail.
const STOPS_KEPT: usize = 64;

/// Runs functions. Cheap to clone; clones share one engine, one pool and one set of metrics.
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

/// What every function and every call needs.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) handler_slots: Arc<Semaphore>,
    pub(crate) pulse: Pulse,
    pub(crate) metrics: Arc<Metrics>,
    /// Tells of versions that were stopped.
    pub(crate) stops: broadcast::Sender<Stopped>,
    /// Made for the first handler: it reserves some 1 TiB of addresses for its slots.
    handlers: Mutex<Option<Arc<HandlerEngine>>>,
    swap: Swap,
}

impl Shared {
    /// The engine of handlers.
    pub(crate) fn handlers(&self) -> Result<Arc<HandlerEngine>, RuntimeError> {
        let mut made = self.handlers.lock();
        if let Some(engine) = made.as_ref() {
            return Ok(Arc::clone(engine));
        }
        let engine = HandlerEngine::new(&self.config, self.swap)?;
        Ok(Arc::clone(made.insert(Arc::new(engine))))
    }
}

/// For what an engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Many small instances that live for microseconds.
    Filter,
    /// Few large ones that live for as long as a response takes.
    Handler,
}

impl Runtime {
    /// Reserves the pool and starts the thread that interrupts functions.
    pub fn new(config: &Config, clock: Clock) -> Result<Self, RuntimeError> {
        check(config)?;
        let swap = Swap::detect();
        let engine = Engine::new(&engine_config(config, Class::Filter, swap)?)
            .map_err(|error| RuntimeError::Engine(format!("{error:#}")))?;
        if config.slot_reset == SlotReset::Auto && swap != Swap::Off {
            tracing::info!(
                ?swap,
                "functions start slower: with swap, their memory is cleared the slow and safe way"
            );
        }
        let linker = link::linker(&engine).map_err(|error| RuntimeError::Engine(format!("{error:#}")))?;
        let pulse = Pulse::start(&engine).map_err(RuntimeError::Thread)?;
        let slots = Arc::new(Semaphore::new(config.max_instances as usize));
        let handler_slots = Arc::new(Semaphore::new(config.handlers.max_instances as usize));
        let metrics = Arc::new(Metrics::new(&slots, &handler_slots));
        let shared = Shared {
            config: config.clone(),
            clock,
            engine,
            linker,
            slots,
            handler_slots,
            pulse,
            metrics,
            stops: broadcast::Sender::new(STOPS_KEPT),
            handlers: Mutex::default(),
            swap,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Makes a function of what a user uploaded, or says what is wrong with it.
    ///
    /// `bytes` is a component, or a core module for `wasm32-wasip1` with wit-bindgen's section. This compiles machine
    /// code, tens of milliseconds of CPU time for a small one: call it where no request waits.
    pub fn prepare(
        &self,
        name: &str,
        bytes: &[u8],
        settings: FunctionSettings,
    ) -> Result<Arc<Function>, UploadError> {
        upload::prepare(&self.shared, name, bytes, settings)
    }

    /// What an upload is, without compiling it.
    pub fn role(&self, bytes: &[u8]) -> Result<Role, UploadError> {
        upload::role_of(&self.shared.config, bytes)
    }

    /// Tells of every version that is stopped from now on.
    #[must_use]
    pub fn stops(&self) -> broadcast::Receiver<Stopped> {
        self.shared.stops.subscribe()
    }

    /// Adds this room's metrics to a registry.
    pub fn register_metrics(&self, registry: &mut Registry) {
        self.shared.metrics.register(registry);
    }

    /// The metrics.
    #[must_use]
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.shared.metrics
    }
}

fn check(config: &Config) -> Result<(), RuntimeError> {
    if config.max_instances == 0 {
        return Err(RuntimeError::Setting("the number of instances must not be 0"));
    }
    if config.cpu_per_hook < TICK || config.wall_per_hook < config.cpu_per_hook {
        return Err(RuntimeError::Setting("CPU time must be 1 ms or more, and wall time not less than that"));
    }
    let handlers = &config.handlers;
    if handlers.max_instances == 0 {
        return Err(RuntimeError::Setting("the number of handlers' instances must not be 0"));
    }
    if handlers.cpu < TICK || handlers.wall < handlers.cpu {
        return Err(RuntimeError::Setting(
            "CPU time of handlers must be 1 ms or more, and wall time not less than that",
        ));
    }
    let is_memory = |bytes: usize| (64 << 10..=4 << 30).contains(&bytes);
    if !is_memory(config.memory_max_bytes) || !is_memory(handlers.memory_max_bytes) {
        return Err(RuntimeError::Setting("memory must be between 64 KiB, one page, and 4 GiB"));
    }
    Ok(())
}

pub(crate) fn engine_config(
    config: &Config,
    class: Class,
    swap: Swap,
) -> Result<wasmtime::Config, RuntimeError> {
    let (wasm_stack, fiber_stack) = match class {
        Class::Filter => (WASM_STACK_BYTES, FIBER_STACK_BYTES),
        Class::Handler => (HANDLER_WASM_STACK_BYTES, HANDLER_FIBER_STACK_BYTES),
    };
    let mut engine = wasmtime::Config::new();
    // Component-model async makes every call two to three times dearer, and hooks are synchronous.
    engine.concurrency_support(false);
    engine.epoch_interruption(true);
    engine.consume_fuel(config.count_instructions);
    engine.cranelift_opt_level(OptLevel::Speed);
    engine.relaxed_simd_deterministic(true);
    engine.max_wasm_stack(wasm_stack);
    engine.async_stack_size(fiber_stack);
    // Function names come from the name section; reading DWARF at each trap would let a trap cost milliseconds.
    engine.wasm_backtrace_details(WasmBacktraceDetails::Disable);
    // Not needed, so not there to be attacked.
    engine.wasm_memory64(false);
    engine.wasm_multi_memory(false);
    engine.wasm_custom_page_sizes(false);
    engine.wasm_wide_arithmetic(false);
    engine.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config, class, swap)));
    if let Some(folder) = &config.code_folder {
        engine.cache(Some(code::cache(folder)?));
    }
    Ok(engine)
}

fn pool(config: &Config, class: Class, swap: Swap) -> PoolingAllocationConfig {
    let (slots, cores, tables, elements, memory) = match class {
        Class::Filter => (
            config.max_instances,
            CORE_INSTANCES_MAX,
            TABLES_MAX,
            TABLE_ELEMENTS_MAX,
            config.memory_max_bytes,
        ),
        Class::Handler => (
            config.handlers.max_instances,
            HANDLER_CORE_INSTANCES_MAX,
            HANDLER_TABLES_MAX,
            HANDLER_TABLE_ELEMENTS_MAX,
            config.handlers.memory_max_bytes,
        ),
    };
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(cores))
        .total_memories(slots)
        .total_tables(slots.saturating_mul(tables))
        .total_stacks(slots)
        .max_core_instances_per_component(cores)
        .max_memories_per_component(1)
        .max_tables_per_component(tables)
        .table_elements(elements)
        .max_memory_size(memory)
        .linear_memory_keep_resident(MEMORY_KEEP_RESIDENT_BYTES)
        .table_keep_resident(TABLE_KEEP_RESIDENT_BYTES);
    // `Auto` still asks whether the kernel has it.
    let scan = config.slot_reset == SlotReset::Auto && swap == Swap::Off;
    pool.pagemap_scan(if scan { Enabled::Auto } else { Enabled::No });
    pool
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_reset_the_fast_way_only_without_swap() {
        let config = Config::default();
        assert!(matches!(pool(&config, Class::Filter, Swap::Off).get_pagemap_scan(), Enabled::Auto));
        for swap in [Swap::On, Swap::Unknown] {
            assert!(
                matches!(pool(&config, Class::Handler, swap).get_pagemap_scan(), Enabled::No),
                "{swap:?}"
            );
        }
        let safe = Config { slot_reset: SlotReset::Madvise, ..config };
        assert!(matches!(pool(&safe, Class::Filter, Swap::Off).get_pagemap_scan(), Enabled::No));
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        use std::time::Duration;
        for config in [
            Config { max_instances: 0, ..Config::default() },
            Config { cpu_per_hook: Duration::from_micros(999), ..Config::default() },
            Config { wall_per_hook: Duration::from_millis(1), ..Config::default() },
            Config { memory_max_bytes: 1, ..Config::default() },
        ] {
            assert!(matches!(check(&config), Err(RuntimeError::Setting(_))), "{config:?}");
        }
    }
}
