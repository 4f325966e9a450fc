//! What it does.

use std::hint::black_box;

use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, IncomingResponse, OutgoingBody, OutgoingRequest, OutgoingResponse,
    ResponseOutparam, Scheme,
};
use wasip2::io::streams::{OutputStream, StreamError};

/// Bytes of one piece of `/stream` and `/big`.
const PIECE_BYTES: usize = 4096;

/// Long enough for a head to be on the wire.
const A_WHILE_NS: u64 = 50_000_000;

struct Usher;

wasip2::http::proxy::export!(Usher);

impl Guest for Usher {
    fn handle(request: IncomingRequest, answer: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let words: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match *words.as_slice() {
            ["say", text] => say(answer, text),
            ["who"] => say(answer, &who(&request)),
            ["echo"] => echo(&request, answer),
            ["stream", count] => {
                let count = count.parse::<usize>().unwrap_or_default();
                let body = begin(answer, 200, &[]);
                for _ in 0..count {
                    if write(&body, &[b'x'; PIECE_BYTES]).is_err() {
                        return;
                    }
                }
                finish(body);
            }
            ["panic"] => misfortune("panicked as it was told"),
            ["loop"] => while black_box(true) {},
            ["memory"] => eat(),
            ["nothing"] => {}
            ["refuse"] => ResponseOutparam::set(answer, Err(ErrorCode::InternalError(None))),
            ["panic-later"] => {
                let _body = half(answer);
                misfortune("panicked after the head");
            }
            ["loop-later"] => {
                let _body = half(answer);
                while black_box(true) {}
            }
            ["leave"] => {
                std::mem::forget(half(answer));
            }
            ["big"] => {
                let body = begin(answer, 200, &[]);
                while write(&body, &[b'x'; PIECE_BYTES]).is_ok() {}
            }
            ["fields"] => {
                (say_with(answer, "", &[("x-large", &"x".repeat(60_000)), ("x-more", &"y".repeat(60_000))]))
            }
            ["status"] => finish(begin(answer, 103, &[])),
            ["exit"] => std::process::exit(3),
            ["out", target] => say(answer, &out(target.trim_end_matches("?again"))),
            ["out-often", target] => {
                let well = (0..40).filter(|_| out(target).starts_with("200")).count();
                say(answer, &format!("{well} of 40"));
            }
            ["log", text] => {
                println!("told to say {text}");
                say(answer, "logged");
            }
            _ => finish(begin(answer, 404, &[])),
        }
    }
}

/// A body, and the one stream that it has.
type Writing = (OutgoingBody, OutputStream);

fn begin(answer: ResponseOutparam, status: u16, fields: &[(&str, &str)]) -> Writing {
    let all = Fields::new();
    for (name, value) in [("cache-control", "max-age=60")].iter().chain(fields) {
        if all.append(name, value.as_bytes()).is_err() {
            misfortune("a field was refused");
        }
    }
    let response = OutgoingResponse::new(all);
    let (Ok(()), Ok(body)) = (response.set_status_code(status), response.body()) else {
        misfortune("a status was refused")
    };
    ResponseOutparam::set(answer, Ok(response));
    let Ok(stream) = body.write() else { misfortune("a stream was not given") };
    (body, stream)
}

fn write(to: &Writing, bytes: &[u8]) -> Result<(), StreamError> {
    to.1.blocking_write_and_flush(bytes)
}

fn finish((body, stream): Writing) {
    // A body ends only where nobody can write to it any more.
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

/// Half a page, and a while until a reader has seen it.
fn half(answer: ResponseOutparam) -> Writing {
    let body = begin(answer, 200, &[]);
    let _ = write(&body, b"half a page");
    monotonic_clock::subscribe_duration(A_WHILE_NS).block();
    body
}

fn say(answer: ResponseOutparam, text: &str) {
    say_with(answer, text, &[]);
}

fn say_with(answer: ResponseOutparam, text: &str, fields: &[(&str, &str)]) {
    let body = begin(answer, 200, fields);
    let _ = write(&body, text.as_bytes());
    finish(body);
}

fn who(request: &IncomingRequest) -> String {
    let scheme = match request.scheme() {
        Some(Scheme::Https) => "https",
        _ => "http",
    };
    let mut names: Vec<String> = request.headers().entries().into_iter().map(|(name, _)| name).collect();
    names.sort();
    format!("{scheme} {} {}", request.authority().unwrap_or_default(), names.join(" "))
}

fn echo(request: &IncomingRequest, answer: ResponseOutparam) {
    let Ok(incoming) = request.consume() else { misfortune("the body was taken already") };
    let Ok(input) = incoming.stream() else { misfortune("the stream was taken already") };
    let body = begin(answer, 200, &[]);
    loop {
        match input.blocking_read(PIECE_BYTES as u64) {
            Ok(bytes) => {
                if write(&body, &bytes).is_err() {
                    return;
                }
            }
            Err(StreamError::Closed) => break,
            // The client left: what there is of an answer is not whole.
            Err(_) => return,
        }
    }
    finish(body);
}

/// What comes of asking another server.
fn out(target: &str) -> String {
    let request = OutgoingRequest::new(Fields::new());
    let set = request
        .set_scheme(Some(&Scheme::Http))
        .and_then(|()| request.set_authority(Some(target)))
        .and_then(|()| request.set_path_with_query(Some("/")));
    if set.is_err() {
        return "Denied: it is no authority".to_owned();
    }
    let coming = match outgoing_handler::handle(request, None) {
        Ok(coming) => coming,
        Err(code) => return format!("{code:?}"),
    };
    coming.subscribe().block();
    match coming.get() {
        Some(Ok(Ok(response))) => format!("{} {}", response.status(), text(&response)),
        Some(Ok(Err(code))) => format!("{code:?}"),
        _ => "nothing".to_owned(),
    }
}

fn text(response: &IncomingResponse) -> String {
    let Ok(body) = response.consume() else { misfortune("the body was taken already") };
    let Ok(stream) = body.stream() else { misfortune("the stream was taken already") };
    let mut bytes = Vec::new();
    while let Ok(more) = stream.blocking_read(PIECE_BYTES as u64) {
        bytes.extend(more);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Memory without end. It is not written to, which would take longer than the guest has.
fn eat() {
    loop {
        std::mem::forget(black_box(Vec::<u8>::with_capacity(16 << 20)));
    }
}

#[expect(clippy::panic, reason = "panicking is what it is for")]
fn misfortune(what: &str) -> ! {
    panic!("{what}")
}
