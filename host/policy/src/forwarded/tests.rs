use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// 10.0.0.0/8 is trusted, and so is fd00::/8.
fn trusted(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[0] == 10,
        IpAddr::V6(address) => address.octets()[0] == 0xfd,
    }
}

fn path(dialect: Dialect, fields: &[(&'static str, &str)]) -> Path {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    read(&headers, dialect, ip("10.0.0.1"), trusted)
}

#[test]
fn the_client_is_the_right_most_that_is_not_trusted() {
    let of = |value| {
        let path = path(Dialect::XForwarded, &[("x-forwarded-for", value)]);
        let proxies: Vec<_> = path.proxies.iter().map(ToString::to_string).collect();
        (path.client.to_string(), proxies.join(" "))
    };
    let told = |client: &str, proxies: &str| (client.to_owned(), proxies.to_owned());
    assert_eq!(of("192.0.2.1"), told("192.0.2.1", ""));
    assert_eq!(of("192.0.2.1, 10.0.0.7"), told("192.0.2.1", "10.0.0.7"));
    assert_eq!(of("198.51.100.9, 192.0.2.1, 10.0.0.7, 10.0.0.8"), told("192.0.2.1", "10.0.0.7 10.0.0.8"));
    assert_eq!(
        of("10.0.0.9, 10.0.0.7"),
        told("10.0.0.9", "10.0.0.7"),
        "all are trusted: the first of them asks"
    );
    assert_eq!(of("192.0.2.1:4711"), told("192.0.2.1", ""));
    assert_eq!(of("[2001:db8::1]:4711, fd00::1"), told("2001:db8::1", "fd00::1"));
    assert_eq!(of("::ffff:192.0.2.1"), told("192.0.2.1", ""));
    // What cannot be read ends what is known: the last one known to be there asks.
    assert_eq!(of("192.0.2.1, unknown"), told("10.0.0.1", ""));
    assert_eq!(of("192.0.2.1, unknown, 10.0.0.7"), told("10.0.0.7", ""));
    assert_eq!(of(""), told("10.0.0.1", ""));
}

#[test]
fn only_the_dialect_of_the_proxies_is_believed() {
    let both = [("forwarded", "for=192.0.2.1;proto=https"), ("x-forwarded-for", "198.51.100.9")];
    assert_eq!(path(Dialect::Forwarded, &both).client, ip("192.0.2.1"));
    assert_eq!(path(Dialect::XForwarded, &both).client, ip("198.51.100.9"));
    assert_eq!(path(Dialect::XForwarded, &both).proto, None);
}

#[test]
fn elements_of_forwarded_are_read_as_the_rfc_writes_them() {
    let of = |value| path(Dialect::Forwarded, &[("forwarded", value)]);
    assert_eq!(of("For=\"[2001:db8:cafe::17]:4711\"").client, ip("2001:db8:cafe::17"));
    assert_eq!(of("for=192.0.2.60;proto=http;by=203.0.113.43").proto, Some(Proto::Http));
    let path = of(
        "for=198.51.100.9;proto=http, host=\"a,b;c\";Proto=HTTPS ; for=192.0.2.1, for=10.0.0.7;proto=http",
    );
    assert_eq!(
        (path.client, path.proto),
        (ip("192.0.2.1"), Some(Proto::Https)),
        "the client's own proxy says how"
    );
    assert_eq!(path.proxies.as_slice(), [ip("10.0.0.7")]);
    assert_eq!(of("for=192.0.2.1, for=_hidden").client, ip("10.0.0.1"));
    assert_eq!(of("for=192.0.2.1, by=10.0.0.7").client, ip("10.0.0.1"));
}

#[test]
fn the_scheme_is_the_neighbours_word() {
    let of = |value| {
        path(Dialect::XForwarded, &[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", value)]).proto
    };
    assert_eq!(of("https"), Some(Proto::Https));
    assert_eq!(of("https, http"), Some(Proto::Http));
    assert_eq!(of("gopher"), None);
}

#[test]
fn what_is_written_replaces_what_was_there() {
    let mut headers = HeaderMap::new();
    for name in &FIELDS {
        headers.append(name, HeaderValue::from_static("203.0.113.1"));
    }
    strip(&mut headers);
    assert!(headers.is_empty());
    let host = HeaderValue::from_static("shop.example:8080");
    write(&mut headers, &[ip("2001:db8::1"), ip("10.0.0.1")], "https", &host);
    assert_eq!(headers["x-forwarded-for"], "2001:db8::1, 10.0.0.1");
    assert_eq!(headers["x-forwarded-proto"], "https");
    assert_eq!(headers["x-forwarded-host"], "shop.example:8080");
    let forwarded = "for=\"[2001:db8::1]\", for=10.0.0.1;proto=https;host=\"shop.example:8080\"";
    assert_eq!(headers["forwarded"], forwarded);
    assert!(!headers.contains_key("x-real-ip"));
    write(&mut headers, &[], "http", &host);
    assert_eq!(headers["forwarded"], "proto=http;host=\"shop.example:8080\"");
}

proptest! {
    /// Whatever comes: no panic, and whoever is not trusted is never believed about anybody to its left.
    #[test]
    fn nobody_speaks_for_others(left in "[ -~]{0,40}", own in any::<[u8; 4]>(), is_rfc in any::<bool>()) {
        let own = IpAddr::from(own);
        prop_assume!(!trusted(own) && !left.contains('"'));
        let (dialect, name, value) = if is_rfc {
            (Dialect::Forwarded, "forwarded", format!("{left}, for={own}"))
        } else {
            (Dialect::XForwarded, "x-forwarded-for", format!("{left}, {own}"))
        };
        let path = path(dialect, &[(name, &value)]);
        prop_assert_eq!(path.client, own);
        prop_assert!(path.proxies.is_empty());
    }

    #[test]
    fn no_field_panics(value in any::<Vec<u8>>()) {
        let Ok(value) = HeaderValue::from_bytes(&value) else { return Ok(()) };
        let mut headers = HeaderMap::new();
        headers.insert(FORWARDED, value.clone());
        headers.insert(X_FORWARDED_FOR, value);
        for dialect in [Dialect::Forwarded, Dialect::XForwarded] {
            let _ = read(&headers, dialect, ip("10.0.0.1"), trusted);
        }
    }
}
