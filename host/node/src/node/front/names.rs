//! Which certificate is for which name.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::sign::CertifiedKey;

use crate::certificate::Pair;

/// Certificates by the names that they are for: the exact name first, then a wildcard for its first label (RFC 9525 §6.3).
/// Of several for one name, such as one with an RSA and one with an ECDSA key, the first whose key the client can verify.
#[derive(Debug, Default)]
pub(super) struct Names {
    exact: HashMap<Box<str>, Vec<Arc<CertifiedKey>>>,
    /// By what stands behind `*.`.
    wildcards: HashMap<Box<str>, Vec<Arc<CertifiedKey>>>,
    /// What clients are shown that name no host, or one that nothing is for.
    others: Vec<Arc<CertifiedKey>>,
}

impl Names {
    /// In the order of the configuration. Whether the first is shown where no name fits.
    pub(super) fn of<'p>(pairs: impl IntoIterator<Item = &'p Pair>, first_for_others: bool) -> Self {
        let mut names = Self::default();
        for pair in pairs {
            if first_for_others && names.others.is_empty() {
                names.others.push(Arc::clone(&pair.certified));
            }
            for name in &pair.names {
                let (map, name) = match name.strip_prefix("*.") {
                    Some(parent) => (&mut names.wildcards, parent),
                    None => (&mut names.exact, name.as_str()),
                };
                map.entry(name.into()).or_default().push(Arc::clone(&pair.certified));
            }
        }
        names
    }

    /// What a client is shown that asks for `name` and can verify signatures of these schemes.
    pub(super) fn choose(
        &self,
        name: Option<&str>,
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let usable = |keys: &Vec<Arc<CertifiedKey>>| {
            keys.iter().find(|pair| pair.key.choose_scheme(schemes).is_some()).cloned()
        };
        let lower = name.map(str::to_ascii_lowercase);
        let named = lower.as_deref().and_then(|name| {
            self.exact.get(name).and_then(usable).or_else(|| {
                let (_, parent) = name.split_once('.')?;
                self.wildcards.get(parent).and_then(usable)
            })
        });
        named.or_else(|| usable(&self.others))
    }
}

#[cfg(test)]
mod tests;
