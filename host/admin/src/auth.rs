//! Who may do what: bearer tokens (RFC 6750), each with a name for the audit trail and a role.
//!
//! The rule does not depend on the route: a safe method needs a token, any other a token that may write. So a route
//! that is added later cannot be left open by mistake.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use seawall_base::{Scope, SiteName};

use crate::problem::{Kind, Problem};
use crate::state::AdminState;

#[cfg(test)]
mod tests;

/// Shortest secret of a token, in bytes: 64 bits even where they are hex digits, and nobody guesses that over HTTP.
pub const SECRET_MIN_BYTES: usize = 16;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Looking.
    Read,
    /// Looking and changing.
    Write,
}

impl Role {
    /// The word for config and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// A token as the operator writes it.
pub struct Token {
    /// Stands in the audit trail.
    pub name: String,
    /// What the client sends.
    pub secret: String,
    /// What it is good for.
    pub role: Role,
    /// The sites it is good for; `None` for all of them and everything else.
    pub sites: Option<Vec<SiteName>>,
}

/// What is wrong with a list of tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The secret is too short, or cannot stand in a header.
    #[error(
        "the secret of token `{0}` needs at least {SECRET_MIN_BYTES} visible ASCII characters and no white space"
    )]
    Secret(String),
    /// Two tokens have one name.
    #[error("there are two tokens named `{0}`")]
    NameTwice(String),
    /// Two tokens have one secret, so nobody could tell who used it.
    #[error("token `{0}` has the secret of another token")]
    SecretTwice(String),
}

/// The tokens that are good. Holds digests, so that comparing takes the same time whatever was sent.
#[derive(Clone, Default)]
pub struct Tokens(Vec<Known>);

#[derive(Clone)]
struct Known {
    name: Arc<str>,
    digest: blake3::Hash,
    role: Role,
    sites: Option<Arc<[SiteName]>>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|known| (&known.name, known.role))).finish()
    }
}

/// The token that a request came with: who did it.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The token's name.
    pub name: Arc<str>,
    sites: Option<Arc<[SiteName]>>,
}

impl Actor {
    /// Whether the token may speak of this site.
    pub(crate) fn is_for(&self, site: &SiteName) -> bool {
        self.sites.as_ref().is_none_or(|sites| sites.contains(site))
    }

    pub(crate) fn is_for_all_sites(&self) -> bool {
        self.sites.is_none()
    }

    /// Refuses a purge that goes beyond the token's sites.
    pub(crate) fn may_purge(&self, scope: &Scope) -> Result<(), Problem> {
        match scope {
            Scope::Site(site) if self.is_for(site) => Ok(()),
            Scope::AllSites if self.is_for_all_sites() => Ok(()),
            Scope::Site(_) | Scope::AllSites => Err(Problem::new(
                Kind::Forbidden,
                format!("This token purges {} only: name one of these as `site`.", self.sites_text()),
            )),
        }
    }

    fn sites_text(&self) -> String {
        let sites = self.sites.iter().flat_map(|sites| sites.iter());
        sites.map(|site| format!("`{site}`")).collect::<Vec<_>>().join(", ")
    }

    /// What a token that is for some sites may ask for: their purges, and who has applied them.
    fn may_ask(&self, path: &str) -> bool {
        self.is_for_all_sites()
            || matches!(path, "/v1/purge" | "/v1/purges" | "/v1/nodes")
            || path.starts_with("/v1/purges/")
    }
}

/// How a request's token was judged.
#[derive(Clone, Debug)]
enum Verdict {
    Allowed(Actor),
    NoToken,
    WrongToken,
    MayOnlyRead,
}

impl Tokens {
    /// Takes a list, or says all that is wrong with it. An empty list lets nobody in.
    pub fn new(tokens: Vec<Token>) -> Result<Self, Vec<TokenError>> {
        let (mut names, mut secrets) = (BTreeSet::new(), BTreeSet::new());
        let (mut known, mut errors) = (Vec::with_capacity(tokens.len()), Vec::new());
        for Token { name, secret, role, sites } in tokens {
            let digest = blake3::hash(secret.as_bytes());
            if secret.len() < SECRET_MIN_BYTES || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
                errors.push(TokenError::Secret(name.clone()));
            }
            if !names.insert(name.clone()) {
                errors.push(TokenError::NameTwice(name.clone()));
            }
            if !secrets.insert(*digest.as_bytes()) {
                errors.push(TokenError::SecretTwice(name.clone()));
            }
            known.push(Known { name: name.into(), digest, role, sites: sites.map(Arc::from) });
        }
        if errors.is_empty() { Ok(Self(known)) } else { Err(errors) }
    }

    fn find(&self, secret: &str) -> Option<&Known> {
        let digest = blake3::hash(secret.as_bytes());
        // All are compared, whichever fits; `Hash` compares in constant time.
        self.0.iter().fold(None, |found, known| if known.digest == digest { Some(known) } else { found })
    }

    fn judge(&self, headers: &HeaderMap, needed: Role) -> Verdict {
        let Some(secret) = bearer(headers) else {
            return Verdict::NoToken;
        };
        match self.find(secret) {
            None => Verdict::WrongToken,
            Some(known) if known.role < needed => Verdict::MayOnlyRead,
            Some(known) => {
                Verdict::Allowed(Actor { name: Arc::clone(&known.name), sites: known.sites.clone() })
            }
        }
    }
}

/// The token of `Authorization: Bearer …`. The scheme's case does not matter (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_matches(' '))
}

/// Lets a request through with its [`Actor`], or answers it.
pub(crate) async fn require_token(
    State(state): State<Arc<AdminState>>,
    mut request: Request,
    next: Next,
) -> Response {
    let needed = if request.method().is_safe() { Role::Read } else { Role::Write };
    match state.config.now().tokens.judge(request.headers(), needed) {
        Verdict::Allowed(actor) if !actor.may_ask(request.uri().path()) => refuse(
            Problem::new(
                Kind::Forbidden,
                format!(
                    "This token is for {}: it may purge these and look at purges and nodes.",
                    actor.sites_text()
                ),
            ),
            r#"Bearer realm="seawall", error="insufficient_scope""#,
        ),
        Verdict::Allowed(actor) => {
            request.extensions_mut().insert(actor);
            next.run(request).await
        }
        Verdict::NoToken => refuse(
            Problem::new(Kind::Unauthorized, "Send `Authorization: Bearer <token>`."),
            r#"Bearer realm="seawall""#,
        ),
        Verdict::WrongToken => refuse(
            Problem::new(Kind::Unauthorized, "Nobody has this token."),
            r#"Bearer realm="seawall", error="invalid_token""#,
        ),
        Verdict::MayOnlyRead => refuse(
            Problem::new(Kind::Forbidden, "This token may read; this needs one with the role `write`."),
            r#"Bearer realm="seawall", error="insufficient_scope""#,
        ),
    }
}

/// RFC 6750 §3: the challenge says what is missing.
fn refuse(problem: Problem, challenge: &'static str) -> Response {
    let mut response = problem.into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}
