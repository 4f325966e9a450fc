//! Names to addresses, within a limit. Every new connection asks anew; what the resolver caches is the machine's affair.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::dns::{GaiAddrs, GaiResolver, Name};
use tower_service::Service;

/// How long a name may take: one lost query is asked again after a second or two. Below the default connect timeout, so
/// that a resolver that hangs is told from a server that does.
pub const RESOLVE_LIMIT: Duration = Duration::from_secs(3);

/// The machine's resolver.
#[derive(Clone, Debug)]
pub(crate) struct Resolver(GaiResolver);

impl Resolver {
    pub(crate) fn new() -> Self {
        Self(GaiResolver::new())
    }
}

impl Service<Name> for Resolver {
    type Response = GaiAddrs;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<GaiAddrs>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolving = tokio::time::timeout(RESOLVE_LIMIT, self.0.call(name));
        Box::pin(async move {
            let late = |_| {
                let text = format!("no answer from the resolver within {} s", RESOLVE_LIMIT.as_secs());
                io::Error::new(io::ErrorKind::TimedOut, text)
            };
            resolving.await.map_err(late)?
        })
    }
}
