//! Whose certificates are believed, and which one is shown.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

/// The certificate authorities that a client believes, and the certificate that it shows to servers that ask for one.
#[derive(Clone, Debug)]
pub struct Trust(pub(crate) ClientConfig);

/// A name that a certificate can have: a host without a port, or an address.
#[must_use]
pub fn server_name(text: &str) -> Option<ServerName<'static>> {
    ServerName::try_from(text.to_owned()).ok()
}

/// Where an origin's own certificates are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFiles {
    /// The authorities to believe, in PEM, instead of the machine's.
    pub authorities: Option<PathBuf>,
    /// The certificate to show and its key, in PEM; the chain's own certificates follow the first.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl TlsFiles {
    /// Whether the files can be used; if not, which one and why.
    pub fn check(&self) -> io::Result<()> {
        if let Some(file) = &self.authorities {
            authorities(file)?;
        }
        if let Some((certificate, key)) = &self.identity {
            let builder = builder()?.with_root_certificates(RootCertStore::empty());
            identified(builder, certificate, key)?;
        }
        Ok(())
    }
}

impl Trust {
    /// Those of the machine.
    pub fn system() -> io::Result<Self> {
        Ok(Self(builder()?.with_native_roots()?.with_no_client_auth()))
    }

    /// None: for clients that speak plain HTTP only. Every TLS handshake fails.
    pub fn nobody() -> io::Result<Self> {
        Ok(Self(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()))
    }

    /// Those of the files, and of the machine where the files say nothing.
    pub fn of_files(files: &TlsFiles) -> io::Result<Self> {
        let builder = match &files.authorities {
            Some(file) => builder()?.with_root_certificates(authorities(file)?),
            None => builder()?.with_native_roots()?,
        };
        let config = match &files.identity {
            Some((certificate, key)) => identified(builder, certificate, key)?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self(config))
    }
}

fn authorities(file: &Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| unusable(file, error))?;
    }
    Ok(roots)
}

/// At least one.
fn certificates(file: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let iter = CertificateDer::pem_file_iter(file).map_err(|error| unusable(file, error))?;
    let all: Vec<_> = iter.collect::<Result<_, _>>().map_err(|error| unusable(file, error))?;
    if all.is_empty() { Err(unusable(file, "it has no `BEGIN CERTIFICATE`")) } else { Ok(all) }
}

fn identified(
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
    certificate: &Path,
    key: &Path,
) -> io::Result<ClientConfig> {
    let chain = certificates(certificate)?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(key, error))?;
    builder.with_client_auth_cert(chain, private).map_err(|error| unusable(key, error))
}

fn unusable(file: &Path, why: impl std::fmt::Display) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{} cannot be used: {why}", file.display()))
}

fn builder() -> io::Result<ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)
}
