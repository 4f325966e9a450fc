use http::Version;

use super::Via;
use crate::suite::fields;

#[test]
fn a_member_names_the_version_received() {
    let via = Via::new("fra-1").unwrap();
    let mut headers = fields(&[("via", "1.0 other")]);
    via.append(&mut headers, Version::HTTP_2);
    via.append(&mut headers, Version::HTTP_11);
    assert_eq!(headers, fields(&[("via", "1.0 other"), ("via", "2 fra-1"), ("via", "1.1 fra-1")]));
}

#[test]
fn a_pseudonym_is_a_token_or_a_host() {
    assert!(Via::new("fra-1.example:443").is_some());
    for invalid in ["", "a b", "a(b)", "a,b", "a\r\n"] {
        assert!(Via::new(invalid).is_none(), "{invalid:?}");
    }
}
