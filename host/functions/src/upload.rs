//! From uploaded bytes to a function, or to a refusal that says what to do instead.
//!
//! Owns every check that can be made before a request comes: what the bytes are, what they import and export, what they
//! need. An upload that passes has been instantiated once. Refuses nothing silently: each "no" is an [`UploadError`].

mod module;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use wasmparser::{MemoryType, Parser, Payload, TypeRef};
use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex};

use crate::config::Config;
use crate::function::{self, Function, FunctionSettings, Hook};
use crate::link;
use crate::live;
use crate::runtime::Shared;

/// The package of the hooks.
const PACKAGE: &str = "seawall:edge";
const VERSION: &str = "0.1.0";

/// Why an upload is not a function. The text says what to do instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UploadError {
    /// Larger than [`Config::upload_max_bytes`](crate::Config::upload_max_bytes).
    #[error(
        "the file has {bytes} bytes; at most {max}. Build with `--release`, and with `strip = true` in the profile"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Something other than WebAssembly.
    #[error("the file is {0}, not a WebAssembly binary. Upload target/wasm32-wasip1/release/<name>.wasm")]
    NotWasm(&'static str),
    /// Begins like WebAssembly, but is not valid.
    #[error("the file is damaged, or was made for features that this host does not have: {0}")]
    Malformed(String),
    /// A core module that does not say what it imports and exports.
    #[error(
        "the module has no `component-type` section. Export hooks with `seawall_edge::filter!`, or with wit-bindgen \
         and the world of wit/; if it does so, then a tool such as `wasm-strip` has removed the section: use \
         `strip = true` in Cargo's profile instead"
    )]
    NoInterface,
    /// A program with a `main`.
    #[error(
        "this is a program (it exports `_start`). Build a library: put `[lib] crate-type = [\"cdylib\"]` into Cargo.toml"
    )]
    Program,
    /// A component with a `main`.
    #[error(
        "this is a program (it exports `wasi:cli/run`). Build a library: put `[lib] crate-type = [\"cdylib\"]` into \
         Cargo.toml, and export hooks with `seawall_edge::filter!`"
    )]
    CommandComponent,
    /// Settings that contradict themselves.
    #[error("{0}")]
    Settings(String),
    /// A whole handler, which is not a filter.
    #[error(
        "this is a handler (it exports `wasi:http`). This version of Seawall runs filters only: export one of \
         the hooks of {PACKAGE}@{VERSION}"
    )]
    Handler,
    /// A component that exports no hook.
    #[error(
        "the component exports no hook of {PACKAGE}@{VERSION}; it exports: {exports}. Export `on-request`, \
         `on-origin-request`, `on-origin-response` or `on-response`, for instance with `seawall_edge::filter!`"
    )]
    NoHook {
        /// What it does export.
        exports: String,
    },
    /// A module whose section and code do not fit together.
    #[error(
        "the module could not be made a component: {0}. Build with the SDK, or with a current wit-bindgen and all hooks of the world that it names"
    )]
    Componentize(String),
    /// A defect of this host.
    #[error("the host's own adapter is broken: {0}. This is a defect of Seawall, please report it")]
    Adapter(String),
    /// It imports what functions are not given.
    #[error("the function imports {imports}, which this host does not give to filters. {advice}")]
    NotGranted {
        /// The interfaces.
        imports: String,
        /// What to use instead.
        advice: &'static str,
    },
    /// It imports or exports an interface that exists, in another shape.
    #[error(
        "the function was built against another version of the interface: {0}. Build it against {PACKAGE}@{VERSION}"
    )]
    Mismatch(String),
    /// It uses a WebAssembly feature that is off.
    #[error(
        "the function uses {0}, which is off for filters. Build for wasm32-wasip1 or wasm32-wasip2 without it"
    )]
    Feature(&'static str),
    /// It starts with more memory than it may ever have.
    #[error(
        "the function starts with {bytes} bytes of memory; at most {max}. Reduce its static data or its stack"
    )]
    Memory {
        /// What it asks for.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// The engine refused it.
    #[error("the function could not be compiled: {0}")]
    Compile(String),
    /// The compiler's own process says no; in its words.
    #[error("{0}")]
    Compiler(String),
    /// It failed before any hook was called.
    #[error("the function failed while it was being started: {0}")]
    Start(String),
}

impl UploadError {
    /// The word for logs and problem documents.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "too-large",
            Self::NotWasm(_) => "not-wasm",
            Self::Malformed(_) => "malformed",
            Self::NoInterface => "no-interface",
            Self::Program => "program",
            Self::CommandComponent => "command-component",
            Self::Settings(_) => "settings",
            Self::Handler => "handler",
            Self::NoHook { .. } => "no-hook",
            Self::Componentize(_) => "componentize",
            Self::Adapter(_) => "adapter",
            Self::NotGranted { .. } => "not-granted",
            Self::Mismatch(_) => "interface-mismatch",
            Self::Feature(_) => "feature-off",
            Self::Memory { .. } => "memory-too-large",
            Self::Compile(_) | Self::Compiler(_) => "compile",
            Self::Start(_) => "start-failed",
        }
    }
}

pub(crate) fn prepare(
    shared: &Arc<Shared>,
    name: &str,
    bytes: &[u8],
    settings: FunctionSettings,
) -> Result<Arc<Function>, UploadError> {
    if let Some(mistake) = settings.mistake() {
        return Err(UploadError::Settings(mistake));
    }
    let component = compile(&shared.engine, &shared.config, bytes)?;
    let imports = imports(shared, &component)?;
    let exports = Hook::ALL.map(|hook| export(&component, hook));
    if exports.iter().all(Option::is_none) {
        return Err(no_hook(shared, &component));
    }
    let linker = link::files::link(&shared.linker, &component);
    let pre = linker
        .and_then(|linker| linker.instantiate_pre(&component))
        .map_err(|error| UploadError::Mismatch(format!("{error:#}")))?;
    let version = function::version(bytes, &settings);
    let function = Arc::new(Function {
        name: Arc::from(name),
        tag: function::tag(name, &version).into_boxed_str(),
        version,
        settings,
        imports,
        pre,
        exports,
        shared: Arc::clone(shared),
    });
    drive(live::trial(&function))?;
    Ok(function)
}

/// The component of an upload, compiled, if it is of a kind that may run at all.
pub(crate) fn compile(engine: &Engine, config: &Config, bytes: &[u8]) -> Result<Component, UploadError> {
    let max = config.upload_max_bytes;
    if bytes.len() > max {
        return Err(UploadError::TooLarge { bytes: bytes.len(), max });
    }
    let componentized;
    let binary = if Parser::is_component(bytes) {
        bytes
    } else if Parser::is_core_wasm(bytes) {
        features(config, bytes)?;
        componentized = module::componentize(bytes)?;
        &componentized
    } else {
        return Err(UploadError::NotWasm(looks_like(bytes)));
    };
    features(config, binary)?;
    Component::from_binary(engine, binary).map_err(|error| UploadError::Compile(format!("{error:#}")))
}

/// What something is that is not WebAssembly.
fn looks_like(bytes: &[u8]) -> &'static str {
    let text = bytes.trim_ascii_start();
    match bytes {
        [] => "empty",
        [0x1f, 0x8b, ..] => "compressed with gzip",
        [b'P', b'K', ..] => "a ZIP archive",
        [0x7f, b'E', b'L', b'F', ..] => "a native program or an already compiled function",
        [b'!', b'<', b'a', b'r', b'c', b'h', b'>', ..] => "a library archive (.rlib or .a)",
        [0, b'a', b's', b'm', ..] => "WebAssembly of an unknown version",
        _ if text.starts_with(b"(module") || text.starts_with(b"(component") => {
            "WebAssembly text (run `wasm-tools parse`)"
        }
        _ => "something else",
    }
}

/// Refuses by name what the engine would refuse with a position in the file.
fn features(config: &Config, binary: &[u8]) -> Result<(), UploadError> {
    let malformed = |error: wasmparser::BinaryReaderError| UploadError::Malformed(error.to_string());
    let mut memories = 0;
    for payload in Parser::new(0).parse_all(binary) {
        match payload.map_err(malformed)? {
            // Nested modules follow their own beginning.
            Payload::Version { .. } => memories = 0,
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if let TypeRef::Memory(memory) = import.map_err(malformed)?.ty {
                        memory_features(config, memory, &mut memories)?;
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    memory_features(config, memory.map_err(malformed)?, &mut memories)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn memory_features(config: &Config, memory: MemoryType, memories: &mut u32) -> Result<(), UploadError> {
    const PAGE_BYTES: u64 = 64 << 10;
    let max = config.memory_max_bytes as u64;
    let bytes = memory.initial.saturating_mul(PAGE_BYTES);
    *memories += 1;
    if memory.shared {
        Err(UploadError::Feature("threads (a shared memory)"))
    } else if memory.memory64 {
        Err(UploadError::Feature("64-bit memory"))
    } else if *memories > 1 {
        Err(UploadError::Feature("more than one memory"))
    } else if bytes > max {
        Err(UploadError::Memory { bytes, max })
    } else {
        Ok(())
    }
}

/// Compares what a component really imports with what there is: everything else does not exist for a filter.
fn imports(shared: &Shared, component: &Component) -> Result<Vec<String>, UploadError> {
    let ty = component.component_type();
    let unversioned = |name: &str| name.split('@').next().unwrap_or(name).to_owned();
    let mut all: Vec<String> = ty.imports(&shared.engine).map(|(name, _)| name.to_owned()).collect();
    all.sort_unstable();
    let missing: Vec<String> =
        all.iter().filter(|name| !link::offers(&unversioned(name))).map(|name| format!("`{name}`")).collect();
    if missing.is_empty() {
        return Ok(all);
    }
    let imports = missing.join(", ");
    let advice = if imports.contains("wasi:filesystem") {
        "There are no files: build them in with `include_bytes!`, or use `config`"
    } else if imports.contains("wasi:sockets") || imports.contains("wasi:http") {
        "Filters make no connections of their own"
    } else if imports.contains(PACKAGE) {
        "A newer Seawall may have it; this one has request, response, client, route, store-policy, vars, config and log"
    } else {
        "Remove the dependency that needs it"
    };
    Err(UploadError::NotGranted { imports, advice })
}

fn export(component: &Component, hook: Hook) -> Option<ComponentExportIndex> {
    let interface = component.get_export_index(None, format!("{PACKAGE}/{}@{VERSION}", hook.as_str()))?;
    component.get_export_index(Some(&interface), "handle")
}

fn no_hook(shared: &Shared, component: &Component) -> UploadError {
    let ty = component.component_type();
    let exports: Vec<String> = ty.exports(&shared.engine).map(|(name, _)| format!("`{name}`")).collect();
    let has = |prefix: &str| exports.iter().any(|name| name.starts_with(prefix));
    if has("`wasi:http/") {
        UploadError::Handler
    } else if has("`wasi:cli/run") {
        UploadError::CommandComponent
    } else {
        UploadError::NoHook {
            exports: if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") },
        }
    }
}

/// Runs a future to its end on this thread. Only for a trial: its CPU budget bounds the loop.
fn drive<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        std::thread::yield_now();
    }
}
