//! What does a function cost a cache hit? Prints the time of `on-request` and `on-response` together, on an instance that
//! is made for each request, and the rate that threads reach together.
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
    CacheWord, Chain, ClientInfo, Config, Exchange, FunctionSettings, Instances, RequestHead, ResponseHead,
    Runtime,
};

/// Calls of one round, and rounds: the median of the rounds is printed.
const CALLS: u32 = 20_000;
const ROUNDS: usize = 9;

fn main() {
    let clock = Clock::system();
    let runtime = Runtime::new(&Config::default(), clock.clone()).unwrap();
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).unwrap();
        let before = clock.ticks();
        let function = runtime.prepare("guest", &bytes, FunctionSettings::default()).unwrap();
        println!("{path}: {} bytes, prepared in {:?}", bytes.len(), clock.ticks() - before);
        let chain = Chain::new(vec![function]).unwrap();
        let empty = Chain::new(Vec::new()).unwrap();
        println!("  exchange alone     {:>8.2?}", median(&clock, &empty));
        println!("  fresh instance     {:>8.2?}", median(&clock, &chain));
        for threads in [1, 2, 4] {
            println!("  {threads} threads, fresh  {:>8.0}/s", rate(&clock, &chain, threads));
        }
    }
}

fn median(clock: &Clock, chain: &Chain) -> Duration {
    let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round(clock, chain) / CALLS).collect();
    rounds.sort();
    rounds[ROUNDS / 2]
}

fn rate(clock: &Clock, chain: &Chain, threads: u32) -> f64 {
    let before = clock.ticks();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| round(clock, chain));
        }
    });
    f64::from(threads * CALLS) / (clock.ticks() - before).as_secs_f64()
}

fn round(clock: &Clock, chain: &Chain) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let before = clock.ticks();
        for _ in 0..CALLS {
            let mut instances = Instances::new();
            let (mut exchange, result) = chain.on_request(&mut instances, exchange()).await;
            result.unwrap();
            exchange.response = Some(response());
            chain.on_response(&mut instances, exchange).await.1.unwrap();
        }
        clock.ticks() - before
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
