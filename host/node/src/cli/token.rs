//! Where the admin token comes from: the config, else the environment, else a file in the data directory that the node
//! makes and the command line finds. No write to the admin API is ever anonymous.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::config::{Config, Role, SECRET_MAX_BYTES, Secret, SecretError, Token, default_data_dir};

#[cfg(test)]
mod tests;

/// The environment variable that holds the admin token.
pub const ADMIN_TOKEN_ENV: &str = "SEAWALL_ADMIN_TOKEN";

/// The file in the data directory that holds it.
pub const ADMIN_TOKEN_FILE: &str = "admin-token";

/// Random bytes in a token that is made: as many as a 256-bit key.
const RANDOM_BYTES: usize = 32;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The environment's is no token.
    #[error("{ADMIN_TOKEN_ENV} {0}")]
    Environment(SecretError),
    /// The file's is no token.
    #[error("the token in `{}` {wrong}", file.display())]
    Content {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        wrong: SecretError,
    },
    /// Others may read the file.
    #[error("`{}` has mode {mode:04o}, so that others on this machine can read it. Run `chmod 600` on it, \
        or delete it for a new token to be made.", file.display())]
    Open {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// No node has been here, or not this user's.
    #[error("no admin token is found (`{}`: {error}). A node makes one when it starts: start one, say with `--data-dir` \
        where a running one keeps its own, or set {ADMIN_TOKEN_ENV}.", file.display())]
    NotFound {
        /// The file.
        file: PathBuf,
        /// Why it cannot be read.
        error: io::Error,
    },
    /// It cannot be made.
    #[error("the admin token cannot be kept in `{}`: {error}", file.display())]
    NotKept {
        /// The file.
        file: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// What [`ADMIN_TOKEN_ENV`] says; empty is as good as unset.
#[must_use]
pub fn from_env() -> Option<String> {
    std::env::var(ADMIN_TOKEN_ENV).ok().filter(|token| !token.is_empty())
}

/// Who may use the admin API of a node: the config's tokens, else the environment's, else the one in the data
/// directory, which is made if need be. `env` is what [`from_env`] says. Never empty.
pub fn resolve_for_server(config: &Config, env: Option<&str>) -> Result<Vec<Token>, TokenError> {
    if !config.admin.tokens.is_empty() {
        return Ok(config.admin.tokens.clone());
    }
    let (name, secret) = match env {
        Some(env) => ("environment", Secret::new(env).map_err(TokenError::Environment)?),
        None => (ADMIN_TOKEN_FILE, find_or_make(&config.node.data_dir)?),
    };
    Ok(vec![Token { name: name.to_owned(), role: Role::Write, sites: Vec::new(), secret }])
}

/// The token to show to a node: the environment's, else the one in the data directory (the default one if none is
/// given).
pub fn resolve_for_client(data_dir: Option<&Path>, env: Option<&str>) -> Result<Secret, TokenError> {
    match env {
        Some(env) => Secret::new(env).map_err(TokenError::Environment),
        None => {
            let folder = data_dir.map_or_else(default_data_dir, Path::to_owned);
            find(&folder.join(ADMIN_TOKEN_FILE))
        }
    }
}

fn find_or_make(folder: &Path) -> Result<Secret, TokenError> {
    let file = folder.join(ADMIN_TOKEN_FILE);
    match find(&file) {
        Err(TokenError::NotFound { error, .. }) if error.kind() == ErrorKind::NotFound => {
            make(folder, &file).map_err(|error| TokenError::NotKept { file: file.clone(), error })?;
            // Another node may have been first; its token is the one that stays.
            find(&file)
        }
        found => found,
    }
}

fn find(file: &Path) -> Result<Secret, TokenError> {
    let not_found = |error| TokenError::NotFound { file: file.to_owned(), error };
    let open = File::open(file).map_err(not_found)?;
    let mode = open.metadata().map_err(not_found)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(TokenError::Open { file: file.to_owned(), mode });
    }
    let mut text = String::new();
    // One byte more than fits, and the newline.
    open.take(SECRET_MAX_BYTES as u64 + 2).read_to_string(&mut text).map_err(not_found)?;
    Secret::new(text.trim()).map_err(|wrong| TokenError::Content { file: file.to_owned(), wrong })
}

/// Puts a new token at `file`, whole or not at all, and leaves one that is there already.
fn make(folder: &Path, file: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let token = random_hex::<RANDOM_BYTES>()?;
    let draft = folder.join(format!(".{ADMIN_TOKEN_FILE}.{}", random_hex::<8>()?));
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let kept = writeln!(out, "{token}").and_then(|()| out.sync_all()).and_then(|()| {
        // Unlike a rename, a link never replaces what is there.
        match std::fs::hard_link(&draft, file) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    });
    std::fs::remove_file(&draft)?;
    kept
}

/// From the system's own source of randomness.
fn random_hex<const N: usize>() -> io::Result<String> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
