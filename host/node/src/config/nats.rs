//! The keys of `[cluster]` that are about NATS: which servers keep the control log, and who this node is to them.

use std::path::PathBuf;
use std::time::Duration;

use seawall_base::NodeName;
use seawall_cluster::nats::{DEFAULT_MAX_BYTES, DEFAULT_NAME, DEFAULT_RETENTION, REPLICAS, check_server};
use serde::{Serialize, Serializer};

use super::check::Check;
use super::duration;
use super::raw::RawNats;
use super::reader::{Field, Spot};
use super::secret::Secret;
use super::size::Bytes;

/// Shortest [`Nats::retention`]: a node that restarts its connection within this must not find that records are gone.
pub const RETENTION_MIN: Duration = Duration::from_secs(60);

/// Smallest [`Nats::max_bytes`]: eight of the largest records.
pub const MAX_BYTES_MIN: Bytes = Bytes::mib(16);

/// The servers that keep the control log of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Nats {
    /// At least one.
    pub servers: Vec<String>,
    /// What the stream, the bucket and the subjects are named after. Default `seawall`.
    pub name: String,
    /// The JetStream domain that the log is in. Default: none, as most servers have.
    pub domain: Option<String>,
    /// How many servers keep the log, where this node makes it. Default 1.
    pub replicas: usize,
    /// How long a record stays, where this node makes the log. Default a week.
    #[serde(serialize_with = "duration::serialize")]
    pub retention: Duration,
    /// How many bytes of records stay, where this node makes the log. Default 512 MiB.
    pub max_bytes: Bytes,
    /// Who this node is to the servers. Default: nobody in particular.
    pub login: NatsLogin,
    /// Who vouches for the servers. Default: whom the machine trusts, where TLS is spoken.
    #[serde(serialize_with = "path_texts")]
    pub tls_ca: Option<PathBuf>,
    /// This node's certificate. Default: none.
    #[serde(serialize_with = "path_texts")]
    pub tls_cert: Option<PathBuf>,
    /// The key of `tls_cert`.
    #[serde(serialize_with = "path_texts")]
    pub tls_key: Option<PathBuf>,
}

/// Who a node is to the servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NatsLogin {
    /// Nobody in particular.
    #[default]
    Anonymous,
    /// What a `.creds` file says.
    Credentials(#[serde(serialize_with = "super::path_text")] PathBuf),
    /// The owner of a key.
    Nkey(Secret),
    /// Whoever knows the token.
    Token(Secret),
    /// A user with a password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: Secret,
    },
}

impl Nats {
    /// `None` where the file names no servers.
    pub(super) fn from_raw(check: &Check<'_>, raw: RawNats) -> Option<Self> {
        let is_given = raw.servers.at.is_some() || raw.servers.broken;
        if !is_given {
            without_servers(check, &raw);
            return None;
        }
        let RawNats { servers, name, replicas, retention, max_bytes, .. } = &raw;
        let servers =
            check.some_of("nats", servers.clone(), |text| check_server(text).map(|()| text.to_owned()));
        let servers = servers.into_iter().map(|spot| spot.value).collect();
        let name = check.or("name", name.clone(), DEFAULT_NAME.to_owned(), |text| {
            NodeName::new(text).map(|name| name.as_str().to_owned())
        });
        let domain = check.optional("domain", raw.domain.clone(), parse_domain).map(|spot| spot.value);
        let replicas = self::replicas(check, replicas);
        let retention = check.or("retention", retention.clone(), DEFAULT_RETENTION, parse_retention);
        let max_bytes = check.or("max_bytes", max_bytes.clone(), Bytes(DEFAULT_MAX_BYTES), parse_max_bytes);
        let path = |key: &str, field: &Field<String>| {
            check.optional(key, field.clone(), |text| check.path(text)).map(|spot| spot.value)
        };
        let tls_ca = path("tls_ca", &raw.tls_ca);
        let tls_cert = path("tls_cert", &raw.tls_cert);
        let tls_key = path("tls_key", &raw.tls_key);
        needs(check, ("tls_cert", &raw.tls_cert), ("tls_key", &raw.tls_key));
        needs(check, ("tls_key", &raw.tls_key), ("tls_cert", &raw.tls_cert));
        let login = login(check, raw);
        Some(Self { servers, name, domain, replicas, retention, max_bytes, login, tls_ca, tls_cert, tls_key })
    }
}

fn replicas(check: &Check<'_>, field: &Field<u64>) -> usize {
    let Field::Given(Spot { value, at }) = field else { return 1 };
    let known = usize::try_from(*value).ok().filter(|number| REPLICAS.contains(number));
    known.unwrap_or_else(|| {
        check.problem(
            *at,
            format!(
                "`replicas`: {value} servers cannot keep one log together. Write 1, 3 or 5: `replicas = 3`."
            ),
        );
        1
    })
}

/// It becomes a part of subjects.
fn parse_domain(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.is_empty() || !text.bytes().all(fits) {
        return Err(format!("`{text}` is not a JetStream domain: use letters, digits, `-` and `_`."));
    }
    Ok(text.to_owned())
}

fn parse_retention(text: &str) -> Result<Duration, String> {
    let retention = duration::parse(text).map_err(|wrong| wrong.to_string())?;
    if retention < RETENTION_MIN {
        return Err(format!(
            "`{text}` is so short that a node which loses its connection would drop all it holds. Write at least `1m`."
        ));
    }
    Ok(retention)
}

fn parse_max_bytes(text: &str) -> Result<Bytes, String> {
    let bytes: Bytes = text.parse().map_err(|wrong: super::SizeError| wrong.to_string())?;
    if bytes < MAX_BYTES_MIN {
        return Err(format!("`{text}` holds a few large purges only. Write at least `{MAX_BYTES_MIN}`."));
    }
    Ok(bytes)
}

fn login(check: &Check<'_>, raw: RawNats) -> NatsLogin {
    let RawNats { credentials, nkey_file, token_file, user, password_file, .. } = raw;
    let ways = [
        ("credentials", &credentials),
        ("nkey_file", &nkey_file),
        ("token_file", &token_file),
        ("user", &user),
    ];
    let given: Vec<_> = ways.iter().filter_map(|(key, field)| Some((*key, place(field)?))).collect();
    if let [(first, _), (second, at), ..] = given.as_slice() {
        check.problem(
            *at,
            format!("has both `{first}` and `{second}`. Keep the one way in that the servers want."),
        );
        return NatsLogin::Anonymous;
    }
    needs(check, ("user", &user), ("password_file", &password_file));
    needs(check, ("password_file", &password_file), ("user", &user));
    let credentials = check.optional("credentials", credentials, |text| check.path(text));
    let nkey = check.secret_of_others("nkey_file", nkey_file);
    let token = check.secret_of_others("token_file", token_file);
    let password = check.secret_of_others("password_file", password_file);
    let user = check
        .optional("user", user, |text| if text.is_empty() { Err("is empty.") } else { Ok(text.to_owned()) });
    match (credentials, nkey, token, user, password) {
        (Some(path), ..) => NatsLogin::Credentials(path.value),
        (_, Some(seed), ..) => NatsLogin::Nkey(seed),
        (_, _, Some(token), ..) => NatsLogin::Token(token),
        (.., Some(user), Some(password)) => NatsLogin::Password { user: user.value, password },
        _ => NatsLogin::Anonymous,
    }
}

/// What is said of NATS has no effect where no server is named.
fn without_servers(check: &Check<'_>, raw: &RawNats) {
    let RawNats { servers: _, name, domain, replicas, retention, max_bytes, .. } = raw;
    let RawNats {
        credentials, nkey_file, token_file, user, password_file, tls_ca, tls_cert, tls_key, ..
    } = raw;
    let texts = [
        ("name", name),
        ("domain", domain),
        ("retention", retention),
        ("max_bytes", max_bytes),
        ("credentials", credentials),
        ("nkey_file", nkey_file),
        ("token_file", token_file),
        ("user", user),
        ("password_file", password_file),
        ("tls_ca", tls_ca),
        ("tls_cert", tls_cert),
        ("tls_key", tls_key),
    ];
    let given = texts.iter().filter_map(|(key, field)| Some((*key, place(field)?)));
    for (key, at) in given.chain(place(replicas).map(|at| ("replicas", at))) {
        check.problem(
            at,
            format!("`{key}` is about NATS, and no server is named. Write `nats = [\"nats://10.0.0.5:4222\"]`, or leave it out."),
        );
    }
}

/// Reports the one that is given without the other.
fn needs(check: &Check<'_>, (key, field): (&str, &Field<String>), (other, missing): (&str, &Field<String>)) {
    if let (Some(at), Field::Absent) = (place(field), missing) {
        check.problem(at, format!("`{key}` needs `{other}` beside it. Write both, or neither."));
    }
}

fn place<T>(field: &Field<T>) -> Option<usize> {
    match field {
        Field::Given(spot) => Some(spot.at),
        Field::Absent | Field::Broken => None,
    }
}

/// For `#[serde(serialize_with)]`: paths need not be Unicode, and JSON must be.
fn path_texts<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.collect_str(&path.display()),
        None => serializer.serialize_none(),
    }
}
