//! What functions cost: on a hit, on a miss, at a deployment; and the same edits in Lua beside them.
//!
//! The targets are ratios and differences within one run. A line for each says what was measured and what was aimed at.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::guests;
use crate::loopback;
use crate::repository::Repository;
use crate::server::{self, Server};
use crate::stopwatch::Stopwatch;

use super::contender::{Contender, NODE_MEMORY, Origin, SERVER_CORE, on_core};
use super::load::{self, Kind, Load};
use super::table::{self, middle};
use super::{GUEST_TARGET, Plan, Results, lua, measure};

/// A rewrite and a header edit: `on-request` and `on-response`.
const EDITOR: &str = "editor";
/// A small step in each of the four hooks.
const STAGES: &str = "stages";

/// How often something is deployed and rolled back.
const DEPLOYMENTS: usize = 5;

/// What is aimed at, in microseconds of CPU time and milliseconds of waiting.
const HIT_ADDS_US: f64 = 15.0;
const REUSED_ADDS_US: f64 = 3.5;
const MISS_ADDS_US: f64 = 30.0;
const DEPLOY_MS: f64 = 300.0;
const ROLLBACK_MS: f64 = 50.0;

pub(super) fn run(repository: &Repository, plan: &Plan) -> Outcome {
    let file = |guest: &str| guests::folder(repository, GUEST_TARGET).join(format!("{guest}.wasm"));
    let origin = Origin::start(repository, plan)?;
    println!("\n==> hits");
    let hits = measure(
        plan,
        &origin,
        vec![
            Contender::node(repository, plan, &origin, None)?,
            Contender::node(repository, plan, &origin, Some((EDITOR, &file(EDITOR))))?,
            reusing(repository, plan, &origin, &file(EDITOR))?,
            lua::nginx(plan, &origin)?,
            lua::haproxy(plan, &origin)?,
        ],
    )?;
    let (hit, reused) = (difference(&hits, 1), difference(&hits, 2));
    drop(hits);
    println!("\n==> misses");
    let contenders = vec![
        Contender::node(repository, plan, &origin, None)?,
        Contender::node(repository, plan, &origin, Some((STAGES, &file(STAGES))))?,
    ];
    let misses = take_turns(plan, &origin, contenders)?;
    let miss = difference(&misses, 1);
    drop(misses);
    println!("\n==> deployments");
    let (deploy, rollback) = deployments(repository, plan, &origin, &[file(EDITOR), file(STAGES)])?;
    println!("\n==> the runtime alone: see `host/functions/examples/cost.rs`");
    let mut cost = command::cargo(repository);
    cost.args(["run", "--release", "--quiet", "--package", "seawall-functions", "--example", "cost", "--"]);
    cost.args([file(EDITOR), file(STAGES)]);
    command::run(&mut cost, "read what it says")?;
    println!();
    said(
        "a hit with on-request and on-response on a fresh instance adds",
        hit,
        HIT_ADDS_US,
        "µs of CPU time",
    );
    said("the same on a reused instance adds", reused, REUSED_ADDS_US, "µs of CPU time");
    said("a miss with four hooks on two fresh instances adds", miss, MISS_ADDS_US, "µs of CPU time");
    said("deploy to live, the command line included", deploy, DEPLOY_MS, "ms");
    said("rollback, the command line included", rollback, ROLLBACK_MS, "ms");
    Ok(())
}

fn said(what: &str, measured: f64, target: f64, unit: &str) {
    let word = if measured <= target { "within" } else { "ABOVE" };
    println!("{what} {measured:.1} {unit}; {word} the {target} aimed at");
}

/// CPU time of one request of a server beyond that of the first, in microseconds.
fn difference(results: &Results, other: usize) -> f64 {
    let of = |at: usize| results.get(at).map_or(f64::NAN, |(_, loads)| middle(loads, Load::cpu_us));
    of(other) - of(0)
}

/// Turns in which every request is a miss. One that is not counts as a failure.
fn take_turns(plan: &Plan, origin: &Origin, contenders: Vec<Contender>) -> Outcome<Results> {
    let mut results: Results = contenders.into_iter().map(|one| (one, Vec::new())).collect();
    for round in 1..=plan.rounds {
        for (contender, loads) in &mut results {
            let before = origin.asked()?;
            let load = load::run(plan, contender, Kind::Misses, plan.round)?;
            let asked = origin.asked()? - before;
            println!("    round {round}: {:<28} {:>8.0} req/s", contender.name(), load.rate());
            if asked < load.requests {
                let what = format!(
                    "{} asked the origin {asked} times for {} misses",
                    contender.name(),
                    load.requests
                );
                return Err(Failure::new(what, "look at why some were no misses"));
            }
            loads.push(load);
        }
    }
    println!("\n{}", table::render(plan, "every request a miss that is stored", &results));
    Ok(results)
}

/// A node with a config file, whose one site runs the function `front`.
struct Node {
    port: u16,
    admin: u16,
    server: Server,
    program: PathBuf,
}

/// `front` has no file, unless `lines` give it one.
fn node(repository: &Repository, plan: &Plan, origin: &Origin, name: &str, lines: &str) -> Outcome<Node> {
    let (port, admin) = (loopback::free_port()?, loopback::free_port()?);
    let folder = server::data_dir(&plan.folder, name)?;
    let config = folder.join("seawall.toml");
    let text = format!(
        "[node]\ndata_dir = \"{folder}\"\nthreads = 1\n[listen]\nhttp = [\"127.0.0.1:{port}\"]\n[cache]\n\
         memory = \"{NODE_MEMORY}\"\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n[[origins]]\nname = \"o\"\n\
         servers = [\"http://127.0.0.1:{origin}\"]\n[[functions]]\nname = \"front\"\n{lines}[[sites]]\n\
         name = \"s\"\nhosts = [\"*\"]\norigin = \"o\"\nfunctions = [\"front\"]\n",
        origin = origin.port,
        folder = folder.display(),
    );
    std::fs::write(&config, text).map_err(|error| Failure::file(&config, &error))?;
    let program = plan.binary.clone().unwrap_or_else(|| repository.release_binary("seawall"));
    let mut node = on_core(SERVER_CORE, &program);
    node.args(["run", "--config"]).arg(&config).env("SEAWALL_ADMIN_TOKEN", server::ADMIN_TOKEN);
    let server = Server::start(name, node, &plan.folder, port)?;
    Ok(Node { port, admin, server, program })
}

/// A node whose function keeps its instances.
fn reusing(repository: &Repository, plan: &Plan, origin: &Origin, file: &Path) -> Outcome<Contender> {
    let name = format!("seawall + {EDITOR}, reused");
    let lines = format!("file = \"{}\"\ngrants = [\"reuse\"]\n", file.display());
    let Node { port, server, .. } = node(repository, plan, origin, &name, &lines)?;
    Ok(Contender { name, port, server, speaks_cache_status: true, _files: None })
}

/// Medians of deploying with activation, and of rolling back, in milliseconds.
fn deployments(
    repository: &Repository,
    plan: &Plan,
    origin: &Origin,
    files: &[PathBuf; 2],
) -> Outcome<(f64, f64)> {
    let Node { admin, server: _server, program, .. } = node(repository, plan, origin, "deployments", "")?;
    let order = |words: &[&str]| -> Outcome<Duration> {
        let mut order = Command::new(&program);
        order.arg("functions").args(words).args(["--admin", &format!("127.0.0.1:{admin}")]);
        order.env("SEAWALL_ADMIN_TOKEN", server::ADMIN_TOKEN);
        let watch = Stopwatch::start();
        let answer = command::answer(&mut order);
        let took = watch.elapsed();
        let then = "run it by hand and read what it says";
        answer.map(|_| took).ok_or_else(|| Failure::new(format!("`{}` failed", words.join(" ")), then))
    };
    let (mut deploys, mut rollbacks) = (Vec::new(), Vec::new());
    for turn in 0..DEPLOYMENTS {
        for file in files {
            // Another setting makes another version. What was compiled before is found on disk, so the first of each
            // file compiles, and the slowest of all is what counts.
            let (file, turn) = (file.display().to_string(), format!("turn={turn}"));
            deploys.push(order(&["deploy", "front", &file, "--config", &turn, "--activate"])?);
        }
        rollbacks.push(order(&["rollback", "front"])?);
    }
    let worst = |times: &[Duration]| times.iter().max().map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    let ms = |times: &[Duration]| {
        times.iter().map(|time| format!("{:.0}", time.as_secs_f64() * 1e3)).collect::<Vec<_>>().join(" ")
    };
    println!("    deploy and activate, ms: {}\n    roll back, ms: {}", ms(&deploys), ms(&rollbacks));
    Ok((worst(&deploys), worst(&rollbacks)))
}
