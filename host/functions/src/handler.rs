//! Handlers: components that export `wasi:http/incoming-handler@0.2` and answer requests in an origin's place.
//!
//! Owns: their engine and limits, what they may import, and the call: a fresh instance for each request, the head as soon
//! as the guest has set it, and a body that is read while the guest writes it. Refuses: to connect a guest to an address;
//! a body that was not finished passes for no whole one.
//!
//! An engine of their own, since theirs is another bargain: few instances that are large and live for seconds.

mod body;
mod engine;
mod hooks;
mod link;
mod run;
mod state;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tokio::sync::oneshot;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

pub use body::HandlerBody;
pub(crate) use engine::HandlerEngine;
pub use hooks::{
    FETCH_REQUEST_MAX_BYTES, FETCH_RESPONSE_MAX_BYTES, FETCHES_AT_ONCE, FETCHES_MAX, Fetch, Fetched,
};
pub(crate) use link::offers;
pub(crate) use run::trial;
pub use run::{Asker, Ended, OnEnd};
pub(crate) use state::{HANDLER_CORE_INSTANCES_MAX, HANDLER_TABLE_ELEMENTS_MAX, HANDLER_TABLES_MAX};

use crate::error::{FunctionError, FunctionErrorKind};
use crate::function::{Function, Guest, Hook};
use crate::live::Failed;
use crate::upload::UploadError;
use body::Unread;
use run::{End, Run};
use state::HandlerState;

/// Fields of a response's head, in bytes as the engine counts them: some 32 KiB on the wire.
pub const HANDLER_FIELDS_MAX_BYTES: usize = 64 << 10;

/// A handler, ready to be instantiated.
pub(crate) struct Prepared {
    pub(crate) pre: InstancePre<HandlerState>,
    /// `handle` of the exported interface.
    pub(crate) export: ComponentExportIndex,
    pub(crate) engine: Arc<HandlerEngine>,
}

impl Prepared {
    /// Links a component; `interface` is the one that it exports, with its version.
    pub(crate) fn new(
        engine: Arc<HandlerEngine>,
        component: &Component,
        interface: &str,
    ) -> Result<Self, UploadError> {
        let mismatch = |error: wasmtime::Error| UploadError::Mismatch(format!("{error:#}"));
        let export = component
            .get_export_index(None, interface)
            .and_then(|of| component.get_export_index(Some(&of), "handle"))
            .ok_or_else(|| UploadError::Mismatch(format!("`{interface}` has no `handle`")))?;
        let linker = crate::link::files::link(engine.linker(), component).map_err(mismatch)?;
        let pre = linker.instantiate_pre(component).map_err(mismatch)?;
        Ok(Self { pre, export, engine })
    }
}

impl Function {
    /// Answers a request. The answer is there as soon as its head is; the guest writes the body while that is read.
    ///
    /// The request's URI must be absolute. An error means that there is no answer; what goes wrong later breaks the body
    /// off. `asker.on_end` is called once, when the guest is gone. Dropping the future, or the body before its end, ends the
    /// guest.
    pub async fn handle<B>(
        self: &Arc<Self>,
        request: Request<B>,
        asker: Asker,
    ) -> Result<Response<HandlerBody>, FunctionError>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        let fail = |(kind, detail): Failed| FunctionError::new(&self.name, Hook::Handle, kind, &detail);
        let Guest::Handler(prepared) = &self.guest else {
            return Err(fail((FunctionErrorKind::Host, "the function is not a handler".to_owned())));
        };
        let limits = &self.shared.config.handlers;
        let refused = |why: Failed| {
            self.shared.metrics.refused(Hook::Handle, why.0);
            fail(why)
        };
        let slot = self.shared.handler_slot().await.map_err(refused)?;
        let pass = self.admit(self.shared.clock.ticks()).map_err(refused)?;
        let (answer, head) = oneshot::channel();
        let end = Arc::new(End::default());
        let run = Run::new(self, Arc::clone(&prepared.engine), slot, Arc::clone(&end), asker);
        let unread = Unread::new(tokio::spawn(run.go(pass, request, answer)));
        let Ok(answered) = head.await else {
            return Err(end.fail(fail((FunctionErrorKind::Host, "its call was cut off".to_owned()))));
        };
        let response = answered?;
        let name = Arc::clone(&self.name);
        Ok(response.map(|body| HandlerBody::new(body, unread, end, name, limits.response_max_bytes)))
    }
}
