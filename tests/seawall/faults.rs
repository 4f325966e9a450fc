//! Origins that fail, each in its own way: the client gets the right status, the log the cause, the cache nothing.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

use crate::harness::{Answer, Ask, BrokenOff, Gate, Got, Plan, World, lines};

/// The fault that a response and its log line must tell.
struct Told<'a> {
    status: u16,
    proxy_error: &'a str,
    cause: &'a str,
}

impl Told<'_> {
    #[track_caller]
    fn in_response_and_log(&self, got: &Got, path: &str) {
        let Self { status, proxy_error, cause } = self;
        assert_eq!(got.status, *status, "{got:?}");
        assert_eq!(got.field("proxy-status"), Some(format!("fra-1; error={proxy_error}").as_str()));
        assert_eq!(got.cache(), format!("fwd=uri-miss; detail={cause}"));
        assert_eq!(got.field("cache-control"), Some("no-store"));
        let lines = lines::of_path(path);
        let line = lines.last().expect("a line in the log");
        assert_eq!(line["cause"], *cause, "{line:?}");
        assert_eq!((line["blame"].as_str(), line["level"].as_str()), ("origin", "WARN"), "{line:?}");
        assert!(!line["error"].is_empty(), "the whole story is for the log: {line:?}");
        assert!(!got.body.contains(&line["error"]), "and not for the client: {got:?}");
    }
}

#[tokio::test]
async fn an_origin_that_nobody_listens_at_is_a_502() {
    let world = World::new();
    // A port that is taken, and that nobody listens at.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let plan = Plan::new("fra-1", "fra").in_front_of(socket.local_addr().unwrap());
    let node = world.start(plan).await;
    let got = node.get("/nobody-listens").await;
    let told = Told { status: 502, proxy_error: "connection_refused", cause: "connection-refused" };
    told.in_response_and_log(&got, "/nobody-listens");
    let metric = r#"seawall_faults_total{cause="connection-refused",blame="origin"}"#;
    assert_eq!(node.metric(metric).await, 1);
}

#[tokio::test]
async fn an_origin_that_does_not_answer_in_time_is_a_504() {
    let world = World::new();
    let plan = Plan::new("fra-1", "fra").origin("first_byte_timeout = \"50ms\"");
    let node = world.start(plan).await;
    world.origin.says_in_turn("/too-slow", &[Answer::silence(), Answer::cacheable("in time")]);
    let got = node.get("/too-slow").await;
    let told = Told { status: 504, proxy_error: "http_response_timeout", cause: "response-timeout" };
    told.in_response_and_log(&got, "/too-slow");
    assert_eq!(node.get("/too-slow").await.says(), (200, "in time"), "a failure is not kept");
}

#[tokio::test]
async fn an_origin_that_does_not_speak_http_is_a_502() {
    for (path, answer, proxy_error, cause) in [
        ("/garbage", Answer::bare("SSH-2.0-what\r\n\r\n"), "http_protocol_error", "protocol-error"),
        (
            "/bad-field",
            Answer::bare("HTTP/1.1 200 OK\r\na b: c\r\n\r\n"),
            "http_protocol_error",
            "protocol-error",
        ),
        (
            "/two-lengths",
            Answer::bare("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab"),
            "http_protocol_error",
            "protocol-error",
        ),
        ("/no-word", Answer::bare(""), "connection_terminated", "connection-terminated"),
        (
            "/half-a-head",
            Answer::bare("HTTP/1.1 200 OK\r\ncontent-le"),
            "connection_terminated",
            "connection-terminated",
        ),
    ] {
        // Each on its own first connection: on one that was used before, it would be asked again.
        let world = World::new();
        let node = world.node().await;
        world.origin.says_in_turn(path, &[answer, Answer::cacheable("well again")]);
        let told = Told { status: 502, proxy_error, cause };
        told.in_response_and_log(&node.get(path).await, path);
        assert_eq!(node.get(path).await.says(), (200, "well again"), "a failure is not kept: {path}");
    }
}

/// An origin may end an idle connection whenever it likes (RFC 9112 §9.3.1): who asks at that moment does not suffer.
#[tokio::test]
async fn an_idle_connection_that_ends_is_no_failure() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/first", Answer::cacheable("first"));
    world.origin.says_in_turn("/second", &[Answer::bare(""), Answer::cacheable("second")]);
    assert_eq!(node.get("/first").await.status, 200);
    assert_eq!(node.get("/second").await.says(), (200, "second"));
    assert_eq!(world.origin.count("/second"), 2);

    world.origin.answers("/basket", |_| Answer::bare(""));
    let post = Ask::new("POST", "/basket").body("x");
    assert_eq!(node.send(&post).await.status, 502);
    assert_eq!(world.origin.count("/basket"), 1, "what may have had its effect is not repeated");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_broken_for_the_client_and_not_kept() {
    let chunks =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncache-control: max-age=60\r\n\r\n4\r\nhalf\r\n";
    for (path, answer, bad) in [
        ("/by-length", Answer::cacheable("half").breaking_off(), "ha"),
        ("/by-chunks", Answer::cacheable("half").chunked().breaking_off(), "ha"),
        ("/not-a-chunk", Answer::bare(chunks), "xyz\r\n"),
        ("/uncacheable", Answer::uncacheable("half").breaking_off(), "ha"),
    ] {
        let world = World::new();
        let node = world.node().await;
        let gate = Gate::closed();
        let answer = answer.then_at(&gate, bad);
        world.origin.says_in_turn(path, &[answer, Answer::cacheable("whole")]);
        let mut got = node.open(&Ask::get(path)).await;
        assert_eq!(got.status, 200);
        got.reads("half").await;
        gate.open();
        assert_eq!(got.rest().await, Err(BrokenOff), "{path}");
        assert_eq!(node.get(path).await.says(), (200, "whole"), "{path}");
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_cut_and_not_kept() {
    let world = World::new();
    let plan = Plan::new("fra-1", "fra").origin("between_bytes_timeout = \"50ms\"");
    let node = world.start(plan).await;
    let stalling = Answer::cacheable("half").then_at(&Gate::closed(), "half");
    world.origin.says_in_turn("/stalls", &[stalling, Answer::cacheable("whole")]);
    let mut got = node.open(&Ask::get("/stalls")).await;
    got.reads("half").await;
    assert_eq!(got.rest().await, Err(BrokenOff));
    assert_eq!(node.get("/stalls").await.says(), (200, "whole"));
}

/// A request for one page that fails is nobody else's business.
#[tokio::test]
async fn a_failure_harms_no_other_request() {
    let world = World::new();
    let node = world.node().await;
    let gate = Gate::closed();
    world.origin.says("/hangs", Answer::cacheable("").at(&gate));
    world.origin.says("/breaks", Answer::bare("garbage\r\n\r\n"));
    world.origin.says("/fine", Answer::cacheable("fine"));
    let (hanging, broken, fine) = (Ask::get("/hangs"), Ask::get("/breaks"), Ask::get("/fine"));
    let director = async {
        gate.is_reached(1).await;
        assert_eq!(node.send(&broken).await.status, 502);
        assert_eq!(node.send(&fine).await.status, 200);
        assert_eq!(node.send(&fine).await.cache(), "hit; ttl=60");
        gate.open();
    };
    let (hung, ()) = tokio::join!(node.send(&hanging), director);
    assert_eq!(hung.status, 200);
}

#[tokio::test]
async fn an_errors_own_page_is_the_origins_and_goes_through() {
    let world = World::new();
    let node = world.node().await;
    world.origin.says("/page", Answer::new(503, "down for now").field("retry-after", "60"));
    let got = node.get("/page").await;
    assert_eq!(got.says(), (503, "down for now"));
    assert_eq!(got.field("retry-after"), Some("60"));
    assert_eq!(got.field("proxy-status"), None);
}

/// Where both are there, the chunks are the body and the length is not to be believed (RFC 9112 §6.3).
#[tokio::test]
async fn a_length_beside_chunks_is_not_passed_on() {
    let world = World::new();
    let node = world.node().await;
    for (path, answer) in
        [("/kept", Answer::cacheable("the whole")), ("/not-kept", Answer::uncacheable("the whole"))]
    {
        world.origin.says(path, answer.chunked().field("content-length", "3"));
        for _ in 0..2 {
            let got = node.get(path).await;
            assert_eq!(got.says(), (200, "the whole"), "{path}");
            assert_ne!(got.field("content-length"), Some("3"), "{path}");
        }
    }
}
