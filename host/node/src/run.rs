//! `seawall run`: one node until a signal.

use std::io::Write;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{self, Exit, RunArgs};
use crate::config::Config;
use crate::logging;
use crate::node::{Node, Reloads, Running, Shared, StartError};

/// Runs a node; returns when it has been told to stop and has drained.
pub fn run(args: RunArgs, err: &mut dyn Write) -> Exit {
    let (config, from) = match args.into_config() {
        Ok(read) => read,
        Err(problems) => return cli::report(&problems, err),
    };
    let set_log = logging::start(&config.log);
    match until_signal(&config, Reloads { from, set_log }) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            // Where standard error is closed nobody reads this, and the exit code still says it.
            let _ = writeln!(err, "seawall: {error}");
            Exit::Failed
        }
    }
}

/// What the process is told from outside.
struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
    usr1: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        let (term, int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (hup, usr1) = (signal(SignalKind::hangup())?, signal(SignalKind::user_defined1())?);
        Ok(Self { term, int, hup, usr1 })
    }
}

fn until_signal(config: &Config, reloads: Reloads) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| StartError::Io { what: "the main runtime", source })?;
    // Before anything is served: a signal that came in between would end the process without a drain.
    let within = runtime.enter();
    let signals =
        Signals::listen().map_err(|source| StartError::Io { what: "waiting for signals", source })?;
    drop(within);
    // Where this very file cannot be named, the engine compiles by itself.
    let shared = Shared::of(config, std::env::current_exe().ok())?;
    let running = Node::start_reloading(config, &shared, reloads)?;
    running.announce();
    runtime.block_on(obey(&running, signals));
    running.stop();
    Ok(())
}

/// Returns when told to stop; reloads, and opens the access log anew, as often as told to.
async fn obey(running: &Running, mut signals: Signals) {
    loop {
        tokio::select! {
            _ = signals.term.recv() => return,
            _ = signals.int.recv() => return,
            _ = signals.hup.recv() => drop(running.reload().await),
            _ = signals.usr1.recv() => running.reopen_access_log(),
        }
    }
}
