//! The engine of handlers, made for the first one.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Engine;
use wasmtime::component::Linker;

use super::link;
use super::state::HandlerState;
use crate::config::Config;
use crate::error::{FunctionErrorKind, RuntimeError};
use crate::live::Failed;
use crate::pulse::Pulse;
use crate::runtime::{Class, Shared, engine_config};
use crate::swap::Swap;

/// An engine with its pool, and the thread that interrupts what runs on it.
pub(crate) struct HandlerEngine {
    engine: Engine,
    linker: Linker<HandlerState>,
    pub(super) pulse: Pulse,
}

impl HandlerEngine {
    pub(crate) fn new(config: &Config, swap: Swap) -> Result<Self, RuntimeError> {
        let settings = engine_config(config, Class::Handler, swap)?;
        let failed = |error: wasmtime::Error| RuntimeError::Engine(format!("{error:#}"));
        let engine = Engine::new(&settings).map_err(failed)?;
        let linker = link::linker(&engine).map_err(failed)?;
        let pulse = Pulse::start(&engine).map_err(RuntimeError::Thread)?;
        Ok(Self { engine, linker, pulse })
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn linker(&self) -> &Linker<HandlerState> {
        &self.linker
    }
}

impl Shared {
    /// Waits, but not long, for a place among the handlers.
    pub(super) async fn handler_slot(&self) -> Result<OwnedSemaphorePermit, Failed> {
        let (slots, limits) = (Arc::clone(&self.handler_slots), &self.config.handlers);
        match tokio::time::timeout(limits.slot_wait, slots.acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            _ => {
                let (most, wait) = (limits.max_instances, limits.slot_wait);
                Err((FunctionErrorKind::Busy, format!("all {most} instances were in use for {wait:?}")))
            }
        }
    }
}
