//! TLS as this node speaks it to clients (RFC 8446, RFC 5246).
//!
//! Sessions are resumed by tickets in both versions; their keys are rustls's, made anew every six hours and good for
//! twelve. No early data is taken: it can be replayed (RFC 8446 §8).

use std::sync::Arc;
use std::time::Duration;

use rustls::{HandshakeKind, ProtocolVersion, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificates::Certificates;
use super::handshakes::Handshakes;
use super::metrics::Handshake;
use crate::config::{Connections, TlsMin};
use crate::node::StartError;

/// Protocols in the order of preference (RFC 7301).
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// What is spoken on a connection, where it was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Not agreed: the first bytes tell.
    Any,
    Http1,
    Http2,
}

/// The door for TLS.
pub(crate) struct Tls {
    acceptor: TlsAcceptor,
    pub(crate) certificates: Arc<Certificates>,
    handshakes: Arc<Handshakes>,
    limit: Duration,
}

/// A connection after its handshake.
pub(crate) struct Secured {
    pub(crate) stream: TlsStream<TcpStream>,
    pub(crate) protocol: Protocol,
    /// `TLSv1.2` or `TLSv1.3`.
    pub(crate) version: &'static str,
}

impl Tls {
    pub(crate) fn new(
        certificates: Arc<Certificates>,
        min: TlsMin,
        limits: &Connections,
    ) -> Result<Self, StartError> {
        let failed = |error: rustls::Error| StartError::Config(format!("[listen] https: {error}"));
        let versions: &[_] = match min {
            TlsMin::V12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
            TlsMin::V13 => &[&rustls::version::TLS13],
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .map_err(failed)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Certificates>::clone(&certificates));
        config.alpn_protocols = ALPN.map(<[u8]>::to_vec).into();
        config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(failed)?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificates,
            handshakes: Arc::new(Handshakes::new(limits.max_handshakes)),
            limit: limits.handshake_timeout,
        })
    }

    /// Shakes hands, within the limits.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Result<Secured, Handshake> {
        let turn = self.handshakes.begin();
        let accepting = self.acceptor.accept(stream);
        let stream = tokio::select! {
            biased;
            accepted = tokio::time::timeout(self.limit, accepting) => match accepted {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a TLS handshake failed");
                    return Err(Handshake::Failed);
                }
                Err(_) => return Err(Handshake::TimedOut),
            },
            () = turn.is_cut() => return Err(Handshake::Cut),
        };
        let (_, session) = stream.get_ref();
        let protocol = match session.alpn_protocol() {
            Some(b"h2") => Protocol::Http2,
            _ => Protocol::Http1,
        };
        let version = match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "TLSv1.3",
        };
        Ok(Secured { stream, protocol, version })
    }
}

impl Secured {
    /// How its handshake went.
    pub(crate) fn handshake(&self) -> Handshake {
        match self.stream.get_ref().1.handshake_kind() {
            Some(HandshakeKind::Resumed) => Handshake::Resumed,
            _ => Handshake::Full,
        }
    }
}
