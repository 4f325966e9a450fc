//! The URL of an origin server: scheme, host and port, nothing else.

use std::fmt;
use std::str::FromStr;

use http::uri::{Authority, Uri};
use serde::{Serialize, Serializer};

/// How a server is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP.
    Http,
    /// HTTP over TLS.
    Https,
}

impl Scheme {
    /// As in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// RFC 9110 §4.2.1 and §4.2.2.
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// `http://127.0.0.1:3000`: where one server of an origin listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerUrl {
    scheme: Scheme,
    host: String,
    port: u16,
}

/// Why a text is not a server's URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServerUrlError {
    /// No `http://` or `https://` before it.
    #[error("`{given}` has no scheme. Write `{instead}`.")]
    NoScheme {
        /// What was written.
        given: String,
        /// The same with a scheme.
        instead: String,
    },
    /// A scheme that origins are not spoken to with.
    #[error(
        "`{0}` is not a server: origins are reached by http and https. Write `http://host:port` or `https://host:port`."
    )]
    Scheme(String),
    /// A path, query or user name follows.
    #[error("`{given}` is more than a server: requests keep their own path. Write `{instead}`.")]
    MoreThanServer {
        /// What was written.
        given: String,
        /// Its server alone.
        instead: String,
    },
    /// Not a URL.
    #[error("`{0}` is not a URL. Write `http://host:port` or `https://host:port`.")]
    Malformed(String),
}

impl ServerUrl {
    /// How to speak to it.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// A name or an address; IPv6 addresses in brackets. In lower case.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port, the scheme's default where none was written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, the port left out where it is the scheme's default.
    #[must_use]
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl FromStr for ServerUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, ServerUrlError> {
        let given = || text.chars().take(200).collect::<String>();
        let Some((scheme, rest)) = text.split_once("://") else {
            let instead = format!("http://{}", given());
            return Err(match instead.parse::<Self>() {
                Ok(_) => ServerUrlError::NoScheme { given: given(), instead },
                Err(_) => ServerUrlError::Malformed(given()),
            });
        };
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return Err(ServerUrlError::Scheme(given())),
        };
        let uri: Uri = text.parse().map_err(|_| ServerUrlError::Malformed(given()))?;
        let authority = uri.authority().ok_or_else(|| ServerUrlError::Malformed(given()))?;
        let server = Self::of(scheme, authority).ok_or_else(|| ServerUrlError::Malformed(given()))?;
        let alone = matches!(rest.strip_prefix(authority.as_str()), Some("" | "/"));
        if !alone || authority.as_str().contains('@') {
            return Err(ServerUrlError::MoreThanServer {
                given: without_user(&given()),
                instead: server.to_string(),
            });
        }
        Ok(server)
    }
}

impl ServerUrl {
    fn of(scheme: Scheme, authority: &Authority) -> Option<Self> {
        let host = authority.host().to_ascii_lowercase();
        let after = authority.as_str().rsplit(['@', ']']).next().unwrap_or_default();
        // `Authority::port` is `None` both for no port and for one that is out of range.
        let port = match after.split_once(':') {
            Some((_, port)) => port.parse().ok().filter(|port| *port != 0)?,
            None => scheme.default_port(),
        };
        (!host.is_empty()).then_some(Self { scheme, host, port })
    }
}

/// A user name may come with a password, and problems are printed.
fn without_user(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 <= at => {
            format!("{}...{}", url.get(..scheme + 3).unwrap_or_default(), url.get(at..).unwrap_or_default())
        }
        _ => url.to_owned(),
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.authority())
    }
}

impl Serialize for ServerUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_scheme_a_host_and_a_port() {
        for (text, printed, port) in [
            ("http://127.0.0.1:3000", "http://127.0.0.1:3000", 3000),
            ("HTTPS://A.Origin.Example/", "https://a.origin.example", 443),
            ("http://[::1]:80", "http://[::1]", 80),
            ("http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080", 8080),
        ] {
            let server: ServerUrl = text.parse().unwrap();
            assert_eq!(server.to_string(), printed, "{text}");
            assert_eq!(server.port(), port, "{text}");
        }
    }

    #[test]
    fn a_bad_server_says_what_to_write() {
        for (text, words) in [
            ("127.0.0.1:3000", "Write `http://127.0.0.1:3000`"),
            ("ftp://a", "http and https"),
            ("http://a/path", "Write `http://a`"),
            ("http://a?q", "Write `http://a`"),
            ("https://me:pw@a:8443", "Write `https://a:8443`"),
            ("http://", "is not a URL"),
            ("http://a:99999", "is not a URL"),
            ("http://a:0", "is not a URL"),
            ("http://a b", "is not a URL"),
            ("", "is not a URL"),
        ] {
            let said = text.parse::<ServerUrl>().unwrap_err().to_string();
            assert!(said.contains(words), "{text}: {said}");
            assert!(!said.contains("pw"), "a password must not be printed: {said}");
        }
    }
}
