//! Question: does a node under full load, of everything at once, keep its memory and its file descriptors, and every byte?
//!
//! This is the origin and the clients; `cargo xtask soak` runs a node between them and looks at it whenever a line comes out
//! of here. Hits, misses, revalidations, what is never stored, functions' work on every response, large objects whole and in
//! parts, slow readers, clients that leave, and purges. Every body is checked.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, HOST, IF_NONE_MATCH, RANGE};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How often a line comes.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Requests that a client sends on one connection before it makes another.
const CONNECTION_REQUESTS: u64 = 500;

/// The objects of each kind, and their sizes in bytes.
const HITS: u64 = 500;
const SHORT: u64 = 200;
const BIG: u64 = 12;
const SMALL_BYTES: usize = 4 << 10;
const BIG_BYTES: usize = 4 << 20;

/// How a slow reader reads.
const SIP_EVERY: Duration = Duration::from_millis(2);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What happened.
#[derive(Default)]
struct Counts {
    whole: AtomicU64,
    not_modified: AtomicU64,
    parts: AtomicU64,
    left: AtomicU64,
    purges: AtomicU64,
    wrong: AtomicU64,
    cut: AtomicU64,
    refused: AtomicU64,
    unanswered: AtomicU64,
}

/// What a client does next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Act {
    Get,
    Range,
    Slow,
    Leave,
    Purge,
}

struct Clients {
    node: SocketAddr,
    admin: SocketAddr,
    token: String,
    counts: Counts,
    misses: AtomicU64,
    stop: AtomicBool,
}

fn main() -> Result<(), BoxError> {
    let words: Vec<String> = std::env::args().collect();
    let [_, origin, node, admin, token, seconds, clients] = words.as_slice() else {
        return Err(
            "the arguments are the addresses of origin, node and admin, a token, seconds and clients".into(),
        );
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (origin, seconds, clients) = (origin.parse()?, seconds.parse()?, clients.parse()?);
    let all = Arc::new(Clients {
        node: node.parse()?,
        admin: admin.parse()?,
        token: token.clone(),
        counts: Counts::default(),
        misses: AtomicU64::new(0),
        stop: AtomicBool::new(false),
    });
    runtime.block_on(play(origin, all, seconds, clients))
}

async fn play(origin: SocketAddr, all: Arc<Clients>, seconds: u64, clients: u64) -> Result<(), BoxError> {
    let listener = TcpListener::bind(origin).await?;
    tokio::spawn(serve(listener));
    say("the origin listens")?;
    // Whoever started this has a node to start before.
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    let mut running = JoinSet::new();
    for number in 0..clients {
        running.spawn(client(Arc::clone(&all), number));
    }
    for _ in 0..(seconds / LINE_EVERY.as_secs()).max(1) {
        tokio::time::sleep(LINE_EVERY).await;
        say(&all.counts.told())?;
    }
    all.stop.store(true, Relaxed);
    while running.join_next().await.is_some() {}
    say(&all.counts.told())?;
    Ok(())
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

impl Counts {
    fn told(&self) -> String {
        let n = |counter: &AtomicU64| counter.load(Relaxed);
        format!(
            "whole={} not_modified={} parts={} left={} purges={} wrong={} cut={} refused={} unanswered={}",
            n(&self.whole),
            n(&self.not_modified),
            n(&self.parts),
            n(&self.left),
            n(&self.purges),
            n(&self.wrong),
            n(&self.cut),
            n(&self.refused),
            n(&self.unanswered),
        )
    }
}

/// The bytes behind a path: of its own size and content.
fn body_of(path: &str) -> Vec<u8> {
    let length = if path.starts_with("/big/") { BIG_BYTES } else { SMALL_BYTES };
    let seed = path.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    (0..length).map(|at| byte_at(seed, at)).collect()
}

fn byte_at(seed: u8, at: usize) -> u8 {
    // The position shows, so that a piece in the wrong place is no right one.
    seed.wrapping_add((at >> 8) as u8).wrapping_add(at as u8)
}

async fn serve(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let service = service_fn(|request| async move { Ok::<_, Infallible>(answer(&request)) });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    let (life, tag) = match path.split('/').nth(1) {
        Some("hit") => ("max-age=3600", "\"hit\""),
        Some("big") => ("max-age=20", "\"big\""),
        Some("short") => ("max-age=1", "\"short\""),
        Some("miss") => ("max-age=60", "\"miss\""),
        _ => ("no-store", "\"pass\""),
    };
    let mut response = Response::new(Full::default());
    response.headers_mut().insert(CACHE_CONTROL, http::HeaderValue::from_static(life));
    response.headers_mut().insert(ETAG, http::HeaderValue::from_static(tag));
    if request.headers().get(IF_NONE_MATCH).is_some_and(|value| value == tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Full::from(body_of(path));
    }
    response
}

/// One client: everything in turn, from a place of its own in the order.
async fn client(all: Arc<Clients>, number: u64) {
    let mut nth = number.wrapping_mul(7919);
    while !all.stop.load(Relaxed) {
        let Ok(stream) = TcpStream::connect(all.node).await else {
            all.counts.unanswered.fetch_add(1, Relaxed);
            tokio::time::sleep(SIP_EVERY).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let Ok((mut sender, connection)) = handshake(TokioIo::new(stream)).await else { continue };
        let driving = tokio::spawn(connection);
        for _ in 0..CONNECTION_REQUESTS {
            nth = nth.wrapping_add(1);
            if all.stop.load(Relaxed) || !all.step(&mut sender, nth).await {
                break;
            }
        }
        drop(sender);
        driving.abort();
    }
}

/// Of a thousand steps, what each is.
fn plan(nth: u64, misses: &AtomicU64) -> (Act, String) {
    let drawn = nth.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    let path = |kind: &str, of: u64| format!("/{kind}/{}", drawn % of);
    match drawn % 1000 {
        0..650 => (Act::Get, path("hit", HITS)),
        650..830 => (Act::Get, path("short", SHORT)),
        830..930 => (Act::Get, format!("/miss/{}", misses.fetch_add(1, Relaxed))),
        930..970 => (Act::Get, path("pass", HITS)),
        970..978 => (Act::Get, path("big", BIG)),
        978..988 => (Act::Range, path("big", BIG)),
        988..991 => (Act::Slow, path("big", BIG)),
        991..997 => (Act::Leave, path("big", BIG)),
        _ => (Act::Purge, path("hit", HITS)),
    }
}

impl Clients {
    /// One request; whether the connection can carry another.
    async fn step(&self, sender: &mut SendRequest<Full<Bytes>>, nth: u64) -> bool {
        let (act, path) = plan(nth, &self.misses);
        if act == Act::Purge {
            self.purge(&path).await;
            return true;
        }
        let first = (nth % 1000) as usize * 1000;
        let last = first + 99_999;
        let mut request = Request::get(&path).header(HOST, "soak.example");
        if act == Act::Range {
            request = request.header(RANGE, format!("bytes={first}-{last}"));
        }
        let Ok(request) = request.body(Full::default()) else { return false };
        let response = match sender.send_request(request).await {
            Ok(response) => response,
            Err(_) => {
                self.counts.unanswered.fetch_add(1, Relaxed);
                return false;
            }
        };
        let expected = match (act, response.status()) {
            (Act::Range, StatusCode::PARTIAL_CONTENT) => first..last + 1,
            (_, StatusCode::OK) => 0..if path.starts_with("/big/") { BIG_BYTES } else { SMALL_BYTES },
            (_, StatusCode::NOT_MODIFIED) => {
                self.counts.not_modified.fetch_add(1, Relaxed);
                return true;
            }
            _ => {
                self.counts.refused.fetch_add(1, Relaxed);
                return response.into_body().collect().await.is_ok();
            }
        };
        self.read(act, &path, expected, response.into_body()).await
    }

    async fn read(&self, act: Act, path: &str, expected: std::ops::Range<usize>, mut body: Incoming) -> bool {
        let seed = path.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        let mut at = expected.start;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                self.counts.cut.fetch_add(1, Relaxed);
                return false;
            };
            let Ok(data) = frame.into_data() else { continue };
            if data.iter().zip(at..).any(|(byte, at)| *byte != byte_at(seed, at)) {
                self.counts.wrong.fetch_add(1, Relaxed);
                return false;
            }
            at += data.len();
            match act {
                Act::Leave => {
                    self.counts.left.fetch_add(1, Relaxed);
                    return false;
                }
                Act::Slow => tokio::time::sleep(SIP_EVERY).await,
                Act::Get | Act::Range | Act::Purge => {}
            }
        }
        // A truncated body that passes for a whole one is a wrong one.
        let counter = match act {
            _ if at != expected.end => &self.counts.wrong,
            Act::Range => &self.counts.parts,
            _ => &self.counts.whole,
        };
        counter.fetch_add(1, Relaxed);
        true
    }

    async fn purge(&self, path: &str) {
        let order = format!("{{\"urls\":[\"http://soak.example{path}\"]}}");
        let request = Request::post("/v1/purge")
            .header(HOST, "admin")
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .header(CONTENT_TYPE, "application/json")
            .body(Full::<Bytes>::from(order));
        let purged = async {
            let stream = TcpStream::connect(self.admin).await.ok()?;
            let (mut sender, connection) = handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await.ok()?;
            let driving = tokio::spawn(connection);
            let response = sender.send_request(request.ok()?).await.ok()?;
            driving.abort();
            response.status().is_success().then_some(())
        };
        let counter = if purged.await.is_some() { &self.counts.purges } else { &self.counts.refused };
        counter.fetch_add(1, Relaxed);
    }
}
