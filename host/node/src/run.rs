//! `seawall run`: one node until a signal.

use std::io::Write;

use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{self, Exit, RunArgs};
use crate::config::Config;
use crate::logging;
use crate::node::{Node, Shared, StartError};

/// Runs a node; returns when it has been told to stop and has drained.
pub fn run(args: RunArgs, err: &mut dyn Write) -> Exit {
    let config = match args.into_config() {
        Ok(config) => config,
        Err(problems) => return cli::report(&problems, err),
    };
    logging::start(&config.log);
    match until_signal(&config) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            // Where standard error is closed nobody reads this, and the exit code still says it.
            let _ = writeln!(err, "seawall: {error}");
            Exit::Failed
        }
    }
}

fn until_signal(config: &Config) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| StartError::Io { what: "the main runtime", source })?;
    // Before anything is served: a signal that came in between would end the process without a drain.
    let failed = |source| StartError::Io { what: "waiting for signals", source };
    let within = runtime.enter();
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    drop(within);
    // Where this very file cannot be named, the engine compiles by itself.
    let shared = Shared::of(config, std::env::current_exe().ok())?;
    let running = Node::start(config, &shared)?;
    running.announce();
    runtime.block_on(async {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    });
    running.stop();
    Ok(())
}
