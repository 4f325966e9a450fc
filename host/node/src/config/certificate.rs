//! `[[certificates]]`: what this node shows to clients over TLS.

use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;

use super::check::Check;
use super::path_text;
use super::problem::{Place, Problem};
use super::raw::RawCertificate;
use crate::certificate::Pair;

/// `[[certificates]]`: one pair. Clients choose among them by the names in the certificate (RFC 6066 §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// The certificate in PEM, with its chain behind it.
    #[serde(serialize_with = "path_text")]
    pub cert: PathBuf,
    /// Its key in PEM.
    #[serde(serialize_with = "path_text")]
    pub key: PathBuf,
    /// Where it stands in the config file, from 1.
    #[serde(skip)]
    pub line: usize,
}

impl Certificate {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawCertificate) -> Option<Self> {
        let RawCertificate { at, cert, key } = raw;
        let file = |name, field| check.required(name, field, |text| check.file(text));
        let (cert, key) = (file("cert", cert), file("key", key));
        let (cert, key) = (cert?, key?);
        if let Err(error) = Pair::load(&cert.value, &key.value) {
            check.problem(if error.is_of_the_key { key.at } else { cert.at }, format!("{error}."));
            return None;
        }
        Some(Self { cert: cert.value, key: key.value, line: check.line(at) })
    }

    /// What is wrong with it at this time. A node runs with a certificate that has expired, since others of it may be good;
    /// `seawall check` says so.
    pub fn expiry_problem(&self, file: &std::path::Path, now: SystemTime) -> Option<Problem> {
        let pair = Pair::load(&self.cert, &self.key).ok()?;
        let what = if now > pair.not_after {
            "has expired. Renew it"
        } else if now < pair.not_before {
            "is not valid yet. Wait, or set the clock"
        } else {
            return None;
        };
        let place = Place::File { file: file.to_owned(), line_column: Some((self.line, 1)) };
        Some(Problem { place, message: format!("[[certificates]]: {} {what}.", self.cert.display()) })
    }
}
