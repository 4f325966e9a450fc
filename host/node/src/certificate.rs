//! One pair of certificate and key, read from its files.
//!
//! Owns what makes a pair usable: that both can be read, that they belong together, which names it is for and until when.
//! Refuses: the common name, which RFC 9525 §2 no longer takes for a name, and deciding who is shown which pair.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{ASN1Time, FromDer, X509Certificate};

/// Largest file of a pair, in bytes: a hundred times a long chain.
pub(crate) const FILE_MAX_BYTES: u64 = 1 << 20;

/// A pair that can be shown.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// Chain and key, as rustls wants them.
    pub(crate) certified: Arc<CertifiedKey>,
    /// The host names of its `subjectAltName`, in lower case; those with a wildcard begin with `*.`.
    pub(crate) names: Vec<String>,
    /// When it begins to be valid.
    pub(crate) not_before: SystemTime,
    /// When it ends to be valid.
    pub(crate) not_after: SystemTime,
}

/// Why a pair cannot be shown.
#[derive(Debug)]
pub(crate) struct PairError {
    file: PathBuf,
    why: String,
    /// It is the key's file that is named.
    pub(crate) is_of_the_key: bool,
}

impl fmt::Display for PairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` cannot be used: {}", self.file.display(), self.why)
    }
}

impl Pair {
    /// Reads both files.
    pub(crate) fn load(cert: &Path, key: &Path) -> Result<Self, PairError> {
        let failed = |file: &Path, why: String| PairError {
            file: file.to_owned(),
            why,
            is_of_the_key: file == key && key != cert,
        };
        let text = read(cert).map_err(|why| failed(cert, why))?;
        let chain = chain(&text).map_err(|why| failed(cert, why))?;
        let leaf = chain.first().ok_or_else(|| failed(cert, NO_CERTIFICATE.to_owned()))?;
        let Leaf { names, not_before, not_after } = Leaf::of(leaf).map_err(|why| failed(cert, why))?;
        let text = read(key).map_err(|why| failed(key, why))?;
        let private = PrivateKeyDer::from_pem_slice(&text).map_err(|_| failed(key, NO_KEY.to_owned()))?;
        let provider = rustls::crypto::ring::default_provider();
        let certified = CertifiedKey::from_der(chain, private, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                failed(key, format!("it is not the key of the certificate in `{}`", cert.display()))
            }
            error => failed(key, error.to_string()),
        })?;
        Ok(Self { certified: Arc::new(certified), names, not_before, not_after })
    }
}

const NO_CERTIFICATE: &str = "it has no `BEGIN CERTIFICATE`";
const NO_KEY: &str =
    "it has no private key that can be read: it must be PEM, PKCS#8, SEC1 or PKCS#1, without a password";

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let opened = std::fs::File::open(file).map_err(|error| error.to_string())?;
    let mut text = Vec::new();
    let read = opened.take(FILE_MAX_BYTES + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
    if read as u64 > FILE_MAX_BYTES {
        Err(format!("it has more than {FILE_MAX_BYTES} bytes"))
    } else {
        Ok(text)
    }
}

fn chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    all.map_err(|error| format!("it is not PEM: {error}"))
}

/// What is read of the first certificate of a chain.
struct Leaf {
    names: Vec<String>,
    not_before: SystemTime,
    not_after: SystemTime,
}

impl Leaf {
    fn of(der: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, leaf) = X509Certificate::from_der(der).map_err(|error| format!("it is no X.509: {error}"))?;
        let alternatives = leaf.subject_alternative_name().map_err(|error| error.to_string())?;
        let listed = alternatives.iter().flat_map(|extension| &extension.value.general_names);
        let names = listed.filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        });
        Ok(Self {
            names: names.collect(),
            not_before: time(leaf.validity().not_before),
            not_after: time(leaf.validity().not_after),
        })
    }
}

/// What lies before 1970 is 1970.
fn time(time: ASN1Time) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(time.timestamp()).unwrap_or_default())
}

#[cfg(test)]
mod tests;
