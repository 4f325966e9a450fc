//! `wasi:filesystem` without any files, for components whose runtime imports it all the same, as JavaScript's does.
//!
//! There is no directory to begin with, so that nothing can be opened; what would act on an open file ends the call.
//! Linked for a component that imports it, and after that component's own list: other components do not have it at all.

use wasmtime::StoreContextMut;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, Resource, ResourceType};

use crate::error::Stop;

/// What a call of the host is counted in.
pub(crate) trait Guarded: Send + 'static {
    /// Counts one, or ends the call.
    fn count_call(&mut self) -> wasmtime::Result<()>;
}

struct Descriptor;
struct Entries;

const PREFIX: &str = "wasi:filesystem/";
const NO_FILES: Stop = Stop::Misuse("there are no files: build them in, or use `config`");

/// Whether [`link`] offers this interface; `name` is without its version.
pub(crate) fn offers(name: &str) -> bool {
    matches!(name, "wasi:filesystem/types" | "wasi:filesystem/preopens")
}

/// The linker for a component: `base`, and what it imports of `wasi:filesystem`.
pub(crate) fn link<T: Guarded>(base: &Linker<T>, component: &Component) -> wasmtime::Result<Linker<T>> {
    let mut linker = base.clone();
    let (engine, ty) = (base.engine(), component.component_type());
    for (interface, import) in ty.imports(engine).filter(|(name, _)| name.starts_with(PREFIX)) {
        let ComponentItem::ComponentInstance(instance) = &import.ty else {
            continue;
        };
        let mut on = linker.instance(interface)?;
        for (name, export) in instance.exports(engine) {
            match (name, &export.ty) {
                ("descriptor", ComponentItem::Resource(_)) => {
                    on.resource(name, ResourceType::host::<Descriptor>(), |_, _| Ok(()))?;
                }
                ("directory-entry-stream", ComponentItem::Resource(_)) => {
                    on.resource(name, ResourceType::host::<Entries>(), |_, _| Ok(()))?;
                }
                ("get-directories", ComponentItem::ComponentFunc(_)) => {
                    on.func_wrap(name, no_directories::<T>)?;
                }
                (_, ComponentItem::ComponentFunc(_)) => {
                    on.func_new(name, |_, _, _, _| Err(wasmtime::Error::new(NO_FILES)))?;
                }
                // Streams and errors are those of `wasi:io`.
                _ => {}
            }
        }
    }
    Ok(linker)
}

type Directories = Vec<(Resource<Descriptor>, String)>;

fn no_directories<T: Guarded>(mut cx: StoreContextMut<'_, T>, (): ()) -> wasmtime::Result<(Directories,)> {
    cx.data_mut().count_call()?;
    Ok((Vec::new(),))
}
