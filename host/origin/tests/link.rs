//! What is spoken to servers: TLS with its names and certificates, and HTTP/2, each with a real server.
#![expect(clippy::unwrap_used, reason = "a test program: what should not be ends it with a message")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use seawall_base::{Blame, Cause, Clock, Fault, OriginName};
use seawall_origin::{
    BackupRule, ClientSetup, HostRule, Limits, Metrics, OriginBody, Outgoing, Pool, PoolMetrics, PoolSetup,
    Protocol, Settings, TlsFiles, Trust, Wish, trust,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// An authority, and certificates of its making.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
    root: rustls::pki_types::CertificateDer<'static>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key), root: certificate.der().clone() }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A certificate for a name, and its key, in files.
    fn certify(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (file, key_file) =
            (self.folder.path().join(name), self.folder.path().join(format!("{name}.key")));
        std::fs::write(&file, certificate.pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        (file, key_file)
    }

    /// What a server needs to show such a certificate, and to ask for one.
    fn acceptor(&self, name: &str, alpn: &[&str], asks: bool) -> TlsAcceptor {
        let (certificate, key) = self.certify(name);
        let chain = rustls::pki_types::CertificateDer::pem_file_iter(certificate).unwrap();
        let chain = chain.map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(key).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = if asks {
            let mut roots = RootCertStore::empty();
            roots.add(self.root.clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_single_cert(chain, key).unwrap();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }
}

/// What a server saw of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Seen {
    version: Version,
    /// `:authority` over HTTP/2, else `Host`.
    host: String,
    /// The name that the client told during the handshake.
    sni: Option<String>,
}

type AllSeen = Arc<Mutex<Vec<Seen>>>;

/// A server that sends every body back as it comes.
async fn echo(acceptor: Option<TlsAcceptor>) -> (SocketAddr, AllSeen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, seen) = (listener.local_addr().unwrap(), AllSeen::default());
    let all = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, seen) = (acceptor.clone(), Arc::clone(&all));
            tokio::spawn(async move {
                let Some(acceptor) = acceptor else {
                    return answer(TokioIo::new(stream), None, seen).await;
                };
                // A handshake that fails is the client's affair: it tells.
                if let Ok(stream) = acceptor.accept(stream).await {
                    let sni = stream.get_ref().1.server_name().map(str::to_owned);
                    answer(TokioIo::new(stream), sni, seen).await;
                }
            });
        }
    });
    (address, seen)
}

async fn answer<S>(stream: S, sni: Option<String>, seen: AllSeen)
where
    S: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let host = request.uri().authority().map(ToString::to_string);
        let field = || request.headers().get("host").map(|host| host.to_str().unwrap().to_owned());
        let host = host.or_else(field).unwrap_or_default();
        seen.lock().push(Seen { version: request.version(), host, sni: sni.clone() });
        async { Ok::<_, Infallible>(Response::new(request.into_body())) }
    });
    // A connection that is cut is the end of the test.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await;
}

/// A pool of one server.
fn pool(url: &str, trust: Trust, protocol: Protocol, sni: Option<&str>) -> Arc<Pool> {
    let clock = Clock::manual(SystemTime::UNIX_EPOCH);
    let setup = ClientSetup::new(Limits::default(), trust, Blame::Origin, Metrics::default(), clock);
    Pool::new(PoolSetup {
        name: OriginName::new("shop").unwrap(),
        servers: vec![url.parse().unwrap()],
        client: ClientSetup { protocol, server_name: sni.and_then(trust::server_name), ..setup },
        settings: Settings::default(),
        host_header: None,
        backup: None,
        metrics: PoolMetrics::default(),
    })
}

const WISH: Wish = Wish { key: None, host: HostRule::Origins, backup: BackupRule::Allowed };

async fn get(pool: &Arc<Pool>) -> Result<Response<OriginBody>, Fault> {
    let request = Request::get("/").header("host", "shop.example").body(Outgoing::empty()).unwrap();
    pool.fetch(request, WISH).await
}

fn trusting(authorities: &Path, identity: Option<(PathBuf, PathBuf)>) -> Trust {
    Trust::of_files(&TlsFiles { authorities: Some(authorities.to_owned()), identity }).unwrap()
}

#[tokio::test]
async fn a_certificate_must_be_of_a_known_authority_and_for_the_right_name() {
    let (known, other) = (Authority::new(), Authority::new());
    let (address, seen) = echo(Some(known.acceptor("inner.example", &[], false))).await;
    let url = format!("https://127.0.0.1:{}", address.port());
    let trust = trusting(&known.file(), None);

    let named = pool(&url, trust.clone(), Protocol::Http1, Some("inner.example"));
    assert_eq!(get(&named).await.unwrap().status(), 200);
    let expected =
        Seen { version: Version::HTTP_11, host: "shop.example".into(), sni: Some("inner.example".into()) };
    assert_eq!(seen.lock().as_slice(), [expected]);

    // By its address, which the certificate does not have; by another name; by another authority.
    for pool in [
        pool(&url, trust.clone(), Protocol::Http1, None),
        pool(&url, trust, Protocol::Http1, Some("other.example")),
        pool(&url, trusting(&other.file(), None), Protocol::Http1, Some("inner.example")),
        pool(&url, Trust::nobody().unwrap(), Protocol::Http1, Some("inner.example")),
    ] {
        assert_eq!(get(&pool).await.unwrap_err().cause, Cause::TlsError);
    }
    assert_eq!(seen.lock().len(), 1, "none of them got a request through");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_gets_one() {
    let authority = Authority::new();
    let (address, _) = echo(Some(authority.acceptor("inner.example", &[], true))).await;
    let url = format!("https://127.0.0.1:{}", address.port());
    let shown = Some(authority.certify("edge.example"));
    let with = pool(&url, trusting(&authority.file(), shown), Protocol::Http1, Some("inner.example"));
    assert_eq!(get(&with).await.unwrap().status(), 200);
    let without = pool(&url, trusting(&authority.file(), None), Protocol::Http1, Some("inner.example"));
    // TLS 1.3 lets the client finish first: the refusal may come with the handshake or instead of the response.
    let fault = get(&without).await.unwrap_err();
    assert!(matches!(fault.cause, Cause::TlsError | Cause::ConnectionTerminated), "{fault}");
}

#[test]
fn a_file_that_is_no_certificate_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.pem");
    std::fs::write(&file, "nothing").unwrap();
    let files = TlsFiles { authorities: Some(file.clone()), identity: None };
    assert!(Trust::of_files(&files).unwrap_err().to_string().contains("it has no `BEGIN CERTIFICATE`"));
    let files = TlsFiles { authorities: None, identity: Some((file.clone(), file)) };
    assert!(Trust::of_files(&files).unwrap_err().to_string().contains("empty.pem cannot be used"));
}

#[tokio::test]
async fn over_tls_http2_is_spoken_where_the_server_agrees() {
    let authority = Authority::new();
    for (alpn, protocol, spoken) in [
        (&["h2", "http/1.1"][..], Protocol::Http2, Version::HTTP_2),
        (&["http/1.1"], Protocol::Http2, Version::HTTP_11),
        (&["h2", "http/1.1"], Protocol::Http1, Version::HTTP_11),
    ] {
        let (address, seen) = echo(Some(authority.acceptor("inner.example", alpn, false))).await;
        let url = format!("https://127.0.0.1:{}", address.port());
        let pool = pool(&url, trusting(&authority.file(), None), protocol, Some("inner.example"));
        for _ in 0..2 {
            assert_eq!(get(&pool).await.unwrap().version(), spoken, "{alpn:?}");
        }
        let seen = seen.lock();
        assert!(seen.iter().all(|seen| seen.version == spoken && seen.host == "shop.example"), "{seen:?}");
    }
}

/// Between a client that speaks HTTP/2 and a pool.
async fn front(pool: Arc<Pool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let pool = Arc::clone(&pool);
            let service = service_fn(move |request: Request<Incoming>| {
                let pool = Arc::clone(&pool);
                async move {
                    let (parts, body) = request.into_parts();
                    let mut request = Request::new(Outgoing::from_client(body, Duration::from_secs(20)));
                    *request.method_mut() = parts.method;
                    request.headers_mut().insert("host", "shop.example".parse().unwrap());
                    pool.fetch(request, WISH).await
                }
            });
            tokio::spawn(async move {
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    address
}

type Frames = tokio::sync::mpsc::UnboundedReceiver<Frame<Bytes>>;

/// A body of whatever comes.
fn stream(mut frames: Frames) -> impl http_body::Body<Data = Bytes, Error = Infallible> + Unpin {
    StreamBody::new(futures_util::stream::poll_fn(move |cx| {
        frames.poll_recv(cx).map(|frame| frame.map(Ok::<_, Infallible>))
    }))
}

#[tokio::test]
async fn without_tls_http2_is_spoken_at_once_and_streams_both_ways_with_trailers() {
    let (address, seen) = echo(None).await;
    let pool = pool(&format!("http://{address}"), Trust::nobody().unwrap(), Protocol::Http2, None);
    let stream_to_front = TcpStream::connect(front(pool).await).await.unwrap();
    let io = TokioIo::new(stream_to_front);
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);

    let (send, frames) = tokio::sync::mpsc::unbounded_channel();
    send.send(Frame::data(Bytes::from("one"))).unwrap();
    let request = Request::post("http://shop.example/").body(stream(frames)).unwrap();
    let exchange = async {
        let mut response = client.send_request(request).await.unwrap();
        let next = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(next.into_data().unwrap(), "one", "before the client has said all");
        send.send(Frame::data(Bytes::from("two"))).unwrap();
        let next = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(next.into_data().unwrap(), "two");
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        send.send(Frame::trailers(trailers.clone())).unwrap();
        drop(send);
        let last = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(last.into_trailers().unwrap(), trailers);
        assert!(response.body_mut().frame().await.is_none());
    };
    tokio::time::timeout(Duration::from_secs(20), exchange).await.unwrap();
    let expected = Seen { version: Version::HTTP_2, host: "shop.example".into(), sni: None };
    assert_eq!(seen.lock().as_slice(), [expected]);
}
