//! From uploaded bytes to a function, or to a refusal that says what to do instead.
//!
//! Owns every check that can be made before a request comes: what the bytes are, what they import and export, what they
//! need. An upload that passes has been instantiated once. Refuses nothing silently: each "no" is an [`UploadError`].

mod module;
mod role;

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use wasmparser::{MemoryType, Parser, Payload, TypeRef};
use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex};

use crate::breaker::Breaker;
use crate::config::Config;
use crate::function::{self, Filter, Function, FunctionSettings, Guest, Hook, Role};
use crate::handler;
use crate::link;
use crate::live;
use crate::runtime::Shared;
use role::Found;

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
         `strip = true` in Cargo's profile instead. A handler must be a component, or have the section: build it for \
         wasm32-wasip2, or componentize it"
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
    /// A handler of another generation.
    #[error(
        "this exports `{0}`. Handlers export `wasi:http/incoming-handler@0.2`: build for WASI 0.2, and not for 0.3 or \
         for outgoing requests"
    )]
    HandlerVersion(String),
    /// A filter and a handler in one.
    #[error("this exports both a hook and `wasi:http/incoming-handler`: build two functions of it")]
    BothRoles,
    /// A handler where a filter belongs.
    #[error(
        "this is a handler (it exports `wasi:http/incoming-handler`), which answers requests in an origin's place. Name \
         it in an origin, `[[origins]]` with `name` and `function`, and not in a site's `functions`"
    )]
    NotFilter,
    /// A filter where a handler belongs.
    #[error(
        "this is a filter (it exports hooks of {PACKAGE}), and an origin names it as its handler. Export \
         `wasi:http/incoming-handler@0.2`, or name the function in a site's `functions`"
    )]
    NotHandler,
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
    #[error("the function imports {imports}, which this host does not give to {role}s. {advice}")]
    NotGranted {
        /// The interfaces.
        imports: String,
        /// To whom.
        role: &'static str,
        /// What to use instead.
        advice: &'static str,
    },
    /// It imports or exports an interface that exists, in another shape.
    #[error(
        "the function was built against another version of the interface: {0}. Build it against {PACKAGE}@{VERSION}"
    )]
    Mismatch(String),
    /// It uses a WebAssembly feature that is off.
    #[error("the function uses {0}, which is off. Build for wasm32-wasip1 or wasm32-wasip2 without it")]
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
            Self::HandlerVersion(_) => "handler-version",
            Self::BothRoles => "both-roles",
            Self::NotFilter => "not-filter",
            Self::NotHandler => "not-handler",
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
    let checked = check(&shared.config, bytes)?;
    let version = function::version(bytes, &settings);
    let (guest, imports, code_bytes) = match &checked.found {
        Found::Filter => filter(shared, &checked.binary)?,
        Found::Handler(interface) => {
            if !settings.on_error.is_empty() {
                let text = "a handler has no hooks: remove `on_error`. What fails is answered as a failing origin is";
                return Err(UploadError::Settings(text.to_owned()));
            }
            handler(shared, &checked.binary, interface)?
        }
    };
    let function = Arc::new(Function {
        name: Arc::from(name),
        tag: function::tag(name, &version).into_boxed_str(),
        version,
        settings,
        imports,
        code_bytes,
        guest,
        breaker: Breaker::default(),
        shared: Arc::clone(shared),
    });
    drive(async {
        match function.role() {
            Role::Filter => live::trial(&function).await,
            Role::Handler => handler::trial(&function).await,
        }
    })?;
    Ok(function)
}

fn filter(shared: &Shared, binary: &[u8]) -> Result<Prepared, UploadError> {
    let component = engine_says(&shared.engine, binary)?;
    let imports = imports(&shared.engine, &component, Role::Filter)?;
    let exports = Hook::ALL.map(|hook| export(&component, hook));
    if exports.iter().all(Option::is_none) {
        return Err(UploadError::Mismatch("its hooks have no `handle`".to_owned()));
    }
    let linker = link::files::link(&shared.linker, &component);
    let pre = linker
        .and_then(|linker| linker.instantiate_pre(&component))
        .map_err(|error| UploadError::Mismatch(format!("{error:#}")))?;
    Ok((Guest::Filter(Filter { pre, exports }), imports, function::code_bytes(&component)))
}

fn handler(shared: &Shared, binary: &[u8], interface: &str) -> Result<Prepared, UploadError> {
    let engine = shared.handlers().map_err(|error| UploadError::Compile(error.to_string()))?;
    let component = engine_says(engine.engine(), binary)?;
    let imports = imports(engine.engine(), &component, Role::Handler)?;
    let code_bytes = function::code_bytes(&component);
    Ok((Guest::Handler(handler::Prepared::new(engine, &component, interface)?), imports, code_bytes))
}

/// What is instantiated, the interfaces that it imports, and the size of its machine code.
type Prepared = (Guest, Vec<String>, usize);

fn engine_says(engine: &Engine, binary: &[u8]) -> Result<Component, UploadError> {
    Component::from_binary(engine, binary).map_err(|error| UploadError::Compile(format!("{error:#}")))
}

/// Compiles an upload, if it is of a kind that may run at all.
pub(crate) fn compile(engine: &Engine, config: &Config, bytes: &[u8]) -> Result<(), UploadError> {
    engine_says(engine, &check(config, bytes)?.binary).map(drop)
}

/// What an upload is.
pub(crate) fn role_of(config: &Config, bytes: &[u8]) -> Result<Role, UploadError> {
    check(config, bytes).map(|checked| checked.found.role())
}

/// An upload that may run, as a component.
struct Checked<'b> {
    binary: Cow<'b, [u8]>,
    found: Found,
}

fn check<'b>(config: &Config, bytes: &'b [u8]) -> Result<Checked<'b>, UploadError> {
    fits(bytes, config.any_upload_max_bytes())?;
    let binary = if Parser::is_component(bytes) {
        Cow::Borrowed(bytes)
    } else if Parser::is_core_wasm(bytes) {
        features(config.handlers.memory_max_bytes, bytes)?;
        Cow::Owned(module::componentize(bytes)?)
    } else {
        return Err(UploadError::NotWasm(looks_like(bytes)));
    };
    let found = role::of(&binary)?;
    let (upload_max, memory_max) = match found.role() {
        Role::Filter => (config.upload_max_bytes, config.memory_max_bytes),
        Role::Handler => (config.handlers.upload_max_bytes, config.handlers.memory_max_bytes),
    };
    fits(bytes, upload_max)?;
    features(memory_max, &binary)?;
    Ok(Checked { binary, found })
}

fn fits(bytes: &[u8], max: usize) -> Result<(), UploadError> {
    let bytes = bytes.len();
    if bytes > max { Err(UploadError::TooLarge { bytes, max }) } else { Ok(()) }
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
fn features(memory_max: usize, binary: &[u8]) -> Result<(), UploadError> {
    let malformed = |error: wasmparser::BinaryReaderError| UploadError::Malformed(error.to_string());
    let mut memories = 0;
    for payload in Parser::new(0).parse_all(binary) {
        match payload.map_err(malformed)? {
            // Nested modules follow their own beginning.
            Payload::Version { .. } => memories = 0,
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if let TypeRef::Memory(memory) = import.map_err(malformed)?.ty {
                        memory_features(memory_max, memory, &mut memories)?;
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    memory_features(memory_max, memory.map_err(malformed)?, &mut memories)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn memory_features(memory_max: usize, memory: MemoryType, memories: &mut u32) -> Result<(), UploadError> {
    const PAGE_BYTES: u64 = 64 << 10;
    let max = memory_max as u64;
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

/// Compares what a component really imports with what there is: everything else does not exist for a function.
fn imports(engine: &Engine, component: &Component, role: Role) -> Result<Vec<String>, UploadError> {
    let ty = component.component_type();
    let unversioned = |name: &str| name.split('@').next().unwrap_or(name).to_owned();
    let mut all: Vec<String> = ty.imports(engine).map(|(name, _)| name.to_owned()).collect();
    all.sort_unstable();
    let offers = match role {
        Role::Filter => link::offers,
        Role::Handler => handler::offers,
    };
    let missing: Vec<String> =
        all.iter().filter(|name| !offers(&unversioned(name))).map(|name| format!("`{name}`")).collect();
    if missing.is_empty() {
        return Ok(all);
    }
    let imports = missing.join(", ");
    let advice = if imports.contains("wasi:filesystem") {
        "There are no files: build them in with `include_bytes!`, or use `config`"
    } else if imports.contains("wasi:sockets") || imports.contains("wasi:http") {
        "Functions make no connections of their own"
    } else if role == Role::Handler && imports.contains(PACKAGE) {
        "Handlers have config and log of it: their request and response are `wasi:http`'s"
    } else if imports.contains(PACKAGE) {
        "A newer Seawall may have it; this one has request, response, client, route, store-policy, vars, config and log"
    } else {
        "Remove the dependency that needs it"
    };
    Err(UploadError::NotGranted { imports, role: role.as_str(), advice })
}

fn export(component: &Component, hook: Hook) -> Option<ComponentExportIndex> {
    let interface = component.get_export_index(None, format!("{PACKAGE}/{}@{VERSION}", hook.as_str()))?;
    component.get_export_index(Some(&interface), "handle")
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
