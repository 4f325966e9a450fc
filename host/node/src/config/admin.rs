//! `[admin]`: the operator's door and who may use it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use seawall_base::SiteName;
use serde::Serialize;

use super::check::{Check, Names};
use super::keys;
use super::listen::Addresses;
use super::raw::{RawAdmin, RawPurgeConfirm, RawToken};
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
    /// Which purges must be confirmed. Default: none.
    pub purge_confirm: PurgeConfirm,
}

/// Beyond what a purge must be confirmed, on any one node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PurgeConfirm {
    /// In stored responses.
    pub objects: Option<u32>,
    /// In percent of the node's last hits.
    pub hits_percent: Option<u8>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: DEFAULT_ADMIN, tokens: Vec::new(), purge_confirm: PurgeConfirm::default() }
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
    /// Which sites they may purge, where not all; they may do nothing else then but look at purges and nodes.
    pub sites: Vec<SiteName>,
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
        let RawAdmin { at: _, listen, tokens, purge_confirm } = raw;
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
        let purge_confirm = PurgeConfirm::from_raw(check, &purge_confirm);
        Self { listen, tokens: tokens.into_iter().map(|(token, _)| token).collect(), purge_confirm }
    }

    /// Reports tokens that name sites which there are not.
    pub(super) fn check_sites(&self, check: &Check<'_>, at: usize, known: &Names) {
        for token in &self.tokens {
            for site in &token.sites {
                if let Err(wrong) = known.resolve(site.as_str(), "`[[sites]]`") {
                    check.problem(at, format!("token `{}`: `sites`: {wrong}", token.name));
                }
            }
        }
    }
}

impl PurgeConfirm {
    fn from_raw(check: &Check<'_>, raw: &RawPurgeConfirm) -> Self {
        let RawPurgeConfirm { at, objects, hits_percent } = raw;
        let check = check.within(&keys::PURGE_CONFIRM, *at);
        let percent = check.number("hits_percent", hits_percent, 0..=100);
        Self {
            objects: check.number("objects", objects, 0..=u32::MAX),
            hits_percent: percent.and_then(|percent| u8::try_from(percent).ok()),
        }
    }
}

impl Token {
    fn from_raw(check: &Check<'_>, raw: RawToken, names: &mut Names) -> Option<Self> {
        let RawToken { at: _, name, role, sites, secret } = raw;
        names.note(check, &name);
        let name = check.required("name", name, parse_token_name);
        let role = check.required("role", role, |text| Check::word(text, &Role::ALL, Role::as_str));
        if sites.at.is_some() && sites.items.is_empty() && !sites.broken {
            check.problem(
                sites.at.unwrap_or_default(),
                "`sites` is empty. Name a site, or leave it out for all.",
            );
        }
        let sites = check.any_of("sites", sites, SiteName::new);
        let sites = check.each_once("sites", sites).into_iter().map(|site| site.value).collect();
        let secret = check.secret(secret);
        if matches!(secret, Ok(None)) {
            check.missing("secret_file");
        }
        Some(Self { name: name?.value, role: role?.value, sites, secret: secret.ok()?? })
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
