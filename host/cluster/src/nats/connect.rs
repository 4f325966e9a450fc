//! Making the connection, and hearing when it comes and goes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{ConnectOptions, Event, jetstream};
use tokio::sync::watch;

use super::link::{Link, REQUEST_LIMIT, Wire};
use super::{Login, NatsError, NatsOptions};

/// How often a silent server is asked for a sign of life. After three without an answer another server is tried, well
/// before anyone's default `max_lag` has passed twice.
const PING_EVERY: Duration = Duration::from_secs(2);

/// How long a server may take to accept a connection, TLS and login included.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// Longest pause between two tries to connect.
const RECONNECT_AFTER_MAX: Duration = Duration::from_secs(1);

/// First pause between two tries to connect; each is twice as long as the one before.
const RECONNECT_AFTER: Duration = Duration::from_millis(20);

/// Begins to connect; goes on by itself. To be called on the runtime that keeps the connection.
pub(super) async fn connect(options: &NatsOptions) -> Result<Link, NatsError> {
    let (wire, wired) = watch::channel(Wire::default());
    let wire = Arc::new(wire);
    let connect = ConnectOptions::new()
        .name(&options.client_name)
        .retry_on_initial_connect()
        .connection_timeout(CONNECT_LIMIT)
        .request_timeout(Some(REQUEST_LIMIT))
        .ping_interval(PING_EVERY)
        .reconnect_delay_callback(pause_before)
        .event_callback(move |event| {
            note(&wire, &event);
            std::future::ready(())
        });
    let connect = log_in(connect, &options.login).await?;
    let connect = encrypt(connect, options)?;
    let client = connect
        .connect(options.servers.as_slice())
        .await
        .map_err(|error| NatsError::Connect(error.to_string()))?;
    let mut jetstream = match &options.domain {
        Some(domain) => jetstream::with_domain(client.clone(), domain),
        None => jetstream::new(client.clone()),
    };
    jetstream.set_timeout(REQUEST_LIMIT);
    Ok(Link::new(client, jetstream, wired))
}

fn pause_before(attempt: usize) -> Duration {
    let doubled = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    RECONNECT_AFTER.saturating_mul(2_u32.saturating_pow(doubled)).min(RECONNECT_AFTER_MAX)
}

async fn log_in(connect: ConnectOptions, login: &Login) -> Result<ConnectOptions, NatsError> {
    Ok(match login {
        Login::Anonymous => connect,
        Login::Credentials(path) => {
            let fault = |error| NatsError::File { key: "credentials", path: path.clone(), error };
            connect.credentials_file(path).await.map_err(fault)?
        }
        Login::Nkey(seed) => connect.nkey(seed.clone()),
        Login::Token(token) => connect.token(token.clone()),
        Login::Password { user, password } => connect.user_and_password(user.clone(), password.clone()),
    })
}

fn encrypt(mut connect: ConnectOptions, options: &NatsOptions) -> Result<ConnectOptions, NatsError> {
    let tls = &options.tls;
    if let Some(ca) = &tls.ca {
        connect = connect.add_root_certificates(readable("tls_ca", ca)?.to_owned()).require_tls(true);
    }
    if let Some((certificate, key)) = &tls.own {
        let certificate = readable("tls_cert", certificate)?.to_owned();
        let key = readable("tls_key", key)?.to_owned();
        connect = connect.add_client_certificate(certificate, key).require_tls(true);
    }
    Ok(connect)
}

/// A file that cannot be read now would otherwise show as a server that cannot be reached, for ever.
fn readable<'p>(key: &'static str, path: &'p Path) -> Result<&'p Path, NatsError> {
    match std::fs::File::open(path) {
        Ok(_) => Ok(path),
        Err(error) => Err(NatsError::File { key, path: path.to_owned(), error }),
    }
}

fn note(wire: &watch::Sender<Wire>, event: &Event) {
    match event {
        Event::Connected => {
            tracing::info!("connected to NATS");
            wire.send_modify(|wire| {
                wire.is_up = true;
                wire.changes = wire.changes.wrapping_add(1);
                wire.trouble = None;
            });
        }
        Event::Disconnected | Event::Closed => {
            tracing::warn!("the connection to NATS was lost");
            wire.send_modify(|wire| {
                wire.is_up = false;
                wire.changes = wire.changes.wrapping_add(1);
            });
        }
        Event::ServerError(error) => trouble(wire, &error.to_string()),
        Event::ClientError(error) => trouble(wire, &error.to_string()),
        // The library moves to another server, or says more in the next event.
        Event::LameDuckMode | Event::Draining => {}
        Event::SlowConsumer(_) => tracing::warn!("NATS sent more than this node could take at once"),
    }
}

/// Said once for as long as it stays the same: tries to connect come several a second.
fn trouble(wire: &watch::Sender<Wire>, what: &str) {
    let is_new = wire.send_if_modified(|wire| {
        let is_new = wire.trouble.as_deref() != Some(what);
        wire.trouble = Some(Arc::from(what));
        is_new
    });
    if is_new {
        tracing::warn!(error = what, "NATS");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let pauses: Vec<u128> = [1, 2, 3, 9, usize::MAX].map(pause_before).map(|p| p.as_millis()).to_vec();
        assert_eq!(pauses, [20, 40, 80, 1000, 1000]);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = readable("tls_ca", Path::new("/nowhere/ca.pem")).err().map(|error| error.to_string());
        let error = error.expect("it was opened");
        assert!(error.contains("tls_ca") && error.contains("/nowhere/ca.pem"), "{error}");
    }
}
