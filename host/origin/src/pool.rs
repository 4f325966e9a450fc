//! A named pool of servers.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::uri::{Authority, Scheme};
use http::{HeaderMap, Method, Request, Response, Uri};
use seawall_base::{Blame, Cause, Fault, OriginName, Retry};

use crate::body::{OriginBody, Outgoing};
use crate::client::{Client, Target};
use crate::interim::OnInterim;

/// One server of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    scheme: Scheme,
    authority: Authority,
}

impl Server {
    /// `host` and port, over plain HTTP.
    #[must_use]
    pub fn plain(authority: Authority) -> Self {
        Self { scheme: Scheme::HTTP, authority }
    }
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let advice = || {
            format!("`{text}` is not a server: write `http://host:port` or `https://host`, without a path")
        };
        let parts = text.parse::<Uri>().map_err(|_| advice())?.into_parts();
        let bare = parts.path_and_query.is_none_or(|path| path.as_str() == "/");
        match (parts.scheme, parts.authority) {
            (Some(scheme), Some(authority))
                if bare && (scheme == Scheme::HTTP || scheme == Scheme::HTTPS) =>
            {
                Ok(Self { scheme, authority })
            }
            _ => Err(advice()),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

/// A named pool: its servers take turns.
#[derive(Debug)]
pub struct Pool {
    name: OriginName,
    servers: Box<[Server]>,
    client: Client,
    turn: AtomicUsize,
}

impl Pool {
    /// A pool of `servers`.
    #[must_use]
    pub fn new(name: OriginName, servers: Vec<Server>, client: Client) -> Self {
        Self { name, servers: servers.into(), client, turn: AtomicUsize::new(0) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &OriginName {
        &self.name
    }

    /// Asks the pool: the server whose turn it is, then the others as long as asking again is safe.
    ///
    /// The request's URI needs only a path; `Host` must be among its fields.
    pub async fn fetch(&self, request: Request<Outgoing>) -> Result<Response<OriginBody>, Fault> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let Some(again) = again(&request) else {
            return self.ask(first, request).await;
        };
        let mut fault = match self.ask(first, request).await {
            Ok(response) => return Ok(response),
            Err(fault) => fault,
        };
        // A connection's end is tried once more even with one server; a dead server only where there is another.
        for turn in 1..=self.servers.len() {
            let worth = match fault.retry {
                Retry::Safe => turn < self.servers.len(),
                Retry::IfIdempotent => again.method.is_idempotent(),
                Retry::Never => false,
            };
            if !worth {
                break;
            }
            self.client.metrics().retries.inc();
            match self.ask(first.wrapping_add(turn), again.request()).await {
                Ok(response) => return Ok(response),
                Err(next) => fault = next,
            }
        }
        Err(fault)
    }

    async fn ask(&self, turn: usize, request: Request<Outgoing>) -> Result<Response<OriginBody>, Fault> {
        let Some(server) = self.servers.get(turn.checked_rem(self.servers.len()).unwrap_or(0)) else {
            return Err(Fault::new(Cause::ConnectionRefused, Blame::Origin, "the pool has no servers"));
        };
        self.client.send(&Target { scheme: &server.scheme, authority: &server.authority }, request).await
    }
}

/// A request without a body, so that it can be sent again.
struct Again {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    on_interim: Option<OnInterim>,
}

fn again(request: &Request<Outgoing>) -> Option<Again> {
    request.body().is_empty().then(|| Again {
        method: request.method().clone(),
        uri: request.uri().clone(),
        headers: request.headers().clone(),
        on_interim: request.extensions().get().cloned(),
    })
}

impl Again {
    fn request(&self) -> Request<Outgoing> {
        let mut request = Request::new(Outgoing::empty());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        if let Some(on_interim) = &self.on_interim {
            request.extensions_mut().insert(on_interim.clone());
        }
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_urls_without_a_path() {
        for good in ["http://127.0.0.1:3000", "https://a.example", "https://a.example/", "http://[::1]:80"] {
            assert!(good.parse::<Server>().is_ok(), "{good}");
        }
        for bad in ["", "a.example", "ftp://a", "http://a/b", "http://a?b", "http://", "/a"] {
            assert!(bad.parse::<Server>().unwrap_err().contains("write `http://host:port`"), "{bad}");
        }
    }
}
