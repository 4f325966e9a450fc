//! Certificates for one play, and clients that speak TLS.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::bounded;
use super::node::Plan;
use super::wire::{Body, Head, read_head, read_piece};

/// Who vouches for the certificates of one play.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Authority {
    /// Its files are in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: folder.to_owned() }
    }

    /// Writes a new pair for these names under `file`, in the place of one that may be there: its certificate, in DER.
    pub(crate) fn write(&self, file: &str, names: &[&str]) -> Vec<u8> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        for (ending, text) in [("pem", cert.pem()), ("key", key.serialize_pem())] {
            let (new, place) = (self.folder.join("new"), self.folder.join(format!("{file}.{ending}")));
            std::fs::write(&new, text).unwrap();
            std::fs::rename(&new, place).unwrap();
        }
        cert.der().to_vec()
    }

    /// A plan with a listener for TLS and these pairs, the first for everybody else.
    pub(crate) fn plan(&self, files: &[&str]) -> Plan {
        let plan = Plan::new("fra-1", "fra").listen("https = [\"127.0.0.1:0\"]");
        files.iter().fold(plan, |plan, file| {
            plan.table(&format!("[[certificates]]\ncert = \"{file}.pem\"\nkey = \"{file}.key\""))
        })
    }

    /// A client that believes it and offers these protocols.
    pub(crate) fn client(&self, protocols: &[&str]) -> Client {
        self.client_of(&[&rustls::version::TLS13, &rustls::version::TLS12], protocols)
    }

    pub(crate) fn client_of(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Client(config)
    }
}

/// A client that speaks TLS, and keeps its tickets.
#[derive(Clone)]
pub(crate) struct Client(ClientConfig);

impl Client {
    /// The same, naming no host.
    pub(crate) fn nameless(mut self) -> Self {
        self.0.enable_sni = false;
        self
    }

    /// Connects for a host, whose port is of no interest; `None` where the handshake fails.
    pub(crate) async fn connect(&self, to: SocketAddr, host: &str) -> Option<TlsStream<TcpStream>> {
        let tcp = bounded("a connection", TcpStream::connect(to)).await.unwrap();
        self.secure(tcp, host).await
    }

    /// The same on a connection that is there.
    pub(crate) async fn secure(&self, tcp: TcpStream, host: &str) -> Option<TlsStream<TcpStream>> {
        let connector = TlsConnector::from(Arc::new(self.0.clone()));
        let name = host.split(':').next().unwrap_or_default().to_owned();
        let name = ServerName::try_from(name).unwrap();
        bounded("a handshake", connector.connect(name, tcp)).await.ok()
    }

    /// What it is shown for a host: the first certificate, in DER.
    pub(crate) async fn is_shown(&self, to: SocketAddr, host: &str) -> Option<Vec<u8>> {
        let stream = self.connect(to, host).await?;
        let shown = stream.get_ref().1.peer_certificates()?;
        shown.first().map(|certificate| certificate.to_vec())
    }

    /// Sends a request over HTTP/1.1 and reads the response: heads, the last of them final, and the body.
    pub(crate) async fn ask(&self, to: SocketAddr, host: &str, path: &str) -> (Vec<Head>, String) {
        let stream = self.connect(to, host).await.expect("a handshake");
        let text = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        converse(&mut BufReader::new(stream), &text).await
    }
}

/// Sends a request and reads its response.
pub(crate) async fn converse(
    stream: &mut BufReader<TlsStream<TcpStream>>,
    text: &str,
) -> (Vec<Head>, String) {
    stream.get_mut().write_all(text.as_bytes()).await.unwrap();
    stream.get_mut().flush().await.unwrap();
    let mut heads = Vec::new();
    loop {
        let head = bounded("a head", read_head(stream)).await.unwrap().expect("the connection goes on");
        let is_interim = head.start.starts_with("HTTP/1.1 1");
        let mut framing = if is_interim { Body::Done } else { head.body(Body::Close) };
        heads.push(head);
        if is_interim {
            continue;
        }
        let mut body = Vec::new();
        while framing != Body::Done {
            body.extend(bounded("the body", read_piece(stream, &mut framing)).await.unwrap());
        }
        return (heads, String::from_utf8(body).unwrap());
    }
}
