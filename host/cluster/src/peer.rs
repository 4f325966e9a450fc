//! What one node says to another when it asks for a response, and how it proves that it may.
//!
//! Owns: the `seawall-*` fields of requests and answers between nodes, their limits, and the proof: a keyed BLAKE3
//! digest over those fields and the request's target, under one secret that all nodes share. The secret itself never
//! travels. Refuses: secrecy and proof of the answer, which are TLS's business. A request that is replayed asks for
//! the same thing again and changes nothing.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD as BASE64;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use seawall_base::{NodeName, OriginName, Position, SiteName};

#[cfg(test)]
mod tests;

/// The node that asks.
pub const PEER: HeaderName = HeaderName::from_static("seawall-peer");
/// Its proof: the digest, in hex.
pub const PEER_AUTH: HeaderName = HeaderName::from_static("seawall-peer-auth");
/// In a request how far the asking node has applied the control log; in an answer where the stored response's fill
/// started.
pub const POSITION: HeaderName = HeaderName::from_static("seawall-position");
/// The site.
pub const SITE: HeaderName = HeaderName::from_static("seawall-site");
/// The scheme the client used.
pub const SCHEME: HeaderName = HeaderName::from_static("seawall-scheme");
/// One part that functions and settings added to the cache key, `name=base64`; one line per part, in order.
pub const KEY: HeaderName = HeaderName::from_static("seawall-key");
/// The origin that a function chose.
pub const ORIGIN: HeaderName = HeaderName::from_static("seawall-origin");
/// The host that a function chose to ask that origin for.
pub const ORIGIN_HOST: HeaderName = HeaderName::from_static("seawall-origin-host");
/// What is asked, where it is not a response: see [`Asks`].
pub const ASKS: HeaderName = HeaderName::from_static("seawall-asks");
/// Of an answer: it is stale, or was purged softly. Not to be kept.
pub const STALE: HeaderName = HeaderName::from_static("seawall-stale");
/// How many nodes the request has gone through.
pub const HOPS: HeaderName = HeaderName::from_static("seawall-hops");

/// The fields of a request that the proof covers, in the order in which it does.
const PROVEN: [HeaderName; 9] = [PEER, POSITION, SITE, SCHEME, KEY, ORIGIN, ORIGIN_HOST, ASKS, HOPS];

/// Most nodes that a request goes through: edge and shield, and one more while shields change.
pub const HOPS_MAX: u8 = 3;
/// Most parts that functions and settings add to one cache key.
pub const KEY_PARTS_MAX: usize = 32;
/// Longest added key, all names and values together, in bytes before base64: fits with room to spare in the header
/// block that every HTTP server takes.
pub const KEY_BYTES_MAX: usize = 8 * 1024;
/// Shortest shared secret, in bytes: 128 bits, if they are random.
pub const SECRET_MIN_BYTES: usize = 16;

/// Binds the derived key to this use and version (BLAKE3's key derivation).
const CONTEXT: &str = "seawall 2026-08 peer request v1";

/// Why a peer's words are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// The secret is shorter than [`SECRET_MIN_BYTES`].
    #[error("the peer secret is shorter than {SECRET_MIN_BYTES} bytes")]
    SecretTooShort,
    /// There is no proof.
    #[error("the request carries no proof that it comes from a peer")]
    NoAuth,
    /// The proof is wrong: another secret, or something was changed on the way.
    #[error("the proof does not fit: do both nodes have the same peer secret?")]
    BadAuth,
    /// A field that must be there is not.
    #[error("`{0}` is missing")]
    Missing(HeaderName),
    /// A field cannot be read.
    #[error("`{0}` is malformed")]
    Malformed(HeaderName),
    /// A field that may stand once stands more often.
    #[error("`{0}` is there more than once")]
    Repeated(HeaderName),
    /// More than [`KEY_PARTS_MAX`] or [`KEY_BYTES_MAX`].
    #[error("the key has more than {KEY_PARTS_MAX} parts or {KEY_BYTES_MAX} bytes")]
    KeyTooLarge,
    /// More than [`HOPS_MAX`].
    #[error("the request has gone through more than {HOPS_MAX} nodes")]
    TooManyHops,
}

impl PeerError {
    /// The word for logs and labels.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::SecretTooShort => "secret-too-short",
            Self::NoAuth => "no-auth",
            Self::BadAuth => "bad-auth",
            Self::Missing(_) => "missing",
            Self::Malformed(_) => "malformed",
            Self::Repeated(_) => "repeated",
            Self::KeyTooLarge => "key-too-large",
            Self::TooManyHops => "too-many-hops",
        }
    }
}

/// The secret that all nodes of a cluster share, as a key. Shows nothing when printed.
#[derive(Clone)]
pub struct PeerSecret([u8; blake3::KEY_LEN]);

impl PeerSecret {
    /// Takes the operator's secret.
    pub fn new(secret: &str) -> Result<Self, PeerError> {
        if secret.len() < SECRET_MIN_BYTES {
            return Err(PeerError::SecretTooShort);
        }
        Ok(Self(blake3::derive_key(CONTEXT, secret.as_bytes())))
    }

    fn proof(&self, target: &PeerTarget<'_>, headers: &HeaderMap) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        // Every text is led by its length and every list by its own, so no two requests read the same.
        let mut text = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        text(target.method.as_bytes());
        text(target.authority.as_bytes());
        text(target.path_and_query.as_bytes());
        for name in &PROVEN {
            let values = headers.get_all(name);
            text(&(values.iter().count() as u64).to_be_bytes());
            values.iter().for_each(|value| text(value.as_bytes()));
        }
        hasher.finalize()
    }
}

impl fmt::Debug for PeerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PeerSecret(…)")
    }
}

/// What a request asks for; the proof covers it, so that it fits no other request. Both sides must take it from the
/// request as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerTarget<'a> {
    /// The method.
    pub method: &'a str,
    /// Host and port, as in `Host` or `:authority`.
    pub authority: &'a str,
    /// Path and query.
    pub path_and_query: &'a str,
}

/// What the asking node says besides the request itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRequest {
    /// Who asks.
    pub node: NodeName,
    /// For which site.
    pub site: SiteName,
    /// How far the asking node has applied the control log: the answer must not be older (promise 4).
    pub position: Position,
    /// The scheme the client used.
    pub scheme: String,
    /// What functions added to the cache key.
    pub key_parts: Vec<(String, Vec<u8>)>,
    /// The origin that a function chose.
    pub origin: Option<OriginName>,
    /// The host that a function chose to ask that origin for.
    pub origin_host: Option<String>,
    /// What is asked.
    pub asks: Asks,
    /// How many nodes the request has gone through, the asking one included.
    pub hops: u8,
}

/// What one node asks of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asks {
    /// The response to a client's request.
    #[default]
    Fetch,
    /// To drop what it stores of a URL: an unsafe request on it succeeded (RFC 9111 §4.4), and did not pass that node.
    Invalidate,
}

impl Asks {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Invalidate => "invalidate",
        }
    }
}

/// Does a request claim to come from a peer? Nothing is checked yet.
#[must_use]
pub fn is_peer(headers: &HeaderMap) -> bool {
    headers.contains_key(PEER) || headers.contains_key(PEER_AUTH)
}

/// What all fields between nodes begin with. The name space is ours but for [`OF_ORIGINS`]: a field that a later version
/// adds must not get through this one.
const PREFIX: &str = "seawall-";
/// The one field of that name space that is an origin's to send, and is forwarded as it came (RFC 9213 §2).
const OF_ORIGINS: &str = "seawall-cache-control";

/// Removes everything that only peers may say. For requests of clients, and for answers on their way to clients.
pub fn strip(headers: &mut HeaderMap) {
    let is_ours = |name: &&HeaderName| name.as_str().starts_with(PREFIX) && name.as_str() != OF_ORIGINS;
    // Most have none, and for those this allocates nothing.
    let ours: Vec<HeaderName> = headers.keys().filter(is_ours).cloned().collect();
    for name in ours {
        headers.remove(name);
    }
}

impl PeerRequest {
    /// Writes the fields and the proof, in place of any that are there.
    pub fn encode(
        &self,
        secret: &PeerSecret,
        target: &PeerTarget<'_>,
        headers: &mut HeaderMap,
    ) -> Result<(), PeerError> {
        strip(headers);
        check_key(&self.key_parts)?;
        check_hops(self.hops)?;
        headers.insert(PEER, value(PEER, self.node.as_str())?);
        headers.insert(SITE, value(SITE, self.site.as_str())?);
        headers.insert(POSITION, HeaderValue::from(self.position.0));
        headers.insert(SCHEME, value(SCHEME, &self.scheme)?);
        headers.insert(HOPS, HeaderValue::from(u16::from(self.hops)));
        if let Some(origin) = &self.origin {
            headers.insert(ORIGIN, value(ORIGIN, origin.as_str())?);
        }
        if let Some(host) = &self.origin_host {
            headers.insert(ORIGIN_HOST, value(ORIGIN_HOST, host)?);
        }
        if self.asks != Asks::Fetch {
            headers.insert(ASKS, value(ASKS, self.asks.as_str())?);
        }
        for (name, bytes) in &self.key_parts {
            // `=` ends the name, and white space at the ends of a field is lost on the way.
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'=') {
                return Err(PeerError::Malformed(KEY));
            }
            headers.append(KEY, value(KEY, &format!("{name}={}", BASE64.encode(bytes)))?);
        }
        let proof = secret.proof(target, headers);
        headers.insert(PEER_AUTH, value(PEER_AUTH, proof.to_hex().as_str())?);
        Ok(())
    }

    /// Checks the proof, then reads the fields.
    pub fn decode(
        secret: &PeerSecret,
        target: &PeerTarget<'_>,
        headers: &HeaderMap,
    ) -> Result<Self, PeerError> {
        let claimed = one(headers, PEER_AUTH)?.ok_or(PeerError::NoAuth)?;
        let claimed = blake3::Hash::from_hex(claimed).map_err(|_| PeerError::BadAuth)?;
        // `Hash` compares in constant time.
        if claimed != secret.proof(target, headers) {
            return Err(PeerError::BadAuth);
        }
        let hops = parse(HOPS, must(headers, HOPS)?)?;
        check_hops(hops)?;
        Ok(Self {
            node: NodeName::new(must(headers, PEER)?).map_err(|_| PeerError::Malformed(PEER))?,
            site: SiteName::new(must(headers, SITE)?).map_err(|_| PeerError::Malformed(SITE))?,
            position: Position(parse(POSITION, must(headers, POSITION)?)?),
            scheme: scheme(must(headers, SCHEME)?)?,
            key_parts: key_parts(headers)?,
            origin: match one(headers, ORIGIN)? {
                Some(name) => Some(OriginName::new(name).map_err(|_| PeerError::Malformed(ORIGIN))?),
                None => None,
            },
            origin_host: one(headers, ORIGIN_HOST)?.map(str::to_owned),
            asks: match one(headers, ASKS)? {
                None => Asks::Fetch,
                Some(word) if word == Asks::Invalidate.as_str() => Asks::Invalidate,
                Some(_) => return Err(PeerError::Malformed(ASKS)),
            },
            hops,
        })
    }
}

/// What the answering node says besides the response itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAnswer {
    /// Where in the control log the fill of the stored response started. The asking node keeps its copy under this
    /// position, not under its own.
    pub position: Position,
    /// The response is stale, or was purged softly: the asking node may use it and must not keep it, since by its own
    /// fields it may look fresh.
    pub stale: bool,
}

impl PeerAnswer {
    /// Writes the fields, in place of any that are there.
    pub fn encode(&self, headers: &mut HeaderMap) {
        strip(headers);
        headers.insert(POSITION, HeaderValue::from(self.position.0));
        if self.stale {
            headers.insert(STALE, HeaderValue::from_static("1"));
        }
    }

    /// Reads the fields.
    pub fn decode(headers: &HeaderMap) -> Result<Self, PeerError> {
        let position = Position(parse(POSITION, must(headers, POSITION)?)?);
        Ok(Self { position, stale: headers.contains_key(STALE) })
    }
}

fn value(name: HeaderName, text: &str) -> Result<HeaderValue, PeerError> {
    HeaderValue::from_str(text).map_err(|_| PeerError::Malformed(name))
}

/// The one value of a field, if it is there.
fn one(headers: &HeaderMap, name: HeaderName) -> Result<Option<&str>, PeerError> {
    let mut values = headers.get_all(&name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(PeerError::Repeated(name));
    }
    value.to_str().map(Some).map_err(|_| PeerError::Malformed(name))
}

fn must(headers: &HeaderMap, name: HeaderName) -> Result<&str, PeerError> {
    one(headers, name.clone())?.ok_or(PeerError::Missing(name))
}

fn parse<T: std::str::FromStr>(name: HeaderName, text: &str) -> Result<T, PeerError> {
    text.parse().map_err(|_| PeerError::Malformed(name))
}

fn scheme(text: &str) -> Result<String, PeerError> {
    match text {
        "http" | "https" => Ok(text.to_owned()),
        _ => Err(PeerError::Malformed(SCHEME)),
    }
}

fn key_parts(headers: &HeaderMap) -> Result<Vec<(String, Vec<u8>)>, PeerError> {
    let mut parts = Vec::new();
    for line in headers.get_all(KEY).iter().take(KEY_PARTS_MAX.saturating_add(1)) {
        let line = line.to_str().map_err(|_| PeerError::Malformed(KEY))?;
        let (name, bytes) = line.split_once('=').ok_or(PeerError::Malformed(KEY))?;
        let bytes = BASE64.decode(bytes).map_err(|_| PeerError::Malformed(KEY))?;
        parts.push((name.to_owned(), bytes));
    }
    check_key(&parts)?;
    Ok(parts)
}

fn check_key(parts: &[(String, Vec<u8>)]) -> Result<(), PeerError> {
    let bytes = parts.iter().fold(0_usize, |sum, (name, bytes)| sum.saturating_add(name.len() + bytes.len()));
    if parts.len() > KEY_PARTS_MAX || bytes > KEY_BYTES_MAX { Err(PeerError::KeyTooLarge) } else { Ok(()) }
}

fn check_hops(hops: u8) -> Result<(), PeerError> {
    if hops > HOPS_MAX { Err(PeerError::TooManyHops) } else { Ok(()) }
}
