//! Goes back, by itself, from a version that keeps failing: on every node, through the control log, as an operator would.

use seawall_cluster::Activation;
use seawall_functions::{Runtime, Stopped};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::node::reload::Reloader;

/// Who is named in the log.
const ACTOR: &str = "breaker";

/// Waits for versions that are stopped, and goes back from those whose settings want that, for ever.
pub(crate) async fn retreat(reloader: &Reloader) {
    let mut changed = reloader.changed();
    let mut stops = None;
    loop {
        // A node without functions has no engine, until a reload brings the first.
        if stops.is_none() {
            stops = reloader.live().now().functions.runtime.as_ref().map(Runtime::stops);
        }
        tokio::select! {
            changed = changed.changed() => if changed.is_err() { return },
            stopped = next(&mut stops) => match stopped {
                Ok(stopped) if stopped.rolls_back => go_back(reloader, &stopped).await,
                // Those that were missed stay stopped, as without the setting.
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
        }
    }
}

async fn next(stops: &mut Option<Receiver<Stopped>>) -> Result<Stopped, RecvError> {
    match stops {
        Some(stops) => stops.recv().await,
        None => std::future::pending().await,
    }
}

async fn go_back(reloader: &Reloader, stopped: &Stopped) {
    let now = reloader.live().now();
    let Stopped { function, version, .. } = stopped;
    let history = now.functions.catalog.history(function);
    // Another node may have been faster, or the operator.
    if history.active() != Some(version.as_str()) {
        return;
    }
    let Some(previous) = history.previous().map(str::to_owned) else {
        return tracing::warn!(%function, version, "it keeps failing, and there is no version to go back to");
    };
    let activation = Activation { function: function.to_string(), version: previous.clone() };
    match now.edge.cluster.publish_activation(activation, ACTOR).await {
        Ok(published) => tracing::warn!(
            target: "audit", action = "rollback", actor = ACTOR, %function, from = version, version = previous,
            position = published.position.0, "accepted"
        ),
        Err(error) => tracing::error!(%function, version, %error, "the node cannot go back from it"),
    }
}
