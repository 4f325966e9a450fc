//! What the operator says about NATS.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::ServerAddr;

/// Default name of a cluster: what its stream, bucket and subjects are called after.
pub const DEFAULT_NAME: &str = "seawall";

/// How far back the log reaches by default: a node that was cut off for a long week end keeps what it holds.
pub const DEFAULT_RETENTION: Duration = Duration::from_secs(7 * 86_400);

/// How many bytes the log takes at each server that keeps it, by default: about a million purges of a few tags.
pub const DEFAULT_MAX_BYTES: u64 = 512 * 1024 * 1024;

/// How many servers may keep the log: an even number survives no more failures than the odd one below it.
pub const REPLICAS: [usize; 3] = [1, 3, 5];

/// What the operator says about NATS.
#[derive(Clone, Debug)]
pub struct NatsOptions {
    /// The servers, at least one; see [`check_server`]. Others of their cluster are learnt from them.
    pub servers: Vec<String>,
    /// The cluster's name: letters, digits, `-` and `_`.
    pub name: String,
    /// The JetStream domain that the log is in, where the servers have one: a leaf node's clients reach JetStream behind
    /// its hub by this name only.
    pub domain: Option<String>,
    /// How many servers keep the log. For a stream that is made.
    pub replicas: usize,
    /// How long a record stays. For a stream that is made.
    pub retention: Duration,
    /// How many bytes of records stay. For a stream that is made.
    pub max_bytes: u64,
    /// How many records stay, where that is bounded. For a stream that is made.
    pub max_records: Option<u64>,
    /// Who this node is to the servers.
    pub login: Login,
    /// How the servers are spoken to.
    pub tls: Tls,
    /// What the servers call the connection, in their own lists.
    pub client_name: String,
}

/// Who a node is to the servers. Shows no secret when printed.
#[derive(Clone, Default)]
pub enum Login {
    /// Nobody in particular.
    #[default]
    Anonymous,
    /// A `.creds` file: a JWT and its key.
    Credentials(PathBuf),
    /// The seed of a key.
    Nkey(String),
    /// A token.
    Token(String),
    /// A name and its password.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anonymous => "Anonymous",
            Self::Credentials(_) => "Credentials(…)",
            Self::Nkey(_) => "Nkey(…)",
            Self::Token(_) => "Token(…)",
            Self::Password { .. } => "Password(…)",
        })
    }
}

/// How the servers are spoken to. TLS is used where any of this is given, where an address begins with `tls://`, and
/// where a server asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Who vouches for the servers; by default whom the machine trusts.
    pub ca: Option<PathBuf>,
    /// This node's certificate and its key.
    pub own: Option<(PathBuf, PathBuf)>,
}

/// What is wrong with the address of a server, if anything, and what to write.
pub fn check_server(text: &str) -> Result<(), String> {
    let example = "Write `nats://10.0.0.5:4222`, or `tls://nats.example:4222` for TLS.";
    // What stands before an `@` may be a password.
    let shown = text.rsplit('@').next().unwrap_or_default();
    let server: ServerAddr =
        text.parse().map_err(|_| format!("`{shown}` is not the address of a NATS server. {example}"))?;
    if server.has_user_pass() {
        return Err(
            "an address holds no name and password: everyone may read it. Write `user` and `password_file`."
                .to_owned(),
        );
    }
    match server.scheme() {
        "nats" | "tls" if server.host().is_empty() => Err(format!("`{text}` names no server. {example}")),
        "nats" | "tls" => Ok(()),
        scheme => Err(format!("`{scheme}://` is not spoken here. {example}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_of_nats_servers_and_hold_no_password() {
        for good in ["nats://10.0.0.5:4222", "tls://nats.example", "10.0.0.5", "nats://[::1]:4222"] {
            assert_eq!(check_server(good), Ok(()), "{good}");
        }
        for bad in [
            "http://10.0.0.5",
            "ws://10.0.0.5",
            "nats://",
            "nats://me:secret@10.0.0.5",
            "nats://me:secret@[",
            "",
        ] {
            let wrong = check_server(bad).err().unwrap_or_else(|| panic!("{bad} was taken"));
            assert!(wrong.contains("Write `"), "{wrong}");
            assert!(!wrong.contains("secret"), "{wrong}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        let login = Login::Password { user: "me".to_owned(), password: "hunter2".to_owned() };
        assert!(!format!("{login:?}").contains("hunter2"));
    }
}
