//! `seawall demo`: two edges and a shield in one process, an origin that counts what it is asked, and a guided tour of
//! real requests. Each line that the tour shows is checked, so that `--once` is a test as well.
//!
//! Owns the story and everything in it. Refuses special treatment: the nodes are those of `seawall run`, started from
//! config text, and the visitors come over sockets.

use std::io::{Write, stderr};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use seawall_base::Clock;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{DemoArgs, Exit};
use crate::config::{AccessLog, Log, LogLevel};
use crate::logging;

mod error;
mod farewell;
mod guests;
mod narrator;
mod nodes;
mod origin;
mod tour;
mod visitor;

use error::DemoError;
use guests::Guests;
use narrator::{Narrator, Paint};
use nodes::Nodes;
use origin::Origin;
use tour::Tour;
use visitor::Visitor;

/// How long the tour may take, from the first question to a node. It takes seconds; a machine that needs longer than
/// this hangs somewhere.
const TOUR_LIMIT: Duration = Duration::from_secs(60);

/// How long `--once` may take in all: the tour, and what starting and stopping three nodes takes at worst.
const ONCE_LIMIT: Duration = Duration::from_secs(120);

/// Runs the demo. `terminal` is whether `out` is one.
pub fn demo(args: &DemoArgs, terminal: bool, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    // Only what somebody should look at: the tour says the rest.
    logging::start(&Log { level: LogLevel::Warn, access: AccessLog::Off, ..Log::default() });
    let paint = if terminal { Paint::Terminal } else { Paint::Plain };
    match run(args, &mut Narrator::new(out, paint)) {
        Ok(exit) => exit,
        Err(error) => {
            // Where standard error is closed nobody reads this, and the exit code still says it.
            let _ = writeln!(err, "seawall: {error}");
            Exit::Failed
        }
    }
}

fn run(args: &DemoArgs, narrator: &mut Narrator<'_>) -> Result<Exit, DemoError> {
    let guests = Guests::find(args.guests.as_deref())?;
    // Until this returns.
    let _watched = args.once.then(watchdog).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(DemoError::io("the demo's runtime"))?;
    let clock = Clock::system();
    let origin = Origin::start()?;
    narrator.say("Starting a shield (ams), two edges (fra, nyc) and an origin that counts ...")?;
    let nodes = Nodes::start(origin.address(), &guests, &clock)?;
    let shown = show(args, narrator, &runtime, &clock, &nodes, &origin);
    nodes.stop();
    origin.stop();
    shown
}

fn show(
    args: &DemoArgs,
    narrator: &mut Narrator<'_>,
    runtime: &Runtime,
    clock: &Clock,
    nodes: &Nodes,
    origin: &Origin,
) -> Result<Exit, DemoError> {
    let visitor = Visitor::new(clock, TOUR_LIMIT);
    for node in nodes.all() {
        narrator.say(&format!(
            "   {}   clients at http://{}   admin at http://{}",
            node.name, node.http, node.admin
        ))?;
    }
    runtime.block_on(nodes.ready(&visitor))?;
    let tour = Tour { nodes, origin, visitor: &visitor };
    tour.walk(narrator)?;
    let exit = match narrator.score() {
        (checks, 0) => {
            narrator.say(&format!("\nEverything went as told: {checks} checks held."))?;
            Exit::Ok
        }
        (checks, failed) => {
            narrator.say(&format!("\n{failed} of {checks} checks failed: see the lines with !!!! above."))?;
            Exit::Failed
        }
    };
    // Its connections would keep the nodes from stopping.
    drop(visitor);
    if !args.once {
        farewell::invite(narrator, nodes)?;
        runtime.block_on(signalled())?;
        narrator.say("\nStopping.")?;
    }
    Ok(exit)
}

/// Ends the process if the sender is still there after [`ONCE_LIMIT`]. What the tour asks has limits of its own; this is
/// for a node that does not start or stop: a check that never ends is worse than one that fails.
fn watchdog() -> Result<mpsc::Sender<()>, DemoError> {
    let (watched, gone) = mpsc::channel();
    let watch = move || {
        if gone.recv_timeout(ONCE_LIMIT) == Err(RecvTimeoutError::Timeout) {
            // Where standard error is closed nobody reads this, and the exit code still says it.
            let _ = writeln!(
                stderr(),
                "seawall: the demo hangs: it is not over after {} s",
                ONCE_LIMIT.as_secs()
            );
            std::process::exit(Exit::Failed as i32);
        }
    };
    let thread = std::thread::Builder::new().name("demo-watchdog".to_owned());
    thread.spawn(watch).map_err(DemoError::io("the demo's watchdog"))?;
    Ok(watched)
}

/// Waits for Ctrl-C, or for what a supervisor sends.
async fn signalled() -> Result<(), DemoError> {
    let listen = |kind| signal(kind).map_err(DemoError::io("waiting for signals"));
    let (mut term, mut int) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
