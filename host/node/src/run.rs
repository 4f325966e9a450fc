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
    let shared = Shared::open(&config.node.data_dir)?;
    let running = Node::start(config, &shared)?;
    running.announce();
    let signals = runtime.block_on(async {
        let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        std::io::Result::Ok(())
    });
    running.stop();
    signals.map_err(|source| StartError::Io { what: "waiting for signals", source })
}
