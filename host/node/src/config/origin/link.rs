//! What is spoken to an origin's servers: protocol and certificates.

use std::path::PathBuf;

use seawall_origin::TlsFiles;
use serde::{Serialize, Serializer};

use crate::config::check::Check;
use crate::config::raw::RawLink;
use crate::config::reader::{Field, Spot};

/// What is spoken to an origin's servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkKeys {
    /// HTTP/2: with `https` where the server agrees, with `http` without asking. Default: HTTP/1.1.
    pub http2: bool,
    /// The name that the servers' certificates must have, and that the servers are told. Default: each server's host.
    pub sni: Option<String>,
    /// The authorities that are believed, in PEM. Default: the machine's.
    #[serde(serialize_with = "path")]
    pub ca_file: Option<PathBuf>,
    /// What is shown to servers that ask for a certificate, in PEM. Default: nothing.
    #[serde(serialize_with = "path")]
    pub client_cert: Option<PathBuf>,
    /// Its key, in PEM.
    #[serde(serialize_with = "path")]
    pub client_key: Option<PathBuf>,
}

#[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
fn path<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.collect_str(&path.display()),
        None => serializer.serialize_none(),
    }
}

impl LinkKeys {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawLink) -> Self {
        let RawLink { http2, sni, ca_file, client_cert, client_key } = raw;
        for (given, other, missing) in
            [(&client_cert, &client_key, "client_key"), (&client_key, &client_cert, "client_cert")]
        {
            if matches!((given, other), (Field::Given(_), Field::Absent)) {
                check.missing(missing);
            }
        }
        let file = |key, field| check.optional(key, field, |text| check.file(text));
        let ca_file = file("ca_file", ca_file);
        let (client_cert, client_key) = (file("client_cert", client_cert), file("client_key", client_key));
        let usable = |at, authorities: Option<&PathBuf>, identity| {
            let files = TlsFiles { authorities: authorities.cloned(), identity };
            if let Err(error) = files.check() {
                check.problem(at, format!("{error}."));
            }
        };
        if let Some(Spot { value, at }) = &ca_file {
            usable(*at, Some(value), None);
        }
        if let (Some(Spot { value, at }), Some(key)) = (&client_cert, &client_key) {
            usable(*at, None, Some((value.clone(), key.value.clone())));
        }
        Self {
            http2: matches!(http2, Field::Given(flag) if flag.value),
            sni: check.optional("sni", sni, parse_server_name).map(|spot| spot.value),
            ca_file: ca_file.map(|spot| spot.value),
            client_cert: client_cert.map(|spot| spot.value),
            client_key: client_key.map(|spot| spot.value),
        }
    }
}

/// RFC 6066 §3: a host name, without a port. An address is compared with the certificate and not sent.
fn parse_server_name(text: &str) -> Result<String, String> {
    match seawall_origin::trust::server_name(text) {
        Some(_) => Ok(text.to_owned()),
        None => {
            Err(format!("`{text}` is not a name that a certificate can have. Write a host without a port."))
        }
    }
}
