//! Whose certificates are believed.

use std::io;
use std::sync::Arc;

use hyper_rustls::ConfigBuilderExt;
use rustls::{ClientConfig, RootCertStore};

/// The certificate authorities that a client believes.
#[derive(Clone, Debug)]
pub struct Trust(pub(crate) ClientConfig);

impl Trust {
    /// Those of the machine.
    pub fn system() -> io::Result<Self> {
        Ok(Self(builder()?.with_native_roots()?.with_no_client_auth()))
    }

    /// None: for clients that speak plain HTTP only. Every TLS handshake fails.
    pub fn nobody() -> io::Result<Self> {
        Ok(Self(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()))
    }
}

fn builder() -> io::Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)
}
