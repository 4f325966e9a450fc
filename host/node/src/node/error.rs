//! Why a node does not start. Each says what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::cli::token::TokenError;

/// Why a node does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken.
    #[error("{address} is already in use: stop what listens there, or choose another address")]
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// The address can't be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The data directory can't be made.
    #[error("the data directory {} cannot be made: {source}; choose another with --data-dir or `data_dir`", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The control log can't be opened.
    #[error(transparent)]
    Log(#[from] seawall_cluster::OpenError),
    /// NATS can't be used.
    #[error(transparent)]
    Nats(#[from] seawall_cluster::nats::NatsError),
    /// The node's name is taken.
    #[error(transparent)]
    Join(#[from] seawall_cluster::JoinError),
    /// No admin token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A token that can't be used.
    #[error("[admin] tokens: {0}")]
    AdminToken(String),
    /// The secret of the peers can't be used.
    #[error("[cluster] secret: {0}")]
    PeerSecret(#[from] seawall_cluster::peer::PeerError),
    /// The function engine did not start.
    #[error(transparent)]
    Functions(#[from] seawall_functions::RuntimeError),
    /// A function can't be used.
    #[error("function `{name}` ({}): {why}", file.display())]
    Function {
        /// Its name.
        name: String,
        /// Its file.
        file: PathBuf,
        /// Why, and what to run instead.
        why: String,
    },
    /// The versions of functions can't be read.
    #[error("functions: {0}")]
    Depot(#[source] seawall_functions::depot::DepotError),
    /// The active version of a function can't be used.
    #[error("function `{name}`, version {version}: {why}")]
    Deployed {
        /// Its name.
        name: String,
        /// Its version.
        version: String,
        /// Why, and what to do.
        why: String,
    },
    /// A site has too many functions.
    #[error("site `{site}`: {why}")]
    Chain {
        /// The site.
        site: String,
        /// Why.
        why: String,
    },
    /// Something of the machine's.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// What the config check should have caught.
    #[error("{0}")]
    Config(String),
}
