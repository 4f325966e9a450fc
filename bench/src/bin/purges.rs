//! Question: how long until a purge is applied on all nodes, how many a second does the cluster take, and how fast does a
//! node that missed many catch up?
//!
//! `cargo xtask bench purge` starts the NATS servers, the origin and the nodes; this is the operator and the clients.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use seawall_bench::door::{BoxError, Door, HOST, Times, now};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Between two hits of one node: 500 a second each, so that eight nodes on two cores have something left for purges.
const HIT_EVERY: Duration = Duration::from_millis(2);

/// Between two purges while their latency is measured.
const PURGE_EVERY: Duration = Duration::from_millis(10);

/// Clients that purge at once while the rate is measured.
const CLIENTS: usize = 64;

/// Clients that send purges of a thousand selectors.
const BULK_CLIENTS: usize = 8;

/// Selectors of those.
const BULK: usize = 1000;

/// Objects of the origin that are asked for.
const OBJECTS: usize = 1000;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(300);

/// One node, as the command line names it: `admin,http,process`.
#[derive(Clone)]
struct Node {
    admin: SocketAddr,
    http: SocketAddr,
    process: String,
}

struct Plan {
    token: String,
    turn: Duration,
    entries: u64,
    nodes: Vec<Node>,
}

fn main() -> Result<(), BoxError> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [token, seconds, entries, nodes @ ..] = words.as_slice() else {
        return Err("the arguments are a token, seconds, entries, and a node or more".into());
    };
    let (token, turn) = (token.clone(), Duration::from_secs(seconds.parse()?));
    let nodes = nodes.iter().map(|text| node(text)).collect::<Result<_, _>>()?;
    let plan = Arc::new(Plan { token, turn, entries: entries.parse()?, nodes });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async move {
        ready(&plan).await?;
        latency(&plan).await?;
        rate(&plan, CLIENTS, 1).await?;
        rate(&plan, BULK_CLIENTS, BULK).await?;
        if plan.entries > 0 {
            behind(&plan).await?;
        }
        Ok(())
    })
}

fn node(text: &str) -> Result<Node, BoxError> {
    let parts: Vec<&str> = text.split(',').collect();
    let [admin, http, process] = parts.as_slice() else { return Err(format!("`{text}` is no node").into()) };
    Ok(Node { admin: admin.parse()?, http: http.parse()?, process: (*process).to_owned() })
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

/// Waits until every node is there, and each knows all the others.
async fn ready(plan: &Plan) -> Result<(), BoxError> {
    let begun = now();
    for node in &plan.nodes {
        let mut door = Door::open(node.admin, &plan.token).await?;
        loop {
            let nodes = door.look("/v1/nodes").await?;
            let ready =
                nodes["nodes"].as_array().map(|all| all.iter().filter(|one| one["state"] == "ready").count());
            if ready == Some(plan.nodes.len()) {
                break;
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("the nodes are not ready: {nodes}").into());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

/// Hits at every node until told to stop: how long each took.
async fn hits(plan: Arc<Plan>, node: Node, stop: Arc<AtomicBool>) -> Result<Times, BoxError> {
    let mut door = Door::open(node.http, &plan.token).await?;
    let mut times = Times::default();
    for number in (0..OBJECTS).cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let asked = now();
        door.get(&format!("/1k/{number}")).await?;
        times.add(asked.elapsed());
        sleep(HIT_EVERY).await;
    }
    Ok(times)
}

/// One purge at a time, of a URL that every node holds, while every node serves.
async fn latency(plan: &Arc<Plan>) -> Result<(), BoxError> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut load = JoinSet::new();
    for node in &plan.nodes {
        load.spawn(hits(Arc::clone(plan), node.clone(), Arc::clone(&stop)));
    }
    let mut doors = Vec::new();
    for node in &plan.nodes {
        doors.push(Door::open(node.admin, &plan.token).await?);
    }
    // Until every object was asked for once.
    sleep(HIT_EVERY * u32::try_from(OBJECTS)? * 2).await;
    let (mut applied, mut answered, mut late) = (Times::default(), Times::default(), 0);
    let begun = now();
    let mut number = 0;
    while begun.elapsed() < plan.turn {
        let place = number % doors.len();
        let order = json!({ "urls": [format!("{HOST}/1k/{}", number % OBJECTS)] }).to_string();
        let asked = now();
        let answer = doors[place].purge("?wait=all", order).await?;
        answered.add(asked.elapsed());
        match last_applied(&answer) {
            Some(last) => applied.add(last),
            None => late += 1,
        }
        number += 1;
        sleep(PURGE_EVERY).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut served = Times::default();
    while let Some(times) = load.join_next().await {
        served.join(times??);
    }
    say(&format!(
        "accepted to applied on all {} nodes: p50 {:.2} ms, p99 {:.2} ms ({} purges, one at a time; {late} not applied by all \
         within 5 s)\n  the client's own wait: p50 {:.2} ms, p99 {:.2} ms\n  hits meanwhile: {:.0}/s over all nodes, p50 \
         {:.2} ms, p99 {:.2} ms",
        plan.nodes.len(),
        applied.percentile_ms(50),
        applied.percentile_ms(99),
        applied.len(),
        answered.percentile_ms(50),
        answered.percentile_ms(99),
        served.len() as f64 / begun.elapsed().as_secs_f64(),
        served.percentile_ms(50),
        served.percentile_ms(99),
    ))?;
    Ok(())
}

/// When the last node had applied it, by the clock of the node that took it.
fn last_applied(answer: &Value) -> Option<Duration> {
    let times = answer["nodes"].as_array()?.iter().map(|node| node["applied_after_us"].as_u64());
    times.collect::<Option<Vec<u64>>>()?.into_iter().max().map(Duration::from_micros)
}

/// Purges by `clients` at the nodes in `at` for as long as `more` says so: how many calls.
async fn publish(
    plan: &Arc<Plan>,
    at: &[Node],
    clients: usize,
    selectors: usize,
    more: Arc<dyn Fn(u64) -> bool + Send + Sync>,
) -> Result<u64, BoxError> {
    let calls = Arc::new(AtomicU64::new(0));
    let mut all: JoinSet<Result<(), BoxError>> = JoinSet::new();
    for client in 0..clients {
        let mut door = Door::open(at[client % at.len()].admin, &plan.token).await?;
        let (calls, more) = (Arc::clone(&calls), Arc::clone(&more));
        all.spawn(async move {
            loop {
                let number = calls.fetch_add(1, Ordering::Relaxed);
                if !more(number) {
                    calls.fetch_sub(1, Ordering::Relaxed);
                    return Ok(());
                }
                let tags: Vec<String> =
                    (0..selectors).map(|tag| format!("product-{client}-{number}-{tag}")).collect();
                door.purge("?wait=none", json!({ "tags": tags }).to_string()).await?;
            }
        });
    }
    while let Some(done) = all.join_next().await {
        done??;
    }
    Ok(calls.load(Ordering::Relaxed))
}

/// Waits until every node of those has applied all that is in the log.
async fn all_applied(plan: &Plan, nodes: &[Node]) -> Result<(), BoxError> {
    let begun = now();
    let mut head = 0;
    for node in nodes {
        let mut door = Door::open(node.admin, &plan.token).await?;
        loop {
            if head == 0 {
                head = door.look("/v1/purges?limit=1").await?["head"].as_u64().unwrap_or_default();
            }
            if own_position(&door.look("/v1/nodes").await?) >= head {
                break;
            }
            if begun.elapsed() > PATIENCE {
                return Err("a node does not catch up".into());
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
    Ok(())
}

fn own_position(nodes: &Value) -> u64 {
    let own = nodes["nodes"]
        .as_array()
        .and_then(|all| all.iter().find(|node| node["name"] == nodes["answered_by"]));
    own.and_then(|node| node["applied"].as_u64()).unwrap_or_default()
}

/// As many as the cluster takes, until every node has applied the last.
async fn rate(plan: &Arc<Plan>, clients: usize, selectors: usize) -> Result<(), BoxError> {
    let begun = now();
    let turn = plan.turn;
    let calls =
        publish(plan, &plan.nodes, clients, selectors, Arc::new(move |_| begun.elapsed() < turn)).await?;
    let accepted = begun.elapsed();
    all_applied(plan, &plan.nodes).await?;
    let applied = begun.elapsed();
    let (calls, selectors) = (calls as f64, selectors as f64);
    say(&format!(
        "{clients} clients, {selectors} selectors a call: {:.0} calls/s and {:.0} selectors/s accepted; {:.0} calls/s and \
         {:.0} selectors/s until applied on all {} nodes",
        calls / accepted.as_secs_f64(),
        calls * selectors / accepted.as_secs_f64(),
        calls / applied.as_secs_f64(),
        calls * selectors / applied.as_secs_f64(),
        plan.nodes.len(),
    ))?;
    Ok(())
}

/// One node is stopped while the others take many purges, and goes on.
async fn behind(plan: &Arc<Plan>) -> Result<(), BoxError> {
    let Some((last, others)) = plan.nodes.split_last().filter(|(_, others)| !others.is_empty()) else {
        return Ok(());
    };
    signal("-STOP", &last.process)?;
    let entries = plan.entries;
    let published = publish(plan, others, CLIENTS, 1, Arc::new(move |number| number < entries)).await;
    signal("-CONT", &last.process)?;
    let (published, begun) = (published?, now());
    all_applied(plan, std::slice::from_ref(last)).await?;
    let took = begun.elapsed().as_secs_f64();
    say(&format!(
        "a node that missed {published} entries has applied them {took:.1} s after it goes on: {:.0} a second",
        published as f64 / took
    ))?;
    Ok(())
}

fn signal(which: &str, process: &str) -> Result<(), BoxError> {
    let status = Command::new("kill").args([which, process]).status()?;
    if status.success() { Ok(()) } else { Err(format!("kill {which} {process}: {status}").into()) }
}
