use proptest::prelude::*;

use super::*;

/// What is read of `bytes`, and what is left of them.
fn parse(bytes: &[u8]) -> (io::Result<Source>, usize) {
    let mut rest = bytes;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let read = runtime.block_on(read(&mut rest));
    (read, rest.len())
}

fn client(text: &str) -> Source {
    Source::Client(text.parse().unwrap())
}

/// A header of version 2.
fn v2_of(version_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&V2_SIGNATURE[..], &[version_command, family], &length, rest].concat()
}

#[test]
fn version_1_says_the_client_and_leaves_the_request() {
    for (line, source) in [
        ("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443", client("192.0.2.1:56324")),
        ("PROXY TCP6 2001:db8::1 2001:db8::2 65535 0", client("[2001:db8::1]:65535")),
        ("PROXY UNKNOWN", Source::Sender),
        ("PROXY UNKNOWN ffff:f:f:f:f:f:f:f ffff:f:f:f:f:f:f:f 65535 65535", Source::Sender),
    ] {
        let (read, left) = parse(format!("{line}\r\nGET / HTTP/1.1\r\n").as_bytes());
        assert_eq!((read.unwrap(), left), (source, "GET / HTTP/1.1\r\n".len()), "{line}");
    }
}

#[test]
fn version_2_says_the_client_and_its_tlvs_are_read_past() {
    let v4 = [192, 0, 2, 1, 198, 51, 100, 1, 0xdc, 0x04, 1, 187];
    let mut v6 = [0; 36];
    v6[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    v6[15] = 1;
    v6[32..].copy_from_slice(&[0xdc, 0x04, 1, 187]);
    let with_tlvs = [&v4[..], &[4, 0, 3, 1, 2, 3]].concat();
    for (header, source) in [
        (v2_of(0x21, 0x11, &v4), client("192.0.2.1:56324")),
        (v2_of(0x21, 0x11, &with_tlvs), client("192.0.2.1:56324")),
        (v2_of(0x21, 0x21, &v6), client("[2001:db8::1]:56324")),
        (v2_of(0x20, 0x00, &[]), Source::Sender),
        (v2_of(0x20, 0x11, &v4), Source::Sender),
        (v2_of(0x21, 0x00, &[]), Source::Sender),
        (v2_of(0x21, 0x31, &[0; 216]), Source::Sender),
    ] {
        let (read, left) = parse(&[&header, &b"GET"[..]].concat());
        assert_eq!((read.unwrap(), left), (source, 3), "{header:?}");
    }
}

#[test]
fn what_is_not_exactly_a_header_is_refused() {
    for line in [
        "GET / HTTP/1.1",
        "proxy TCP4 192.0.2.1 198.51.100.1 1 2",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2 3",
        "PROXY TCP4 192.0.2.1  198.51.100.1 1 2",
        "PROXY TCP4 192.0.2.256 198.51.100.1 1 2",
        "PROXY TCP4 2001:db8::1 2001:db8::2 1 2",
        "PROXY TCP4 192.0.2.1 198.51.100.1 65536 2",
        "PROXY TCP4 192.0.2.1 198.51.100.1 +1 2",
        "PROXY TCP4 192.0.2.1 198.51.100.1 01 2",
        "PROXY UDP4 192.0.2.1 198.51.100.1 1 2",
        "PROXY TCP4 192.0.2.1 198.51.100.1 1 2\nGET / HTTP/1.1",
        &format!("PROXY UNKNOWN {}", "x".repeat(100)),
    ] {
        assert!(parse(format!("{line}\r\n").as_bytes()).0.is_err(), "{line}");
    }
    let long = v2_of(0x21, 0x11, &[0; V2_MAX_BYTES + 1]);
    for header in [
        v2_of(0x11, 0x11, &[0; 12]),
        v2_of(0x22, 0x11, &[0; 12]),
        v2_of(0x21, 0x11, &[0; 11]),
        v2_of(0x21, 0x21, &[0; 12]),
        v2_of(0x21, 0x12, &[0; 12]),
        long,
    ] {
        assert!(parse(&header).0.is_err(), "{:?}", &header[..16]);
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_and_none_behind_the_longest_header_are_read(bytes in any::<Vec<u8>>(), v in 0usize..3) {
        let begin: &[u8] = [&b""[..], &V2_SIGNATURE, b"PROXY TCP4 "][v];
        let bytes = [begin, &bytes].concat();
        let (_, left) = parse(&bytes);
        prop_assert!(bytes.len() - left <= 16 + V2_MAX_BYTES);
    }
}
