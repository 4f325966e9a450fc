//! What a component is, from what it exports: a filter or a handler.

use wasmparser::{Parser, Payload};

use super::{PACKAGE, UploadError, VERSION};
use crate::function::{Hook, Role};

/// What every version of the interface of handlers that there is begins with.
const HANDLER: &str = "wasi:http/incoming-handler@0.2.";

/// A component's role, and the interface by which it has it.
pub(super) enum Found {
    /// At least one hook.
    Filter,
    /// This interface, with its version.
    Handler(String),
}

impl Found {
    pub(super) fn role(&self) -> Role {
        match self {
            Self::Filter => Role::Filter,
            Self::Handler(_) => Role::Handler,
        }
    }
}

/// Looks at what a component exports; `binary` is one.
pub(super) fn of(binary: &[u8]) -> Result<Found, UploadError> {
    let exports = exports(binary)?;
    let hook = |name: &str| format!("{PACKAGE}/{}@{VERSION}", name);
    let is_filter = Hook::ALL.iter().any(|one| exports.contains(&hook(one.as_str())));
    let handler = exports.iter().find(|name| name.starts_with(HANDLER));
    match (is_filter, handler) {
        (true, Some(_)) => Err(UploadError::BothRoles),
        (true, None) => Ok(Found::Filter),
        (false, Some(interface)) => Ok(Found::Handler(interface.clone())),
        (false, None) => Err(neither(&exports)),
    }
}

fn neither(exports: &[String]) -> UploadError {
    if let Some(other) = exports.iter().find(|name| name.starts_with("wasi:http/")) {
        return UploadError::HandlerVersion(other.clone());
    }
    if exports.iter().any(|name| name.starts_with("wasi:cli/run")) {
        return UploadError::CommandComponent;
    }
    let exports: Vec<String> = exports.iter().map(|name| format!("`{name}`")).collect();
    UploadError::NoHook {
        exports: if exports.is_empty() { "nothing".to_owned() } else { exports.join(", ") },
    }
}

/// The names of what the outermost component exports.
fn exports(binary: &[u8]) -> Result<Vec<String>, UploadError> {
    let malformed = |error: wasmparser::BinaryReaderError| UploadError::Malformed(error.to_string());
    let (mut names, mut depth) = (Vec::new(), 0_i32);
    for payload in Parser::new(0).parse_all(binary) {
        match payload.map_err(malformed)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    names.push(export.map_err(malformed)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}
