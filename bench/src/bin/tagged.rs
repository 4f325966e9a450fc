//! Question: what does a tag cost in memory, how long does a purge of a tenth of a full cache take, and what do hits feel
//! of it?
//!
//! One node in this process, its cache filled directly; hits and the purge come over HTTP.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, StatusCode};
use seawall_base::{Clock, SiteName};
use seawall_bench::door::{BoxError, Door, HOST, Times, now};
use seawall_cache::{Ask, Claim, Draft, Key, KeyParts, Shelf, Store};
use seawall_node::config::Config;
use seawall_node::{Node, Running, Shared};
use seawall_policy::terms::Times as Moments;
use seawall_policy::{Normalise, RequestDirectives, Rules, Terms};
use serde_json::json;

const TOKEN: &str = "measured-in-one-process-0123456789";
const SITE: &str = "bench";

/// Tags that share the objects, where they share them: one of them is a tenth.
const SHARED: usize = 10;

/// Connections that ask for hits, kept busy.
const READERS: usize = 8;

/// Windows in which the latency of hits is looked at.
const WINDOW: Duration = Duration::from_secs(1);
const WINDOWS_BEFORE: usize = 5;

/// What the objects are tagged with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tags {
    None,
    /// One of ten.
    Shared,
    /// One of its own.
    Own,
}

fn main() -> Result<(), BoxError> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [tags, objects] = words.as_slice() else {
        return Err("the arguments are none, shared or own, and a number".into());
    };
    let tags = match tags.as_str() {
        "none" => Tags::None,
        "shared" => Tags::Shared,
        "own" => Tags::Own,
        other => return Err(format!("`{other}` is none of none, shared and own").into()),
    };
    let objects = objects.parse()?;
    let folder = std::env::temp_dir().join(format!("seawall-tagged-{}", std::process::id()));
    let config =
        Config::from_toml(&toml(&folder), &folder.join("seawall.toml")).map_err(|all| all.to_string())?;
    let running = Node::start(&config, &Shared::in_memory(Clock::system()))?;
    let store = Arc::clone(&running.edge().store);
    let before = resident_kib()?;
    fill(&store, tags, objects)?;
    store.measure();
    say(&format!("resident {} KiB for {objects} objects", resident_kib()?.saturating_sub(before)))?;
    if tags == Tags::Shared {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?
            .block_on(purge(&running, objects))?;
    }
    running.stop();
    Ok(())
}

fn toml(folder: &std::path::Path) -> String {
    format!(
        "[node]\nname = \"bench\"\ndata_dir = \"{}\"\nthreads = 1\n[listen]\nhttp = [\"127.0.0.1:0\"]\n\
         [cache]\nmemory = \"64GiB\"\n[admin]\nlisten = \"127.0.0.1:0\"\n\
         tokens = [{{ name = \"bench\", role = \"write\", secret = \"{TOKEN}\" }}]\n\
         [[origins]]\nname = \"none\"\nservers = [\"http://127.0.0.1:9\"]\n\
         [[sites]]\nname = \"{SITE}\"\nhosts = [\"{HOST}\"]\norigin = \"none\"\n[log]\nlevel = \"warn\"\naccess = \"off\"\n",
        folder.display()
    )
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn resident_kib() -> Result<u64, BoxError> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let value = text.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    Ok(value.unwrap_or_default().trim().parse()?)
}

/// Stores every object as a fill does.
fn fill(store: &Arc<Store>, tags: Tags, objects: usize) -> Result<(), BoxError> {
    let shelf = store.shelf(&SiteName::new(SITE)?);
    let rules = Rules::default();
    let (directives, fields) = (RequestDirectives::default(), HeaderMap::new());
    for number in 0..objects {
        let path = format!("/o/{number}");
        let ask = ask(&shelf, &path, &fields, &directives, &rules);
        let Claim::Lead(lead) = store.claim(&ask) else { return Err("an object is there already".into()) };
        let mut headers = HeaderMap::new();
        headers.insert("cache-control", HeaderValue::from_static("max-age=86400"));
        let times = Moments { requested_at: ask.now, received_at: ask.now };
        let terms = Terms::read(StatusCode::OK, &headers, times, &rules);
        let selecting =
            terms.vary().selecting(&fields, Normalise::default()).ok_or("no request selects it")?;
        let tags: Box<[Box<str>]> = match tags {
            Tags::None => Box::default(),
            Tags::Shared => Box::new([format!("category-{}", number % SHARED).into()]),
            Tags::Own => Box::new([format!("product-{number}").into()]),
        };
        let position = lead.position();
        let draft = Draft {
            status: StatusCode::OK,
            headers,
            terms,
            selecting,
            tags,
            position,
            length: None,
            part: None,
        };
        let mut filling = lead.store(draft);
        filling.push(b"small");
        let _ = filling.finish(None);
    }
    Ok(())
}

fn ask<'a>(
    shelf: &'a Arc<Shelf>,
    path: &'a str,
    headers: &'a HeaderMap,
    directives: &'a RequestDirectives,
    rules: &'a Rules,
) -> Ask<'a> {
    let key = KeyParts { site: SITE, scheme: "http", authority: HOST, path_and_query: path, extra: &[] };
    Ask {
        key: Key::new(&key),
        shelf,
        authority: HOST,
        path_and_query: path,
        headers,
        directives,
        rules,
        normalise: Normalise::default(),
        soft_is_stale: false,
        may_follow: true,
        now: SystemTime::UNIX_EPOCH + now_unix(),
    }
}

#[expect(clippy::disallowed_methods, reason = "what is stored must be fresh by the node's own clock")]
fn now_unix() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Asks for objects that no purge here names, until told to stop; hands over how long they took, a window at a time.
fn readers(http: SocketAddr, objects: usize, stop: &Arc<AtomicBool>) -> std::sync::mpsc::Receiver<Times> {
    let (tell, told) = std::sync::mpsc::channel();
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let Ok(runtime) = runtime else { return };
        // A client that fails ends the windows, and the benchmark says so.
        let _ = runtime.block_on(async move {
            let mut doors = Vec::new();
            for _ in 0..READERS {
                doors.push(Door::open(http, TOKEN).await?);
            }
            let mut number = 1_usize;
            while !stop.load(Ordering::Relaxed) {
                let (begun, mut times) = (now(), Times::default());
                while begun.elapsed() < WINDOW {
                    let asks = doors.iter_mut().map(|door| {
                        number = (number + 7919) % objects;
                        let own = if number.is_multiple_of(SHARED) { number + 1 } else { number };
                        async move {
                            let asked = now();
                            let (status, _) = door.get(&format!("/o/{own}")).await?;
                            if status != StatusCode::OK {
                                return Err(BoxError::from(format!("/o/{own}: {status}")));
                            }
                            Ok(asked.elapsed())
                        }
                    });
                    for took in futures_util::future::join_all(asks).await {
                        times.add(took?);
                    }
                }
                tell.send(times)?;
            }
            Ok::<(), BoxError>(())
        });
    });
    told
}

/// Purges one tag of ten while the cache is read.
async fn purge(running: &Running, objects: usize) -> Result<(), BoxError> {
    let http = *running.http().first().ok_or("the node listens nowhere")?;
    let mut door = Door::open(running.admin(), TOKEN).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let windows = readers(http, objects, &stop);
    let mut before: Vec<f64> = Vec::new();
    // The first warms up.
    for window in 0..=WINDOWS_BEFORE {
        let times = windows.recv()?;
        if window > 0 {
            before.push(times.percentile_ms(99));
        }
    }
    before.sort_by(f64::total_cmp);
    let asked = now();
    let answer = door.purge("?wait=local&timeout=60s", json!({ "tags": ["category-0"] }).to_string()).await?;
    let took = asked.elapsed();
    let during = windows.recv()?;
    let after = windows.recv()?;
    stop.store(true, Ordering::Relaxed);
    // The reader ends with its window, and the channel with the reader.
    while windows.recv().is_ok() {}
    let quiet = door.purge("?wait=local&timeout=60s", json!({ "tags": ["category-1"] }).to_string()).await?;
    say(&format!(
        "a tag with {} of {objects} objects: applied after {:.1} ms, answered after {:.1} ms; hits: p99 {:.2} ms before (median of \
         {WINDOWS_BEFORE} s), {:.2} ms in the second of the purge, {:.2} ms in the next; {} hits/s\nanother such tag without \
         hits: applied after {:.1} ms",
        answer["matched"],
        applied_ms(&answer),
        took.as_secs_f64() * 1000.0,
        before.get(WINDOWS_BEFORE / 2).copied().unwrap_or(f64::NAN),
        during.percentile_ms(99),
        after.percentile_ms(99),
        during.len(),
        applied_ms(&quiet),
    ))?;
    Ok(())
}

fn applied_ms(answer: &serde_json::Value) -> f64 {
    answer["nodes"][0]["applied_after_us"].as_u64().unwrap_or_default() as f64 / 1000.0
}
