//! What does a function cost a cache hit, and a miss? Prints the time of `on-request` and `on-response` together, on an
//! instance that is made for each request, with the origin-side hooks on a second one, the rate that threads reach
//! together, and the memory of an instance between its hooks.
//!
//! ```text
//! cargo build --release --target wasm32-wasip1 -p ab-routing
//! cargo run --release -p seawall-functions --example cost -- target/wasm32-wasip1/release/ab_routing.wasm
//! ```
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program for the desk")]

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use seawall_base::Clock;
use seawall_functions::{
    CacheWord, Chain, ClientInfo, Config, Exchange, FetchReason, FunctionSettings, Instances, RequestHead,
    ResponseHead, Runtime, StorePolicy,
};

/// Time of one round, and rounds: the median of the rounds is printed.
const ROUND: Duration = Duration::from_millis(200);
const ROUNDS: usize = 9;
/// Calls of a round at most, and at least.
const CALLS: (u32, u32) = (100, 20_000);
/// Instances that are held to see what one takes.
const HELD: usize = 50;

fn main() {
    let clock = Clock::system();
    let runtime = Runtime::new(&Config::default(), clock.clone()).unwrap();
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).unwrap();
        let before = clock.ticks();
        let function = runtime.prepare("guest", &bytes, FunctionSettings::default()).unwrap();
        let prepared = clock.ticks() - before;
        let code = function.code_bytes() >> 10;
        println!("{path}: {} bytes, prepared in {prepared:.0?}, {code} KiB of machine code", bytes.len());
        let chain = Chain::new(vec![function]).unwrap();
        let settings = FunctionSettings { reuse: true, ..FunctionSettings::default() };
        let reused = Chain::new(vec![runtime.prepare("guest", &bytes, settings).unwrap()]).unwrap();
        let empty = Chain::new(Vec::new()).unwrap();
        println!("  exchange alone     {:>8.2?}", median(&clock, &empty, Way::Hit));
        println!("  hit, fresh         {:>8.2?}", median(&clock, &chain, Way::Hit));
        println!("  hit, reused        {:>8.2?}", median(&clock, &reused, Way::Hit));
        println!("  miss, fresh twice  {:>8.2?}", median(&clock, &chain, Way::Miss));
        let one = rate(&clock, &chain, 1);
        for threads in [1, 2, 4] {
            let rate = rate(&clock, &chain, threads);
            println!("  {threads} threads, hits    {rate:>8.0}/s, {:.2} of one", rate / one);
        }
        println!("  an instance holds  {:>8} KiB", held(&chain));
    }
}

/// Which hooks are called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Hit,
    Miss,
}

fn median(clock: &Clock, chain: &Chain, way: Way) -> Duration {
    let calls = calls(clock, chain, way);
    let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round(clock, chain, way, calls) / calls).collect();
    rounds.sort();
    rounds[ROUNDS / 2]
}

/// As many as fit into a round.
fn calls(clock: &Clock, chain: &Chain, way: Way) -> u32 {
    let (least, most) = CALLS;
    let one = (round(clock, chain, way, least) / least).max(Duration::from_nanos(1));
    u32::try_from(ROUND.as_nanos() / one.as_nanos()).unwrap_or(most).clamp(least, most)
}

fn rate(clock: &Clock, chain: &Chain, threads: u32) -> f64 {
    let calls = calls(clock, chain, Way::Hit);
    let before = clock.ticks();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| round(clock, chain, Way::Hit, calls));
        }
    });
    f64::from(threads * calls) / (clock.ticks() - before).as_secs_f64()
}

fn executor() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

fn round(clock: &Clock, chain: &Chain, way: Way, calls: u32) -> Duration {
    executor().block_on(async {
        let before = clock.ticks();
        for _ in 0..calls {
            let mut instances = Instances::new();
            let (mut exchange, result) = chain.on_request(&mut instances, exchange()).await;
            result.unwrap();
            exchange.response = Some(response());
            if way == Way::Miss {
                exchange = fetch(chain, exchange).await;
            }
            chain.on_response(&mut instances, exchange).await.1.unwrap();
        }
        clock.ticks() - before
    })
}

/// The origin's side, on an instance of its own.
async fn fetch(chain: &Chain, mut exchange: Exchange) -> Exchange {
    let mut instances = Instances::new();
    exchange.store = Some(StorePolicy::new(FetchReason::Miss, None, false));
    let (exchange, result) = chain.on_origin_request(&mut instances, exchange).await;
    result.unwrap();
    let (exchange, result) = chain.on_origin_response(&mut instances, exchange).await;
    result.unwrap();
    exchange
}

/// Memory that an instance has between `on-request` and `on-response`, in KiB.
fn held(chain: &Chain) -> usize {
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/statm").unwrap();
        text.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
    };
    executor().block_on(async {
        let before = resident();
        let mut all = Vec::new();
        for _ in 0..HELD {
            let mut instances = Instances::new();
            chain.on_request(&mut instances, exchange()).await.1.unwrap();
            all.push(instances);
        }
        resident().saturating_sub(before) / HELD
    })
}

/// About what a browser sends.
fn exchange() -> Exchange {
    let mut headers = HeaderMap::with_capacity(20);
    for name in ["host", "user-agent", "accept", "accept-language", "accept-encoding", "referer", "priority"]
    {
        headers.insert(name, http::HeaderValue::from_static("a value of some forty bytes, as most are"));
    }
    headers
        .insert("cookie", http::HeaderValue::from_static("sid=0123456789abcdef; theme=dark; ab=b; seen=1"));
    let request = RequestHead {
        method: http::Method::GET,
        scheme: http::uri::Scheme::HTTPS,
        authority: http::uri::Authority::from_static("shop.example"),
        path_and_query: http::uri::PathAndQuery::from_static("/products/7?colour=blue"),
        headers,
    };
    let client =
        ClientInfo { ip: Some([192, 0, 2, 1].into()), request_id: Arc::default(), ..ClientInfo::default() };
    Exchange::new(request, client)
}

fn response() -> ResponseHead {
    let mut headers = HeaderMap::with_capacity(10);
    for name in ["content-type", "cache-control", "etag", "last-modified", "vary", "server", "age", "date"] {
        headers.insert(name, http::HeaderValue::from_static("a value of some forty bytes, as most are"));
    }
    ResponseHead { status: http::StatusCode::OK, headers, cache: CacheWord::Hit }
}
