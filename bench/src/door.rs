//! One kept connection to a node, and how long things take: what the purge benchmarks are made of.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// What goes wrong in a benchmark ends it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The host that every benchmark's requests name.
pub const HOST: &str = "bench.example";

/// Now, for a figure that is only shown.
#[expect(clippy::disallowed_methods, reason = "a benchmark is no part of the node: its times are only shown")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}

/// A connection to one listener of a node.
pub struct Door {
    sender: SendRequest<Full<Bytes>>,
    token: String,
}

impl Door {
    /// Connects. `token` is for the admin API.
    ///
    /// # Errors
    ///
    /// When nothing listens there.
    pub async fn open(address: SocketAddr, token: &str) -> Result<Self, BoxError> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, token: token.to_owned() })
    }

    /// A GET: its status and its body, whole.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn get(&mut self, path: &str) -> Result<(StatusCode, Bytes), BoxError> {
        self.send(Method::GET, path, String::new()).await
    }

    /// A purge, and what the node answered.
    ///
    /// # Errors
    ///
    /// When the connection breaks, or the node answers with an error.
    pub async fn purge(&mut self, query: &str, order: String) -> Result<Value, BoxError> {
        let (status, body) = self.send(Method::POST, &format!("/v1/purge{query}"), order).await?;
        if !status.is_success() {
            return Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into());
        }
        Ok(serde_json::from_slice(&body)?)
    }

    /// What the admin API says at a path.
    ///
    /// # Errors
    ///
    /// When the connection breaks, or it is not JSON.
    pub async fn look(&mut self, path: &str) -> Result<Value, BoxError> {
        Ok(serde_json::from_slice(&self.get(path).await?.1)?)
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<(StatusCode, Bytes), BoxError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", HOST)
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", self.token))
            .body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

/// How long each of many things took.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// One more.
    pub fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// All of another list, too.
    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The time that so many in a hundred did not pass, in milliseconds.
    #[must_use]
    pub fn percentile_ms(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(place).map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_list() {
        let mut times = Times::default();
        for ms in (1..=100).rev() {
            times.add(Duration::from_millis(ms));
        }
        assert!((times.percentile_ms(50) - 51.0).abs() < 1e-9);
        assert!((times.percentile_ms(99) - 100.0).abs() < 1e-9);
        assert!(Times::default().percentile_ms(50).is_nan());
    }
}
