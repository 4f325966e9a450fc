//! What origins answer over HTTP/1.

use super::raw_origin::{RawOrigin, Seen};
use super::{bytes, exchange};
use crate::harness::{Ask, Plan, World};

/// What a client gets.
enum Got {
    /// This status and body, clean.
    Clean(u16, &'static str),
    /// The node's own 502.
    Refused,
    /// A head and a body that breaks off, or not even the head where that happens at once.
    Broken,
}

use Got::{Broken, Clean, Refused};

/// Whether the origin's connection may be used again.
#[derive(PartialEq)]
enum Again {
    May,
    Never,
}

use Again::{May, Never};

const CASES: &[(&str, &str, Got, Again)] = &[
    ("plain", "HTTP/1.1 200 OK~content-length: 2~~ok", Clean(200, "ok"), May),
    ("chunked", "HTTP/1.1 200 OK~transfer-encoding: chunked~~2~ok~0~~", Clean(200, "ok"), May),
    // Two framings, or two lengths.
    (
        "te-and-cl",
        "HTTP/1.1 200 OK~content-length: 1~transfer-encoding: chunked~~2~ok~0~~",
        Clean(200, "ok"),
        Never,
    ),
    ("cl-twice", "HTTP/1.1 200 OK~content-length: 2~content-length: 2~~ok", Clean(200, "ok"), Never),
    ("cl-list", "HTTP/1.1 200 OK~content-length: 2, 2~~ok", Clean(200, "ok"), Never),
    (
        "cl-differ",
        "HTTP/1.1 200 OK~content-length: 2~content-length: 40~~okHTTP/1.1 200 OK~content-length: 4~~evil",
        Refused,
        Never,
    ),
    ("cl-list-differ", "HTTP/1.1 200 OK~content-length: 2, 3~~ok", Refused, Never),
    ("cl-signed", "HTTP/1.1 200 OK~content-length: +2~~ok", Refused, Never),
    ("cl-hex", "HTTP/1.1 200 OK~content-length: 0x2~~ok", Refused, Never),
    ("cl-empty", "HTTP/1.1 200 OK~content-length:~~", Refused, Never),
    // Codings that nobody takes off.
    ("te-gzip", "HTTP/1.1 200 OK~transfer-encoding: gzip, chunked~~2~ok~0~~", Refused, Never),
    ("te-identity", "HTTP/1.1 200 OK~transfer-encoding: identity~~ok", Refused, Never),
    ("te-twice", "HTTP/1.1 200 OK~transfer-encoding: chunked, chunked~~2~ok~0~~", Refused, Never),
    ("te-http-1.0", "HTTP/1.0 200 OK~transfer-encoding: chunked~~2~ok~0~~", Refused, Never),
    // Chunks.
    ("chunk-size", "HTTP/1.1 200 OK~transfer-encoding: chunked~~0x2~ok~0~~", Broken, Never),
    ("chunk-overflow", "HTTP/1.1 200 OK~transfer-encoding: chunked~~10000000000000002~ok~0~~", Broken, Never),
    ("chunk-long", "HTTP/1.1 200 OK~transfer-encoding: chunked~~1~ok~0~~", Broken, Never),
    ("chunk-extension-lf", "HTTP/1.1 200 OK~transfer-encoding: chunked~~2;a\nb~ok~0~~", Broken, Never),
    // More than the response.
    (
        "garbage-after",
        "HTTP/1.1 200 OK~content-length: 2~~okHTTP/1.1 200 OK~content-length: 4~~evil",
        Clean(200, "ok"),
        Never,
    ),
    (
        "garbage-after-chunks",
        "HTTP/1.1 200 OK~transfer-encoding: chunked~~2~ok~0~~HTTP/1.1 200 OK~content-length: 4~~evil",
        Clean(200, "ok"),
        Never,
    ),
    (
        "body-on-204",
        "HTTP/1.1 204 No Content~content-length: 43~~HTTP/1.1 200 OK~content-length: 4~~evil",
        Clean(204, ""),
        Never,
    ),
    (
        "chunks-on-204",
        "HTTP/1.1 204 No Content~transfer-encoding: chunked~~4~evil~0~~",
        Clean(204, ""),
        Never,
    ),
    ("body-on-304", "HTTP/1.1 304 Not Modified~content-length: 4~~evil", Refused, Never),
    // Heads.
    ("folded", "HTTP/1.1 200 OK~x: a~ b~content-length: 2~~ok", Refused, Never),
    ("space-colon", "HTTP/1.1 200 OK~x : a~content-length: 2~~ok", Refused, Never),
    ("null", "HTTP/1.1 200 OK~x: a\0b~content-length: 2~~ok", Refused, Never),
    ("bare-cr", "HTTP/1.1 200 OK~x: a\rset-cookie: b~content-length: 2~~ok", Refused, Never),
    ("name", "HTTP/1.1 200 OK~x(y): a~content-length: 2~~ok", Refused, Never),
    ("version", "HTTP/2.0 200 OK~content-length: 2~~ok", Refused, Never),
    ("status", "HTTP/1.1 2000 OK~content-length: 2~~ok", Refused, Never),
    ("no-status-line", "x: a~content-length: 2~~ok", Refused, Never),
];

#[tokio::test]
async fn each_response_is_clean_or_refused_and_answers_one_request() {
    let world = World::new();
    let origin = RawOrigin::start().await;
    let node = world.start(Plan::new("fra-1", "fra").in_front_of(origin.address)).await;
    let mut wrong = Vec::new();
    for (name, text, got, again) in CASES {
        let path = format!("/{name}");
        origin.says(&path, &bytes(name, text));
        let ask = bytes(name, "GET PATH HTTP/1.1~HOST~connection: close~~");
        let (statuses, text) = exchange(node.http, &ask, false).await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let is_right = match got {
            Clean(status, want) => {
                let body =
                    if head.contains("transfer-encoding") { unchunked(body) } else { Some(body.to_owned()) };
                statuses == [*status] && body.as_deref() == Some(*want)
            }
            Refused => statuses == [502] && !head.contains("set-cookie"),
            Broken => {
                let is_cut = head.contains("transfer-encoding") && unchunked(body).is_none();
                statuses.is_empty() || (statuses == [200] && is_cut)
            }
        };
        if !is_right || text.contains("evil") {
            wrong.push(format!("{name}: {text:?}"));
        }
        // Whoever asks next gets his own answer.
        for nth in 0..3 {
            let got = node.send(&Ask::get(&format!("/after-{name}-{nth}"))).await;
            if got.says() != (200, "ok") {
                wrong.push(format!("after {name}: {got:?}"));
            }
        }
        let reused = origin.wire(|wire| {
            let of = |seen: &Seen| seen.start.split(' ').nth(1).unwrap_or_default().to_owned();
            let used = |at: usize| wire.seen.iter().any(|seen| seen.connection == at && of(seen) == path);
            let after = format!("/after-{name}-");
            wire.seen.iter().any(|seen| of(seen).starts_with(&after) && used(seen.connection))
        });
        if *again == Never && reused {
            wrong.push(format!("{name}: its connection was used again"));
        }
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(origin.wire(|wire| wire.doubts.clone()), Vec::<String>::new());
}

/// The data of a body in chunks, if it is whole.
fn unchunked(mut body: &str) -> Option<String> {
    let mut data = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return (rest == "\r\n").then_some(data);
        }
        data.push_str(rest.get(..size)?);
        body = rest.get(size..)?.strip_prefix("\r\n")?;
    }
}
