use super::*;

/// What is said of some bytes, in one piece; in any two pieces, and byte by byte, it is the same.
fn look(bytes: &[u8]) -> Option<(usize, Oddity)> {
    let whole = in_pieces(&[bytes]);
    for cut in 0..=bytes.len() {
        let (one, other) = bytes.split_at(cut);
        assert_eq!(in_pieces(&[one, other]), whole, "cut at {cut}: {:?}", String::from_utf8_lossy(bytes));
    }
    assert_eq!(in_pieces(&bytes.chunks(1).collect::<Vec<_>>()), whole);
    whole
}

fn in_pieces(pieces: &[&[u8]]) -> Option<(usize, Oddity)> {
    let mut framing = Framing::default();
    let mut before = 0;
    for piece in pieces {
        if let Err(breach) = framing.look(piece) {
            return Some((before + breach.at, breach.oddity));
        }
        before += piece.len();
    }
    None
}

fn oddity(text: &str) -> Option<Oddity> {
    look(text.as_bytes()).map(|(_, oddity)| oddity)
}

#[test]
fn plain_requests_have_no_oddity() {
    for text in [
        "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
        "\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\nGET /b HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\na\nbGET / HTTP/1.1\r\n\r\n",
        "POST / HTTP/1.1\r\ncontent-length: 0\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;x=\"y\"\r\n\n\n\r\n00A \r\n0123456789\r\n0\r\na: b\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\ncookie: content-length: 1\r\nxtransfer-encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nx: #\r\n\r\n",
    ] {
        assert_eq!(look(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn what_smuggling_is_made_of_is_found() {
    let long = format!("POST / HTTP/1.1\r\ncontent-length: {}5\r\n\r\n", " ".repeat(64));
    for (text, found) in [
        ("GET / HTTP/1.1\nhost: a\r\n\r\n", Oddity::BareLineFeed),
        ("\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", Oddity::BareLineFeed),
        ("GET / HTTP/1.1\r\nhost: a\n\r\n", Oddity::BareLineFeed),
        ("GET / HTTP/1.1\r\nhost: a\r\n\n", Oddity::BareLineFeed),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n", Oddity::BareLineFeed),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\na: b\n\r\n", Oddity::BareLineFeed),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\ntransfer-ENCODING: x\r\n\r\n", Oddity::LengthAndCoding),
        (
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length:1\r\n\r\n",
            Oddity::LengthAndCoding,
        ),
        ("POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx", Oddity::TwoLengths),
        ("POST / HTTP/1.1\r\ncontent-length: 1, 1\r\n\r\nx", Oddity::Length),
        ("POST / HTTP/1.1\r\ncontent-length: +1\r\n\r\nx", Oddity::Length),
        ("POST / HTTP/1.1\r\ncontent-length:\r\n\r\n", Oddity::Length),
        ("POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n", Oddity::Length),
        (&long, Oddity::Length),
        ("GET /#a HTTP/1.1\r\nhost: a\r\n\r\n", Oddity::Fragment),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", Oddity::Chunk),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n\r\n", Oddity::Chunk),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\nx\r\n", Oddity::Chunk),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n00000000000000001\r\nx\r\n", Oddity::Chunk),
        ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxy\r\n", Oddity::Chunk),
    ] {
        assert_eq!(oddity(text), Some(found), "{text}");
    }
}

#[test]
fn nothing_of_what_is_odd_is_passed_on() {
    let text = "GET / HTTP/1.1\r\nhost: a\nx: y\r\n\r\n";
    assert_eq!(look(text.as_bytes()), Some((text.find("\nx").unwrap(), Oddity::BareLineFeed)));
}

#[test]
fn http2_is_not_lines_and_what_only_begins_like_it_is() {
    assert_eq!(look(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n\n#\n"), None);
    assert_eq!(oddity("PRI * HTTP/2.0\r\n\r\nSM\r\n\n"), Some(Oddity::BareLineFeed));
    assert_eq!(oddity("PRI * HTTP/1.1\r\nhost: a\n\r\n"), Some(Oddity::BareLineFeed));
    assert_eq!(
        oddity("GET / HTTP/1.1\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\n"),
        Some(Oddity::BareLineFeed)
    );
}

#[test]
fn another_protocol_is_followed_only_where_the_answer_says_so() {
    let asks = b"GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n";
    let mut framing = Framing::default();
    assert!(framing.look(asks).is_ok() && framing.may_switch());
    framing.switched();
    assert!(framing.look(b"\n\n\n").is_ok());
    let mut framing = Framing::default();
    assert!(framing.look(asks).is_ok());
    assert!(framing.look(b"GET / HTTP/1.1\n").is_err(), "it went on in HTTP/1.1");
}
