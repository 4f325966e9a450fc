//! `[admin]`: the operator's door and who may use it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::Serialize;

use super::check::{Check, Names};
use super::listen::Addresses;
use super::raw::{RawAdmin, RawToken};
use super::reader::Field;
use super::secret::Secret;

/// Default of [`Admin::listen`]: reachable from this machine only.
pub const DEFAULT_ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9090);

/// Longest [`Token::name`], in bytes: it stands in every log line that says who did something.
pub const TOKEN_NAME_MAX_BYTES: usize = 63;

/// `[admin]`: the operator's door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Admin {
    /// Where it is. Default [`DEFAULT_ADMIN`].
    pub listen: SocketAddr,
    /// Who may use it. Default: none, and then a token is taken from the environment or made at the start.
    pub tokens: Vec<Token>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: DEFAULT_ADMIN, tokens: Vec::new() }
    }
}

/// What a token's bearer may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Look.
    Read,
    /// Look and change.
    Write,
}

impl Role {
    /// All roles, the weakest first.
    pub const ALL: [Self; 2] = [Self::Read, Self::Write];

    /// As in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// One bearer token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Who has it, for the log.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// What they show.
    pub secret: Secret,
}

impl Admin {
    /// `tokens` checks the tables in [`Admin::tokens`], each from its own place.
    pub(super) fn from_raw<'r>(
        check: &Check<'_>,
        raw: RawAdmin,
        addresses: &mut Addresses,
        of_token: impl Fn(usize) -> Check<'r>,
    ) -> Self {
        let RawAdmin { at: _, listen, tokens } = raw;
        let listen = addresses.optional(check, "listen", listen, "admin.listen").unwrap_or(DEFAULT_ADMIN);
        let raws = match tokens {
            Field::Given(raws) => raws.value,
            Field::Absent | Field::Broken => Vec::new(),
        };
        let mut names = Names::new("a token");
        let mut tokens: Vec<(Token, usize)> = Vec::new();
        for raw in raws {
            let (at, check) = (raw.at, of_token(raw.at));
            let Some(token) = Token::from_raw(&check, raw, &mut names) else {
                continue;
            };
            if let Some((twin, _)) = tokens.iter().find(|(other, _)| other.secret == token.secret) {
                check.problem(at, format!("has the same secret as `{}`. Give each its own.", twin.name));
            }
            tokens.push((token, at));
        }
        Self { listen, tokens: tokens.into_iter().map(|(token, _)| token).collect() }
    }
}

impl Token {
    fn from_raw(check: &Check<'_>, raw: RawToken, names: &mut Names) -> Option<Self> {
        let RawToken { at: _, name, role, secret } = raw;
        names.note(check, &name);
        let name = check.required("name", name, parse_token_name);
        let role = check.required("role", role, |text| Check::word(text, &Role::ALL, Role::as_str));
        let secret = check.secret(secret);
        if matches!(secret, Ok(None)) {
            check.missing("secret_file");
        }
        Some(Self { name: name?.value, role: role?.value, secret: secret.ok()?? })
    }
}

/// Log lines and metric labels hold it, so it is plain; people's addresses are allowed.
fn parse_token_name(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.@".contains(&b);
    if (1..=TOKEN_NAME_MAX_BYTES).contains(&text.len()) && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a token's name. Write letters, digits, `-`, `_`, `.` and `@`, at most \
             {TOKEN_NAME_MAX_BYTES} bytes."
        ))
    }
}
