//! Core modules: what `cargo build --target wasm32-wasip1` makes, turned into components here so that authors need no
//! further tool.

use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::UploadError;

/// The module that WASI preview 1 is imported from.
const PREVIEW1: &str = "wasi_snapshot_preview1";
/// Where wit-bindgen leaves the types of what a module imports and exports.
const TYPE_SECTION: &str = "component-type";

const ADAPTER: &str = include_str!("adapter.wat");
const ADAPTER_WIT: &str = include_str!("../../../../wit/sys.wit");
const ADAPTER_WORLD: &str = "wasip1-adapter";

/// Makes a component of a core module, or says why it is not a function.
pub(super) fn componentize(module: &[u8]) -> Result<Vec<u8>, UploadError> {
    let (mut typed, mut program) = (false, false);
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(|error| UploadError::Malformed(error.to_string()))? {
            Payload::CustomSection(section) if section.name().starts_with(TYPE_SECTION) => typed = true,
            Payload::ExportSection(exports) => {
                program |= exports.into_iter().flatten().any(|export| export.name == "_start");
            }
            _ => {}
        }
    }
    if program {
        return Err(UploadError::Program);
    }
    if !typed {
        return Err(UploadError::NoInterface);
    }
    let adapter = adapter().map_err(|error| UploadError::Adapter(error.to_string()))?;
    let encoded = ComponentEncoder::default()
        .module(module)
        .and_then(|encoder| encoder.adapter(PREVIEW1, &adapter))
        .and_then(|mut encoder| encoder.encode());
    encoded.map_err(|error| UploadError::Componentize(format!("{error:#}")))
}

/// The adapter with the section that tells its types.
fn adapter() -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut module = wat::parse_str(ADAPTER)?;
    let mut resolve = Resolve::default();
    let package = resolve.push_str("sys.wit", ADAPTER_WIT)?;
    let world = resolve.select_world(&[package], Some(ADAPTER_WORLD))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(module)
}
