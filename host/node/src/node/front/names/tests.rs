use std::time::UNIX_EPOCH;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm};
use rustls::pki_types::PrivateKeyDer;

use super::*;

const ALL: [SignatureScheme; 2] = [SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519];

fn pair(names: &[&str], algorithm: &'static SignatureAlgorithm) -> Pair {
    let key = KeyPair::generate_for(algorithm).unwrap();
    let cert = CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    Pair {
        certified: Arc::new(CertifiedKey::from_der(vec![cert.der().clone()], private, &provider).unwrap()),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        not_before: UNIX_EPOCH,
        not_after: UNIX_EPOCH,
    }
}

/// Which of the pairs is shown.
fn shown(pairs: &[Pair], strict: bool, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<usize> {
    let chosen = Names::of(pairs, !strict).choose(name, schemes)?;
    pairs.iter().position(|pair| Arc::ptr_eq(&pair.certified, &chosen))
}

#[test]
fn the_exact_name_comes_before_the_wildcard_and_that_is_for_one_label() {
    let p256 = &PKCS_ECDSA_P256_SHA256;
    let pairs = [
        pair(&["first.example"], p256),
        pair(&["*.shop.example"], p256),
        pair(&["shop.example", "www.shop.example"], p256),
    ];
    for (name, strict, lax) in [
        ("www.shop.example", Some(2), Some(2)),
        ("WWW.Shop.Example", Some(2), Some(2)),
        ("shop.example", Some(2), Some(2)),
        ("img.shop.example", Some(1), Some(1)),
        ("a.b.shop.example", None, Some(0)),
        ("other.example", None, Some(0)),
        ("localhost", None, Some(0)),
    ] {
        assert_eq!(shown(&pairs, true, Some(name), &ALL), strict, "{name}");
        assert_eq!(shown(&pairs, false, Some(name), &ALL), lax, "{name}");
    }
    assert_eq!(shown(&pairs, true, None, &ALL), None);
    assert_eq!(shown(&pairs, false, None, &ALL), Some(0));
}

#[test]
fn of_two_for_one_name_the_client_gets_the_one_that_it_can_verify() {
    let pairs = [pair(&["a.example"], &PKCS_ED25519), pair(&["a.example"], &PKCS_ECDSA_P256_SHA256)];
    let name = Some("a.example");
    assert_eq!(shown(&pairs, true, name, &ALL), Some(0));
    assert_eq!(shown(&pairs, true, name, &[SignatureScheme::ECDSA_NISTP256_SHA256]), Some(1));
    assert_eq!(shown(&pairs, true, name, &[SignatureScheme::RSA_PSS_SHA256]), None);
}
