//! Answers on a listener until told to stop.

use std::io;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::sleep;

#[cfg(test)]
mod tests;

/// How long answers under way may take once the door closes. Whoever stops the process waits for it too; what is
/// cut off is the wait for a purge, never the purge.
pub const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Serves until `shutdown` is done, then lets answers under way finish, at most [`CLOSE_WITHIN`].
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (closing, mut closed) = watch::channel(false);
    let signal = async move {
        shutdown.await;
        closing.send_replace(true);
    };
    let too_late = async {
        // An error means that the signal is gone, and the server with it.
        let _ = closed.wait_for(|closing| *closing).await;
        sleep(CLOSE_WITHIN).await;
    };
    tokio::select! {
        result = axum::serve(listener, router).with_graceful_shutdown(signal) => result,
        () = too_late => {
            tracing::warn!("answers of the admin API were cut off: the node stops");
            Ok(())
        }
    }
}
