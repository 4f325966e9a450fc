//! `[listen]` and `[[certificates]]`.

use std::time::SystemTime;

use super::*;

const PAIR: &str = "[[certificates]]\ncert = 'shop.pem'\nkey = 'shop.key'\n";

#[test]
fn tls_needs_an_address_and_a_pair_and_then_there_is_no_default_for_plain_http() {
    let config = read(&format!("{LEAST}[listen]\nhttps = ['0.0.0.0:443']\n{PAIR}")).unwrap();
    assert_eq!((config.listen.http.len(), config.listen.https.len()), (0, 1));
    assert_eq!(config.listen.tls_min, TlsMin::V12);
    assert!(config.certificates[0].cert.is_absolute() && config.certificates[0].cert.ends_with("shop.pem"));
    assert_eq!(config.listen.connections, Connections::default());

    let told = problems(&format!("{LEAST}[listen]\nhttps = ['0.0.0.0:443']"));
    assert_eq!(
        told,
        ["11:9: [listen] `https` needs a certificate. Write `[[certificates]]` with `cert` and `key`."]
    );
    let clash = format!("{LEAST}[listen]\nhttp = ['0.0.0.0:80']\nhttps = ['0.0.0.0:80']\n{PAIR}");
    assert!(problems(&clash)[0].contains("is taken by listen.http already"));
}

#[test]
fn a_pair_that_cannot_be_shown_is_a_problem_at_its_line() {
    for (pair, place, why) in [
        ("cert = 'shop.pem'", "10:1", "`key` is missing. Write `key = \"shop.key\"`."),
        ("cert = 'none.pem'\nkey = 'shop.key'", "11:8", "none.pem` cannot be read: No such file"),
        ("cert = 'shop.pem'\nkey = 'ops.token'", "12:7", "ops.token` cannot be used: it has no private key"),
        ("cert = 'shop.key'\nkey = 'shop.key'", "11:8", "it has no `BEGIN CERTIFICATE`"),
    ] {
        let told = problems(&format!("{LEAST}[[certificates]]\n{pair}"));
        assert!(told.len() == 1 && told[0].starts_with(place) && told[0].contains(why), "{pair}: {told:#?}");
    }
}

#[test]
fn time_makes_a_pair_wrong_for_check_only() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2025, 3, 1);
    std::fs::write(folder.path().join("shop.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(folder.path().join("shop.key"), key.serialize_pem()).unwrap();
    let file = folder.path().join("seawall.toml");
    let config = Config::from_toml(&format!("{LEAST}{PAIR}"), &file).expect("a node runs with it");
    for (unix_s, said) in [
        (1_735_000_000, Some("is not valid yet")),
        (1_736_000_000, None),
        (1_741_000_000, Some("has expired")),
    ] {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(unix_s);
        let told = config.check_expiry(&file, now).err().map(|problems| problems.to_string());
        assert_eq!(told.is_some(), said.is_some(), "{told:?}");
        if let (Some(told), Some(said)) = (told, said) {
            assert!(told.contains("seawall.toml:10:1: [[certificates]]") && told.contains(said), "{told}");
        }
    }
}

#[test]
fn limits_out_of_range_and_unknown_words_are_problems() {
    for (line, why) in [
        ("max_connections = 0", "Write a number from 1 to 10000000."),
        ("max_streams = 99999999", "Write a number from 1 to 10000000."),
        ("head_timeout = '0s'", "leaves no time at all"),
        ("tls_min = '1.1'", "`1.1` is not known."),
    ] {
        let told = problems(&format!("{LEAST}[listen]\n{line}"));
        assert!(told.len() == 1 && told[0].contains(why), "{line}: {told:#?}");
    }
}
