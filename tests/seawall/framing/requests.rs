//! What clients send over HTTP/1.

use super::raw_origin::RawOrigin;
use super::{bytes, exchange};
use crate::harness::{Plan, World};

/// Answered with 400; the connection is closed; the origin sees nothing.
const REFUSED: &[(&str, &str)] = &[
    // Two lengths, one of which is another's (RFC 9112 §6.3).
    (
        "cl-te",
        "POST PATH HTTP/1.1~HOST~content-length: 6~transfer-encoding: chunked~~0~~GET /smuggled HTTP/1.1~HOST~~",
    ),
    (
        "te-cl",
        "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~content-length: 4~~2a~GET /smuggled HTTP/1.1~HOST~~0~~",
    ),
    ("te-cl-zero", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~content-length: 0~~0~~"),
    ("cl-te-get", "GET PATH HTTP/1.1~HOST~Content-Length: 0~Transfer-Encoding: chunked~~0~~"),
    ("cl-te-case", "POST PATH HTTP/1.1~HOST~cOnTent-LenGth: 3~tRANSFER-eNCODING: cHUNKED~~0~~"),
    ("cl-te-identity", "POST PATH HTTP/1.1~HOST~content-length: 3~transfer-encoding: identity~~abc"),
    // Codings that one reader knows and another does not (§6.1).
    ("te-chunked-chunked", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked, chunked~~0~~"),
    ("te-twice", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~transfer-encoding: chunked~~0~~"),
    ("te-xchunked", "POST PATH HTTP/1.1~HOST~transfer-encoding: xchunked~~0~~"),
    ("te-identity", "POST PATH HTTP/1.1~HOST~transfer-encoding: identity~~abc"),
    ("te-not-last", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked, gzip~~0~~"),
    (
        "te-then-identity",
        "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~transfer-encoding: identity~~0~~",
    ),
    ("te-empty", "POST PATH HTTP/1.1~HOST~transfer-encoding:~~0~~"),
    ("te-empty-member", "POST PATH HTTP/1.1~HOST~transfer-encoding: , chunked~~0~~"),
    ("te-quoted", "POST PATH HTTP/1.1~HOST~transfer-encoding: \"chunked\"~~0~~"),
    ("te-vertical-tab", "POST PATH HTTP/1.1~HOST~transfer-encoding: \u{b}chunked~~0~~"),
    ("te-form-feed", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked\u{c}~~0~~"),
    ("te-no-break-space", "POST PATH HTTP/1.1~HOST~transfer-encoding: \u{a0}chunked~~0~~"),
    ("te-null", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked\0~~0~~"),
    ("te-semicolon", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked;~~0~~"),
    ("te-space-colon", "POST PATH HTTP/1.1~HOST~transfer-encoding : chunked~~0~~"),
    ("te-space-name", "POST PATH HTTP/1.1~HOST~ transfer-encoding: chunked~~0~~"),
    ("te-folded", "POST PATH HTTP/1.1~HOST~transfer-encoding:~ chunked~~0~~"),
    ("te-in-another", "POST PATH HTTP/1.1~HOST~x: a\rtransfer-encoding: chunked~~0~~"),
    ("te-http-1.0", "POST PATH HTTP/1.0~HOST~transfer-encoding: chunked~~0~~"),
    // Lengths that are not one number (RFC 9110 §8.6).
    (
        "cl-differ",
        "POST PATH HTTP/1.1~HOST~content-length: 3~content-length: 44~~abcGET /smuggled HTTP/1.1~HOST~~",
    ),
    ("cl-twice", "POST PATH HTTP/1.1~HOST~content-length: 3~content-length: 3~~abc"),
    ("cl-list", "POST PATH HTTP/1.1~HOST~content-length: 3, 3~~abc"),
    ("cl-list-differ", "POST PATH HTTP/1.1~HOST~content-length: 3, 4~~abc"),
    ("cl-plus", "POST PATH HTTP/1.1~HOST~content-length: +3~~abc"),
    ("cl-minus", "POST PATH HTTP/1.1~HOST~content-length: -3~~abc"),
    ("cl-hex", "POST PATH HTTP/1.1~HOST~content-length: 0x3~~abc"),
    ("cl-fraction", "POST PATH HTTP/1.1~HOST~content-length: 3.0~~abc"),
    ("cl-exponent", "POST PATH HTTP/1.1~HOST~content-length: 3e0~~abc"),
    ("cl-empty", "POST PATH HTTP/1.1~HOST~content-length:~~"),
    ("cl-huge", "POST PATH HTTP/1.1~HOST~content-length: 18446744073709551619~~abc"),
    ("cl-words", "POST PATH HTTP/1.1~HOST~content-length: 3 3~~abc"),
    ("cl-underscored", "POST PATH HTTP/1.1~HOST~content-length: 1_0~~abc"),
    ("cl-space-colon", "POST PATH HTTP/1.1~HOST~content-length : 3~~abc"),
    ("cl-tab-colon", "POST PATH HTTP/1.1~HOST~content-length\t: 3~~abc"),
    ("cl-null", "POST PATH HTTP/1.1~HOST~content-length: 3\0~~abc"),
    ("cl-folded", "POST PATH HTTP/1.1~HOST~content-length: 3~ 3~~abc"),
    // Lines (RFC 9112 §2.2, §5).
    ("obs-fold", "GET PATH HTTP/1.1~HOST~x: a~ b~~"),
    ("obs-fold-tab", "GET PATH HTTP/1.1~HOST~x: a~\tb~~"),
    ("fold-first", "GET PATH HTTP/1.1~ x: a~HOST~~"),
    ("lf-request-line", "GET PATH HTTP/1.1\nHOST~~"),
    ("lf-field", "GET PATH HTTP/1.1~HOST\nx: a~~"),
    ("lf-end", "GET PATH HTTP/1.1~HOST~\n"),
    ("lf-all", "GET PATH HTTP/1.1\nHOST\n\n"),
    ("lf-before", "\nGET PATH HTTP/1.1~HOST~~"),
    ("lf-smuggles", "GET PATH HTTP/1.1~HOST~x: a\n\nGET /smuggled HTTP/1.1~HOST~~"),
    ("cr-request-line", "GET PATH HTTP/1.1\rHOST~~"),
    ("cr-field", "GET PATH HTTP/1.1~HOST~x: a\rb: c~~"),
    ("cr-end", "GET PATH HTTP/1.1~HOST~\r~~"),
    ("space-colon", "GET PATH HTTP/1.1~HOST~x : a~~"),
    ("no-colon", "GET PATH HTTP/1.1~HOST~x~~"),
    ("no-name", "GET PATH HTTP/1.1~HOST~: a~~"),
    ("name-space", "GET PATH HTTP/1.1~HOST~x y: a~~"),
    ("name-control", "GET PATH HTTP/1.1~HOST~x\u{1}: a~~"),
    ("name-not-ascii", "GET PATH HTTP/1.1~HOST~x\u{e9}: a~~"),
    ("name-parentheses", "GET PATH HTTP/1.1~HOST~x(y): a~~"),
    ("value-null", "GET PATH HTTP/1.1~HOST~x: a\0b~~"),
    ("value-control", "GET PATH HTTP/1.1~HOST~x: a\u{1}b~~"),
    ("value-delete", "GET PATH HTTP/1.1~HOST~x: a\u{7f}b~~"),
    // Hosts (RFC 9112 §3.2).
    ("host-none", "GET PATH HTTP/1.1~x: a~~"),
    ("host-two", "GET PATH HTTP/1.1~HOST~host: other.example~~"),
    ("host-twice", "GET PATH HTTP/1.1~HOST~HOST~~"),
    ("host-empty", "GET PATH HTTP/1.1~host:~~"),
    ("host-list", "GET PATH HTTP/1.1~host: shop.example, other.example~~"),
    ("host-user", "GET PATH HTTP/1.1~host: user@shop.example~~"),
    ("host-space", "GET PATH HTTP/1.1~host: shop.example other.example~~"),
    ("host-path", "GET PATH HTTP/1.1~host: shop.example/x~~"),
    ("host-query", "GET PATH HTTP/1.1~host: shop.example?x~~"),
    ("host-quote", "GET PATH HTTP/1.1~host: shop.example\"~~"),
    ("host-encoded", "GET PATH HTTP/1.1~host: shop%2eexample~~"),
    ("host-not-ascii", "GET PATH HTTP/1.1~host: sh\u{f6}p.example~~"),
    ("host-dots", "GET PATH HTTP/1.1~host: shop..example~~"),
    ("host-port-words", "GET PATH HTTP/1.1~host: shop.example:80x~~"),
    ("host-port-sign", "GET PATH HTTP/1.1~host: shop.example:+80~~"),
    ("host-port-large", "GET PATH HTTP/1.1~host: shop.example:65536~~"),
    ("host-port-zeros", "GET PATH HTTP/1.1~host: shop.example:0080~~"),
    ("host-two-ports", "GET PATH HTTP/1.1~host: shop.example:80:80~~"),
    ("host-bracket", "GET PATH HTTP/1.1~host: [::1~~"),
    ("host-folded", "GET PATH HTTP/1.1~host: shop.example~ other.example~~"),
    ("absolute-no-host", "GET http://shop.examplePATH HTTP/1.1~x: a~~"),
    ("absolute-user", "GET http://user@shop.examplePATH HTTP/1.1~HOST~~"),
    ("absolute-scheme", "GET ftp://shop.examplePATH HTTP/1.1~HOST~~"),
    // Targets and methods (§3).
    ("authority-form", "GET shop.example:80 HTTP/1.1~HOST~~"),
    ("word-form", "GET index.html HTTP/1.1~HOST~~"),
    ("asterisk-get", "GET * HTTP/1.1~HOST~~"),
    ("connect", "CONNECT shop.example:80 HTTP/1.1~HOST~~"),
    ("target-fragment", "GET PATH#x HTTP/1.1~HOST~~"),
    ("target-space", "GET PATH x HTTP/1.1~HOST~~"),
    ("target-tab", "GET PATH\tx HTTP/1.1~HOST~~"),
    ("target-two-spaces", "GET  PATH HTTP/1.1~HOST~~"),
    ("target-control", "GET PATH\u{1} HTTP/1.1~HOST~~"),
    ("target-not-ascii", "GET PATH\u{e9} HTTP/1.1~HOST~~"),
    ("target-quote", "GET PATH\"x HTTP/1.1~HOST~~"),
    ("target-backslash", "GET PATH\\x HTTP/1.1~HOST~~"),
    ("target-dots", "GET /assets/..PATH HTTP/1.1~HOST~~"),
    ("target-encoded-dots", "GET /assets/%2e%2e%2fPATH HTTP/1.1~HOST~~"),
    ("target-null", "GET PATH%00.css HTTP/1.1~HOST~~"),
    ("target-line-end", "GET PATH%0d%0ax HTTP/1.1~HOST~~"),
    ("target-percent", "GET PATH%zz HTTP/1.1~HOST~~"),
    ("no-target", "GET HTTP/1.1~HOST~~"),
    ("method-space", " GET PATH HTTP/1.1~HOST~~"),
    ("method-control", "GE\u{1}T PATH HTTP/1.1~HOST~~"),
    ("method-brackets", "GE(T) PATH HTTP/1.1~HOST~~"),
    ("http-0.9", "GET PATH~~"),
    ("http-1.2", "GET PATH HTTP/1.2~HOST~~"),
    ("http-2.0", "GET PATH HTTP/2.0~HOST~~"),
    ("http-9.9", "GET PATH HTTP/9.9~HOST~~"),
    ("http-lower", "GET PATH http/1.1~HOST~~"),
    ("http-padded", "GET PATH HTTP/1.1 ~HOST~~"),
    ("http-long", "GET PATH HTTP/1.10~HOST~~"),
    ("preface-like", "PRI PATH HTTP/2.0~~SX~~"),
];

/// Broken within its body. The answer, where there is one, is a 400; the connection is closed; the origin sees no whole
/// request.
const BROKEN: &[(&str, &str)] = &[
    ("chunk-negative", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~-1~x~0~~"),
    ("chunk-hex", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~0x1~x~0~~"),
    ("chunk-plus", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~+1~x~0~~"),
    ("chunk-empty", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~~0~~"),
    ("chunk-space-before", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~ 1~x~0~~"),
    ("chunk-overflow", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~10000000000000001~x~0~~"),
    ("chunk-zeros", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~00000000000000001~x~0~~"),
    (
        "chunk-long",
        "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1~xy~0~~GET /smuggled HTTP/1.1~HOST~~",
    ),
    ("chunk-no-end", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1~x0~~"),
    ("chunk-lf", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1\nx~0~~"),
    ("chunk-lf-after", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1~x\n0~~"),
    ("chunk-extension-lf", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1;a\nb~x~0~~"),
    ("chunk-extension-cr", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1;a\rb~x~0~~"),
    (
        "chunk-last-lf",
        "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1~x~0\n\nGET /smuggled HTTP/1.1~HOST~~",
    ),
    ("trailer-lf", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1~x~0~a: b\n~"),
    ("trailer-no-colon", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1~x~0~a~~"),
    ("trailer-space", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1~x~0~a : b~~"),
];

/// Cut off within its body by the client.
const CUT: &[(&str, &str)] = &[
    ("cut-length", "POST PATH HTTP/1.1~HOST~content-length: 5~~abc"),
    ("cut-chunk", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~5~abc"),
    ("cut-last-chunk", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1~x~"),
    ("cut-trailers", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1~x~0~a: b~"),
    ("cut-head", "GET PATH HTTP/1.1~HOST~"),
];

/// Answered with this status by the node itself; the connection is closed; the origin sees nothing.
const ANSWERED: &[(&str, &str, u16)] = &[
    ("te-gzip-chunked", "POST PATH HTTP/1.1~HOST~transfer-encoding: gzip, chunked~~0~~", 501),
    ("te-identity-chunked", "POST PATH HTTP/1.1~HOST~transfer-encoding: identity, chunked~~0~~", 501),
    ("te-two-fields", "POST PATH HTTP/1.1~HOST~transfer-encoding: gzip~transfer-encoding: chunked~~0~~", 501),
    ("expect-other", "POST PATH HTTP/1.1~HOST~expect: 200-ok~content-length: 3~~abc", 417),
    ("expect-list", "POST PATH HTTP/1.1~HOST~expect: 100-continue, x~content-length: 3~~abc", 417),
    (
        "expect-twice",
        "POST PATH HTTP/1.1~HOST~expect: 100-continue~expect: 100-continue~content-length: 3~~abc",
        417,
    ),
];

/// Taken, and sent on as one clean request with this body; the connection goes on.
const TAKEN: &[(&str, &str, &str)] = &[
    ("plain", "GET PATH HTTP/1.1~HOST~~", ""),
    ("empty-lines-before", "~~GET PATH HTTP/1.1~HOST~~", ""),
    ("cl", "POST PATH HTTP/1.1~HOST~content-length: 3~~abc", "abc"),
    ("cl-zeros", "POST PATH HTTP/1.1~HOST~content-length: 003~~abc", "abc"),
    ("cl-padded", "POST PATH HTTP/1.1~HOST~content-length:  \t3 ~~abc", "abc"),
    ("cl-get", "GET PATH HTTP/1.1~HOST~content-length: 3~~abc", "abc"),
    ("te", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~1~a~2~bc~0~~", "abc"),
    ("te-case", "POST PATH HTTP/1.1~HOST~Transfer-ENCODING: Chunked~~3~abc~0~~", "abc"),
    ("te-padded", "POST PATH HTTP/1.1~HOST~transfer-encoding: \tchunked \t~~3~abc~0~~", "abc"),
    ("te-get", "GET PATH HTTP/1.1~HOST~transfer-encoding: chunked~~3~abc~0~~", "abc"),
    ("chunk-extension", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~3;a=\"b;c\"~abc~0;d~~", "abc"),
    ("chunk-upper", "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~0A~abcdefghij~0~~", "abcdefghij"),
    (
        "trailers",
        "POST PATH HTTP/1.1~HOST~transfer-encoding: chunked~~3~abc~0~content-length: 7~x: a~~",
        "abc",
    ),
    (
        "body-looks-like-one",
        "POST PATH HTTP/1.1~HOST~content-length: 49~~GET /smuggled HTTP/1.1~host: shop.example~x: ~",
        "GET /smuggled HTTP/1.1\r\nhost: shop.example\r\nx: \r\n",
    ),
    ("obs-text", "GET PATH HTTP/1.1~HOST~x: caf\u{e9}~~", ""),
    ("host-upper", "GET PATH HTTP/1.1~host: SHOP.Example~~", ""),
    ("host-dot", "GET PATH HTTP/1.1~host: shop.example.~~", ""),
    ("host-port", "GET PATH HTTP/1.1~host: shop.example:80~~", ""),
    ("host-empty-port", "GET PATH HTTP/1.1~host: shop.example:~~", ""),
    ("absolute", "GET http://shop.examplePATH HTTP/1.1~HOST~~", ""),
    ("absolute-mismatch", "GET http://shop.examplePATH HTTP/1.1~host: other.example~~", ""),
    ("absolute-alike", "GET http://SHOP.example:80PATH HTTP/1.1~HOST~~", ""),
    (
        "upgrade-h2c",
        "GET PATH HTTP/1.1~HOST~connection: upgrade, http2-settings~upgrade: h2c~http2-settings: AAMAAABkAARAAAAAAAIAAAAA~~",
        "",
    ),
    ("expect-get", "GET PATH HTTP/1.1~HOST~expect: 100-continue~~", ""),
    (
        "connection-hides",
        "GET PATH HTTP/1.1~HOST~connection: host, cookie, x-forwarded-for~cookie: a=b~~",
        "",
    ),
    ("unknown-method", "BREW PATH HTTP/1.1~HOST~~", ""),
    ("not-transfer-encoding", "GET PATH HTTP/1.1~HOST~transfer_encoding: chunked~x-content-length: 3~~", ""),
];

const AFTER: &str = "GET /after HTTP/1.1~HOST~connection: close~~";

#[tokio::test]
async fn each_request_has_one_answer_and_the_origin_sees_it_once_or_not_at_all() {
    let world = World::new();
    let origin = RawOrigin::start().await;
    let node = world.start(Plan::new("fra-1", "fra").in_front_of(origin.address)).await;
    let mut wrong = Vec::new();
    let all = REFUSED.iter().map(|(name, text)| (*name, *text, 400));
    for (name, text, status) in all.chain(ANSWERED.iter().copied()) {
        // What follows is not read.
        let sent = [bytes(name, text), bytes(name, AFTER)].concat();
        let (statuses, _) = exchange(node.http, &sent, false).await;
        if statuses != [status] {
            wrong.push(format!("{name}: {statuses:?} instead of {status}"));
        }
    }
    for (name, text) in BROKEN {
        let (statuses, _) =
            exchange(node.http, &[bytes(name, text), bytes(name, AFTER)].concat(), false).await;
        if !matches!(statuses.as_slice(), [] | [400]) {
            wrong.push(format!("{name}: {statuses:?} instead of 400 or nothing"));
        }
    }
    for (name, text) in CUT {
        let (statuses, _) = exchange(node.http, &bytes(name, text), true).await;
        if !matches!(statuses.as_slice(), [] | [400]) {
            wrong.push(format!("{name}: {statuses:?} instead of 400 or nothing"));
        }
    }
    for (name, text, _) in TAKEN {
        let (statuses, text) =
            exchange(node.http, &[bytes(name, text), bytes(name, AFTER)].concat(), false).await;
        let finals: Vec<u16> = statuses.into_iter().filter(|status| *status != 100).collect();
        if finals != [200, 200] {
            wrong.push(format!("{name}: {finals:?} instead of two times 200: {text}"));
        }
    }
    origin.wire(|wire| {
        wrong.extend(wire.doubts.iter().map(|doubt| format!("the origin was sent {doubt}")));
        for (name, _, body) in TAKEN {
            let of_it = |start: &str| start.split(' ').nth(1) == Some(&format!("/{name}"));
            let bodies: Vec<&str> =
                wire.seen.iter().filter(|seen| of_it(&seen.start)).map(|seen| seen.body.as_str()).collect();
            if bodies != [*body] {
                wrong.push(format!("{name}: the origin saw {bodies:?}"));
            }
        }
        let known =
            |path: &str| path == "/after" || TAKEN.iter().any(|(name, ..)| path == format!("/{name}"));
        for seen in &wire.seen {
            if !seen.start.split(' ').nth(1).is_some_and(known) {
                wrong.push(format!("the origin saw {seen:?}"));
            }
            let hosts: Vec<_> = seen.fields.iter().filter(|(name, _)| name == "host").collect();
            if hosts.iter().any(|(_, host)| host != "shop.example") {
                wrong.push(format!("another host: {seen:?}"));
            }
            let of_connection = ["upgrade", "http2-settings", "expect", "te", "connection"];
            if seen.fields.iter().any(|(name, _)| of_connection.contains(&name.as_str())) {
                wrong.push(format!("a field of the client's connection: {seen:?}"));
            }
        }
    });
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

/// A byte at a time it is the same.
#[tokio::test]
async fn a_refusal_does_not_depend_on_how_the_bytes_come() {
    use tokio::io::AsyncWriteExt;
    let world = World::new();
    let origin = RawOrigin::start().await;
    let node = world.start(Plan::new("fra-1", "fra").in_front_of(origin.address)).await;
    for name in ["cl-te", "te-cl", "cl-twice", "lf-field", "lf-end", "target-fragment", "te-twice"] {
        let (_, text) = REFUSED.iter().find(|(other, _)| *other == name).unwrap();
        let mut stream = tokio::net::TcpStream::connect(node.http).await.unwrap();
        stream.set_nodelay(true).unwrap();
        for byte in bytes(name, text) {
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let mut came = String::new();
        let reading = tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut came);
        // A reset after the answer is an end too.
        let _ = crate::harness::bounded("the answer", reading).await;
        assert!(came.starts_with("HTTP/1.1 400 "), "{name}: {came}");
    }
    assert_eq!(origin.wire(|wire| wire.seen.len()), 0);
}
