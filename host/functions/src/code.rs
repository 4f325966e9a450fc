//! Compiled code: where it is kept on disk, and how it comes to be there.
//!
//! Owns: the engine's cache of machine code, whose entries are named by a digest of the component, the engine's build and
//! every setting that bears on the code. An entry that was made for another engine is never found, and so never loaded.
//! Refuses: to trust a folder that others can write to; the caller makes it its own.

use std::path::Path;

use wasmtime::{Cache, CacheConfig, Engine, InstanceAllocationStrategy};

use crate::config::Config;
use crate::error::RuntimeError;
use crate::runtime::{Class, engine_config};
use crate::swap::Swap;
use crate::upload::{self, UploadError};

/// Bytes of compiled code that are kept on disk, beyond which what was not used lately goes: some thousand small
/// functions, or a dozen with a language runtime in them.
const CODE_MAX_BYTES: u64 = 512 << 20;

/// Who compiles an upload before the engine of the node asks for its code.
pub trait Compiler: Send + Sync {
    /// Compiles an upload into the folder of the node's code, or says why not. What it does not do, the engine does by
    /// itself, on the thread that asks.
    fn compile(&self, bytes: &[u8]) -> Result<(), String>;
}

/// Nobody: the engine compiles.
#[derive(Clone, Copy, Debug, Default)]
pub struct EngineItself;

impl Compiler for EngineItself {
    fn compile(&self, _: &[u8]) -> Result<(), String> {
        Ok(())
    }
}

/// The cache in `folder`, which is made if need be.
pub(crate) fn cache(folder: &Path) -> Result<Cache, RuntimeError> {
    let mut config = CacheConfig::new();
    config.with_directory(folder).with_files_total_size_soft_limit(CODE_MAX_BYTES);
    Cache::new(config).map_err(|error| RuntimeError::Engine(format!("`{}`: {error:#}", folder.display())))
}

/// Compiles an upload into `folder` and does nothing else: no instance is made of it, and no pool is reserved. For a
/// process of its own, which may be stopped at any moment.
pub fn compile_into(folder: &Path, bytes: &[u8]) -> Result<(), CompileError> {
    let config = Config { code_folder: Some(folder.to_owned()), ..Config::default() };
    let mut settings = engine_config(&config, Class::Filter, Swap::Unknown)?;
    // The strategy has no part in the code, nor in its name.
    settings.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    let engine = Engine::new(&settings).map_err(|error| RuntimeError::Engine(format!("{error:#}")))?;
    upload::compile(&engine, &config, bytes)?;
    Ok(())
}

/// Why an upload was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// There is no engine.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// It is not a function.
    #[error(transparent)]
    Upload(#[from] UploadError),
}
