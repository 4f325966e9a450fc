//! What a site overrides of caching: its switches, its key, its cookies and its rules.
//!
//! The default of every key is what the RFCs say. Owns which settings exclude each other.

use std::time::Duration;

use http::HeaderName;
use seawall_pipeline::{Glob, KEY_PARTS_MAX};
use serde::{Serialize, Serializer};

use super::check::Check;
use super::duration;
use super::keys;
use super::raw::{RawCaching, RawKey, RawNormalise, RawQuery};
use super::reader::{Field, FlagOrTexts, Spot};
use super::rule::Rule;

/// Most patterns or names in one list of a site: each is tried on every request or every response.
pub const LIST_MAX: usize = 64;

/// Most languages of one site: each is tried for every language that a request names.
pub const LANGUAGES_MAX: usize = 32;

/// Longest name of a field or cookie that a key has, in bytes: sixteen of them fit into a peer's request.
pub const KEY_NAME_MAX_BYTES: usize = 64;

/// Whether a response's `no-store` can be lifted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoStore {
    /// By `must-understand` (RFC 9111 §5.2.2.3) and by a targeted field (RFC 9213 §2.2).
    #[default]
    Rfc,
    /// By nothing.
    Strict,
}

impl NoStore {
    /// All choices.
    pub const ALL: [Self; 2] = [Self::Rfc, Self::Strict];

    /// As in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rfc => "rfc",
            Self::Strict => "strict",
        }
    }
}

/// What a site overrides of caching.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Caching {
    /// Whether a response that states no lifetime gets one by its `Last-Modified`. Default: yes.
    pub heuristics: bool,
    /// How stale a response may be while the origin cannot be reached; zero: not at all. Default: none, and then a day.
    #[serde(serialize_with = "duration::serialize_option")]
    pub stale_when_disconnected: Option<Duration>,
    /// Default [`NoStore::Rfc`].
    pub no_store: NoStore,
    /// Whether a client's `no-store` is heeded. Default: yes.
    pub request_no_store: bool,
    /// Whether a client's `Cache-Control` may force a revalidation, or accept what is stale. Default: yes.
    pub request_directives: bool,
    /// Whether a response with `Set-Cookie` may be stored. Default: yes.
    pub store_set_cookie: bool,
    /// Whether `Set-Cookie` is left out of what is stored. Default: no.
    pub strip_set_cookie: bool,
    /// Whether a POST's response may answer later GETs where it says that it is the page itself. Not where the site
    /// changes what a request is looked up by: the POST was not answered as such a GET would be. Default: yes.
    pub store_post: bool,
    /// Which cookies are taken from requests that the cache is asked about. Default: none.
    pub strip_request_cookies: Strip,
    /// Whether `Seawall-Debug: key` is answered. Default: no, since the answer names parts of the configuration.
    pub debug_key: bool,
    /// How the key has the query. Default: as it is.
    pub query: Query,
    /// What else the key has. Default: nothing.
    pub key: KeyParts,
    /// Which fields of negotiation are brought to one form.
    pub normalise: Normalise,
    /// Lifetimes by path and status; the first that matches holds. Default: none.
    pub rules: Vec<Rule>,
}

/// Which cookies are taken from requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Strip {
    /// None or all, but for those of the key.
    All(bool),
    /// Those with such names.
    Named(Vec<Glob>),
}

/// `[sites.query]`: how the key has the query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Query {
    /// Parameters that the key does not have.
    #[serde(serialize_with = "serialize_texts")]
    pub ignore: Vec<Glob>,
    /// The only parameters that the key has, where this is set.
    #[serde(serialize_with = "serialize_optional_texts")]
    pub keep: Option<Vec<Glob>>,
    /// Whether they are sorted by name.
    pub sort: bool,
}

/// `[sites.key]`: what the key has besides the URL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct KeyParts {
    /// Request fields.
    #[serde(serialize_with = "serialize_texts")]
    pub headers: Vec<HeaderName>,
    /// Cookies.
    pub cookies: Vec<String>,
}

/// `[sites.normalise]`: which fields of negotiation are brought to one form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Normalise {
    /// Whether `Accept-Encoding` is compared by meaning. Default: yes.
    pub accept_encoding: bool,
    /// Whether `Accept-Language` is. Default: yes.
    pub accept_language: Languages,
}

/// What is done about `Accept-Language`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Languages {
    /// Compared by meaning, or as it is written.
    Compared(bool),
    /// Replaced by the best of these.
    Supported(Vec<String>),
}

impl Default for Caching {
    fn default() -> Self {
        Self {
            heuristics: true,
            stale_when_disconnected: None,
            no_store: NoStore::Rfc,
            request_no_store: true,
            request_directives: true,
            store_set_cookie: true,
            strip_set_cookie: false,
            store_post: true,
            strip_request_cookies: Strip::All(false),
            debug_key: false,
            query: Query::default(),
            key: KeyParts::default(),
            normalise: Normalise::default(),
            rules: Vec::new(),
        }
    }
}

impl Default for Normalise {
    fn default() -> Self {
        Self { accept_encoding: true, accept_language: Languages::Compared(true) }
    }
}

impl Caching {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawCaching) -> Self {
        let RawCaching {
            heuristics,
            stale_when_disconnected,
            no_store,
            request_no_store,
            request_directives,
            store_set_cookie,
            strip_set_cookie,
            store_post,
            strip_request_cookies,
            debug_key,
            query,
            key,
            normalise,
            rules,
        } = raw;
        if let (Field::Given(Spot { value: false, .. }), Field::Given(Spot { value: true, at })) =
            (&store_set_cookie, &strip_set_cookie)
        {
            check.problem(
                *at,
                "`strip_set_cookie = true` stores responses without their cookies, and `store_set_cookie = false` does \
                 not store them. Leave one.",
            );
        }
        let key = KeyParts::from_raw(&check.within(&keys::KEY, key.at), key);
        let disconnected =
            check.optional("stale_when_disconnected", stale_when_disconnected, duration::parse);
        Self {
            heuristics: heuristics.or(true),
            stale_when_disconnected: disconnected.map(|spot| spot.value),
            no_store: check.or("no_store", no_store, NoStore::Rfc, |text| {
                Check::word(text, &NoStore::ALL, NoStore::as_str)
            }),
            request_no_store: request_no_store.or(true),
            request_directives: request_directives.or(true),
            store_set_cookie: store_set_cookie.or(true),
            strip_set_cookie: strip_set_cookie.or(false),
            store_post: store_post.or(true),
            strip_request_cookies: Strip::from_raw(check, strip_request_cookies, &key.cookies),
            debug_key: debug_key.or(false),
            query: Query::from_raw(&check.within(&keys::QUERY, query.at), query),
            key,
            normalise: Normalise::from_raw(&check.within(&keys::NORMALISE, normalise.at), normalise),
            rules: Rule::all_from_raw(check, rules),
        }
    }
}

impl Strip {
    fn from_raw(check: &Check<'_>, raw: Field<FlagOrTexts>, keyed: &[String]) -> Self {
        const KEY: &str = "strip_request_cookies";
        let names = match raw {
            Field::Absent | Field::Broken => return Self::All(false),
            Field::Given(Spot { value: FlagOrTexts::Flag(flag), .. }) => return Self::All(flag),
            Field::Given(Spot { value: FlagOrTexts::Texts(names), .. }) => names,
        };
        let globs = check.some_of(KEY, check.up_to(KEY, names, LIST_MAX), Glob::new);
        for glob in &globs {
            if let Some(name) = keyed.iter().find(|name| glob.value.matches(name)) {
                let strips = &glob.value;
                check.problem(
                    glob.at,
                    format!(
                        "`{KEY}`: `{strips}` takes away the cookie `{name}`, which is part of the key, so that the origin \
                         would not see what it answers for. Take it out of one of the two."
                    ),
                );
            }
        }
        Self::Named(values(globs))
    }
}

impl Serialize for Strip {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All(all) => serializer.serialize_bool(*all),
            Self::Named(globs) => serialize_texts(globs, serializer),
        }
    }
}

impl Query {
    fn from_raw(check: &Check<'_>, raw: RawQuery) -> Self {
        let RawQuery { at: _, ignore, keep, sort } = raw;
        if let (Some(_), Some(at)) = (ignore.at, keep.at) {
            check.problem(
                at,
                "has both `ignore` and `keep`. Write `keep` to name all that matters, or `ignore` to name what does \
                 not.",
            );
        }
        let has_keep = keep.at.is_some();
        let keep = values(check.any_of("keep", check.up_to("keep", keep, LIST_MAX), Glob::new));
        Self {
            ignore: values(check.any_of("ignore", check.up_to("ignore", ignore, LIST_MAX), Glob::new)),
            keep: has_keep.then_some(keep),
            sort: sort.or(false),
        }
    }
}

impl KeyParts {
    fn from_raw(check: &Check<'_>, raw: RawKey) -> Self {
        let RawKey { at: _, headers, cookies } = raw;
        let headers = check.any_of("headers", check.up_to("headers", headers, KEY_PARTS_MAX), parse_header);
        let cookies = check.any_of("cookies", check.up_to("cookies", cookies, KEY_PARTS_MAX), parse_cookie);
        Self {
            headers: values(check.each_once("headers", headers)),
            cookies: values(check.each_once("cookies", cookies)),
        }
    }
}

impl Normalise {
    fn from_raw(check: &Check<'_>, raw: RawNormalise) -> Self {
        const KEY: &str = "accept_language";
        let RawNormalise { at: _, accept_encoding, accept_language } = raw;
        let accept_language = match accept_language {
            Field::Absent | Field::Broken => Languages::Compared(true),
            Field::Given(Spot { value: FlagOrTexts::Flag(flag), .. }) => Languages::Compared(flag),
            Field::Given(Spot { value: FlagOrTexts::Texts(tags), .. }) => {
                let tags = check.some_of(KEY, check.up_to(KEY, tags, LANGUAGES_MAX), parse_language);
                Languages::Supported(values(check.each_once(KEY, tags)))
            }
        };
        Self { accept_encoding: accept_encoding.or(true), accept_language }
    }
}

fn values<T>(spots: Vec<Spot<T>>) -> Vec<T> {
    spots.into_iter().map(|spot| spot.value).collect()
}

/// Fields that cannot be part of the key, and why.
const NOT_IN_KEYS: &[(&[&str], &str)] = &[
    (&["host"], "is in every key already"),
    (&["cookie"], "is different for every client. Name the cookies that matter in `cookies`"),
    (
        &[
            "connection",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "expect",
        ],
        "belongs to the connection and is not sent on",
    ),
    (&["via", "cdn-loop"], "is rewritten by every node"),
    (
        &["range", "if-range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since"],
        "asks for a part or a check of what the key names",
    ),
    (&["cache-control", "pragma"], "says how to answer, not with what"),
    (&["content-length", "content-type"], "speaks of a request's body, and such requests are not stored"),
];

fn parse_header(text: &str) -> Result<HeaderName, String> {
    let name = HeaderName::from_bytes(text.as_bytes())
        .map_err(|_| format!("`{text}` is not the name of a field. Write one such as `x-device`."))?;
    let refused = NOT_IN_KEYS.iter().find(|(names, _)| names.contains(&name.as_str()));
    match refused {
        Some((_, why)) => Err(format!("`{name}` {why}. Leave it out.")),
        None if name.as_str().starts_with("seawall-") => {
            Err(format!("`{name}` is the node's own and is taken from clients' requests. Leave it out."))
        }
        None if name.as_str().len() > KEY_NAME_MAX_BYTES => {
            Err(format!("the name has more than {KEY_NAME_MAX_BYTES} bytes. Choose a shorter one."))
        }
        None => Ok(name),
    }
}

/// A token (RFC 6265 §4.1.1).
fn parse_cookie(text: &str) -> Result<String, String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if (1..=KEY_NAME_MAX_BYTES).contains(&text.len()) && text.bytes().all(token) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{}` is not a cookie's name. Write letters, digits, `-` and `_`, at most {KEY_NAME_MAX_BYTES} bytes, and \
             no value.",
            text.escape_default()
        ))
    }
}

/// A language tag by its shape (RFC 5646 §2.1), in lower case: tags are compared without regard to it.
fn parse_language(text: &str) -> Result<String, String> {
    let subtag =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    let primary = text.split('-').next().unwrap_or_default();
    if primary.bytes().all(|b| b.is_ascii_alphabetic()) && text.len() <= 35 && text.split('-').all(subtag) {
        Ok(text.to_ascii_lowercase())
    } else {
        let near = text.replace('_', "-");
        let near = if near != text && near.split('-').all(subtag) { near } else { "de-at".to_owned() };
        Err(format!("`{}` is not a language tag. Write one such as `{near}`.", text.escape_default()))
    }
}

/// For `#[serde(serialize_with)]`: as people write it.
pub(super) fn serialize_texts<S: Serializer, T: ToString>(
    list: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(ToString::to_string))
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn serialize_optional_texts<S: Serializer, T: ToString>(
    list: &Option<Vec<T>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match list {
        Some(list) => serialize_texts(list, serializer),
        None => serializer.serialize_none(),
    }
}
