use std::path::PathBuf;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::*;

/// A pair for these names, in files.
fn pair(folder: &TempDir, name: &str, names: &[&str]) -> (PathBuf, PathBuf) {
    let key = KeyPair::generate().unwrap();
    let mut params =
        CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap();
    params.not_before = date_time_ymd(2025, 1, 1);
    params.not_after = date_time_ymd(2025, 3, 1);
    let cert = params.self_signed(&key).unwrap();
    let files = (folder.path().join(format!("{name}.pem")), folder.path().join(format!("{name}.key")));
    std::fs::write(&files.0, cert.pem()).unwrap();
    std::fs::write(&files.1, key.serialize_pem()).unwrap();
    files
}

#[test]
fn a_pair_says_its_names_and_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = pair(&folder, "a", &["Shop.Example", "*.shop.example", "192.0.2.1"]);
    let pair = Pair::load(&cert, &key).unwrap();
    assert_eq!(pair.names, ["shop.example", "*.shop.example"], "an address is not told by SNI");
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert_eq!((since(pair.not_before), since(pair.not_after)), (1_735_689_600, 1_740_787_200));
}

#[test]
fn what_cannot_be_used_says_which_file_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = pair(&folder, "a", &["a.example"]);
    let (other, other_key) = pair(&folder, "b", &["b.example"]);
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let huge = folder.path().join("huge");
    std::fs::write(&huge, vec![b'x'; usize::try_from(FILE_MAX_BYTES).unwrap() + 1]).unwrap();
    let bad = folder.path().join("bad");
    std::fs::write(&bad, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    for (cert, key, of_key, why) in [
        (&cert, &other_key, true, "it is not the key of the certificate"),
        (&other, &key, true, "it is not the key of the certificate"),
        (&empty, &key, false, "no `BEGIN CERTIFICATE`"),
        (&key, &key, false, "no `BEGIN CERTIFICATE`"),
        (&cert, &empty, true, "no private key"),
        (&cert, &cert, false, "no private key"),
        (&bad, &key, false, "no X.509"),
        (&huge, &key, false, "more than 1048576 bytes"),
        (&folder.path().join("none"), &key, false, "No such file"),
    ] {
        let error = Pair::load(cert, key).err().unwrap();
        assert!(error.to_string().contains(why), "{error}: {why}");
        assert_eq!(error.is_of_the_key, of_key, "{error}");
    }
}
