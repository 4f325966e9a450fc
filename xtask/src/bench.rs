//! `cargo xtask bench`: servers side by side on one machine, over loopback.
//!
//! The server has one core, the load another. Rounds are interleaved, so that a machine that gets slower gets slower
//! for all; the table has medians. Absolute figures drift from machine to machine; the ratios are what counts.

mod contender;
mod functions;
mod load;
mod lua;
mod nats;
mod purge;
mod readers;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use crate::command;
use crate::debian::{self, Program};
use crate::failure::{Failure, Outcome};
use crate::guests;
use crate::repository::Repository;
use crate::setup;

use contender::{Contender, Origin};
use load::{Kind, Load};

const WRK: Program = Program { name: "wrk", package: "wrk", probe: "--version" };
const NGINX: Program = Program { name: contender::NGINX, package: "nginx-light", probe: "-v" };
const TASKSET: Program = Program { name: "taskset", package: "util-linux", probe: "--version" };

/// Functions are built for this target: the smaller upload, and the faster one.
const GUEST_TARGET: &str = "wasm32-wasip1";

/// What is asked for: the objects, how often, how long.
pub(crate) struct Plan {
    size: Size,
    rounds: u32,
    round: Duration,
    folder: PathBuf,
    /// The node to measure; built here in release mode unless it is named.
    binary: Option<PathBuf>,
    /// What only `purge` asks.
    scale: purge::Scale,
}

/// The objects of one load: a name in the path, and as many as fit a small cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Size {
    name: &'static str,
    objects: u32,
}

const SIZES: [Size; 3] = [
    Size { name: "1k", objects: 1000 },
    Size { name: "64k", objects: 1000 },
    Size { name: "4m", objects: 20 },
];

/// `bench hit | limit | functions | readers | purge` and their flags.
pub(crate) fn run(repository: &Repository, words: &[String]) -> Outcome {
    let usage = "use `cargo xtask bench hit`, `limit`, `functions`, `readers` or `purge`";
    let Some((what, flags)) = words.split_first() else {
        return Err(Failure::new("bench what?", usage));
    };
    let plan = Plan::parse(flags, repository.target().join("bench"))?;
    std::fs::create_dir_all(&plan.folder).map_err(|error| Failure::file(&plan.folder, &error))?;
    match what.as_str() {
        "hit" => hit(repository, &plan),
        "limit" => limit(repository, &plan),
        "functions" => functions(repository, &plan),
        "readers" => slow_readers(repository, &plan),
        "purge" => purges(repository, &plan),
        unknown => Err(Failure::new(format!("there is no benchmark `{unknown}`"), usage)),
    }
}

/// How does a hit of the node compare with nginx, and with a server that does nothing else?
fn hit(repository: &Repository, plan: &Plan) -> Outcome {
    debian::ensure(&[WRK, NGINX, TASKSET])?;
    build_node(repository, plan)?;
    build(repository, &["limit", "origin"])?;
    let origin = Origin::start(repository, plan)?;
    let contenders = vec![
        Contender::nginx(plan, &origin)?,
        Contender::node(repository, plan, &origin, None)?,
        Contender::limit(repository, plan)?,
    ];
    measure(plan, &origin, contenders).map(drop)
}

/// What could hyper and moka do on this machine if nothing else were asked of them?
fn limit(repository: &Repository, plan: &Plan) -> Outcome {
    debian::ensure(&[WRK, TASKSET])?;
    build(repository, &["limit", "origin"])?;
    let origin = Origin::start(repository, plan)?;
    let contenders = vec![Contender::limit(repository, plan)?];
    measure(plan, &origin, contenders).map(drop)
}

/// What do functions cost, and what does the same cost in Lua?
fn functions(repository: &Repository, plan: &Plan) -> Outcome {
    debian::ensure(&[WRK, NGINX, lua::HAPROXY, TASKSET])?;
    setup::guest_targets(repository, &[GUEST_TARGET])?;
    guests::build_for_tests(repository, GUEST_TARGET)?;
    build_node(repository, plan)?;
    build(repository, &["origin"])?;
    functions::run(repository, plan)
}

/// What does the node hold while many slow clients read one large object that is being filled?
fn slow_readers(repository: &Repository, plan: &Plan) -> Outcome {
    build_node(repository, plan)?;
    build(repository, &["readers"])?;
    readers::run(repository, plan)
}

/// How fast is a purge everywhere, and what does one of many objects cost?
fn purges(repository: &Repository, plan: &Plan) -> Outcome {
    build_node(repository, plan)?;
    build(repository, &["purges", "tagged", "origin"])?;
    purge::run(repository, plan)
}

fn build_node(repository: &Repository, plan: &Plan) -> Outcome {
    if plan.binary.is_none() { build(repository, &["seawall"]) } else { Ok(()) }
}

fn build(repository: &Repository, binaries: &[&str]) -> Outcome {
    let mut build = command::cargo(repository);
    build.args(["build", "--release", "--workspace"]);
    for binary in binaries {
        build.args(["--bin", binary]);
    }
    command::run(&mut build, "mend what the compiler says above")
}

/// The servers of a run, and the loads that each has stood.
type Results = Vec<(Contender, Vec<Load>)>;

/// Warms everybody up, then takes turns; a turn in which a request was no hit counts as a failure.
fn measure(plan: &Plan, origin: &Origin, contenders: Vec<Contender>) -> Outcome<Results> {
    let mut results: Results = contenders.into_iter().map(|one| (one, Vec::new())).collect();
    for (contender, _) in &results {
        warm_up(plan, origin, contender)?;
        contender.check_hit(plan)?;
    }
    for round in 1..=plan.rounds {
        for (contender, loads) in &mut results {
            let before = origin.asked()?;
            let load = load::run(plan, contender, Kind::Hits, plan.round)?;
            let asked = origin.asked()? - before;
            println!("    round {round}: {:<28} {:>8.0} req/s", contender.name(), load.rate());
            if asked > 0 {
                return Err(Failure::new(
                    format!("{} asked the origin {asked} times during a round of hits", contender.name()),
                    "look at why these were no hits: the figures would measure something else",
                ));
            }
            loads.push(load);
        }
    }
    println!("\n{}", table::render(plan, "every request a hit", &results));
    Ok(results)
}

/// Until a whole turn reaches the origin no more: a function may spread the load over more objects than we ask for.
fn warm_up(plan: &Plan, origin: &Origin, contender: &Contender) -> Outcome {
    for _ in 0..load::WARM_UPS {
        let before = origin.asked()?;
        load::run(plan, contender, Kind::Hits, load::WARM_UP)?;
        if origin.asked()? == before {
            return Ok(());
        }
    }
    Err(contender.server().failure("still asks the origin after every object was asked for many times"))
}

impl Plan {
    fn parse(words: &[String], folder: PathBuf) -> Outcome<Self> {
        let [first, ..] = SIZES;
        let (round, scale) = (Duration::from_secs(10), purge::Scale::default());
        let mut plan = Self { size: first, rounds: 3, round, folder, binary: None, scale };
        let mut words = words.iter();
        while let Some(flag) = words.next() {
            let value = words.next().map_or("", String::as_str);
            let number = || value.parse::<u32>().ok().filter(|number| (1..=60).contains(number));
            let count = || value.parse::<u32>().ok();
            let understood = match flag.as_str() {
                "--size" => SIZES.iter().find(|size| size.name == value).map(|size| plan.size = *size),
                "--rounds" => number().map(|rounds| plan.rounds = rounds),
                "--seconds" => number().map(|seconds| plan.round = Duration::from_secs(seconds.into())),
                "--nodes" => number().map(|nodes| plan.scale.nodes = nodes),
                "--entries" => count().map(|entries| plan.scale.entries = entries),
                "--objects" => count().map(|objects| plan.scale.objects = objects),
                "--binary" => (!value.is_empty()).then(|| plan.binary = Some(PathBuf::from(value))),
                _ => None,
            };
            understood.ok_or_else(|| {
                Failure::new(
                    format!("`{flag} {value}` was not understood"),
                    "use --size 1k|64k|4m, --rounds 1..60, --seconds 1..60, --binary FILE; for purge --nodes 1..60, \
                     --entries N, --objects N",
                )
            })?;
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Plan;

    fn plan(words: &[&str]) -> Option<Plan> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Plan::parse(&words, PathBuf::new()).ok()
    }

    #[test]
    fn flags_are_read_within_their_bounds() {
        let chosen = plan(&["--size", "64k", "--rounds", "5", "--seconds", "2"]).unwrap();
        assert_eq!((chosen.size.name, chosen.rounds, chosen.round.as_secs()), ("64k", 5, 2));
        assert!(plan(&["--rounds", "0"]).is_none());
        assert!(plan(&["--size", "2k"]).is_none());
        assert!(plan(&["--size"]).is_none());
    }
}
