//! Traces: one of a request, across edge, shield, functions and origin, as a collector gets it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use parking_lot::Mutex;
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::wire::read_head;
use crate::harness::{Answer, Ask, Node, Plan, World, guests, until};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CLIENT: &str = "b7ad6b7169203331";

fn traceparent() -> String {
    format!("00-{TRACE}-{CLIENT}-01")
}

/// A span as the collector got it, in words.
#[derive(Clone, Debug)]
struct Got {
    node: String,
    name: String,
    trace: String,
    id: String,
    parent: String,
    links: Vec<String>,
    fields: BTreeMap<String, String>,
    failed: bool,
}

/// A collector that keeps what it gets.
struct Collector {
    address: SocketAddr,
    spans: Arc<Mutex<Vec<Got>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, spans) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Got>>>::default());
        let kept = Arc::clone(&spans);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(take(stream, Arc::clone(&kept)));
            }
        });
        Self { address, spans }
    }

    /// For a node whose requests it is to get.
    fn table(&self, more: &str) -> String {
        format!("[telemetry]\notlp = \"http://{}\"\n{more}", self.address)
    }

    fn all(&self) -> Vec<Got> {
        self.spans.lock().clone()
    }

    /// Waits for so many spans.
    async fn has(&self, spans: usize) -> Vec<Got> {
        until("spans have come", || self.all().len() >= spans).await;
        self.all()
    }
}

async fn take(stream: TcpStream, kept: Arc<Mutex<Vec<Got>>>) {
    let mut stream = BufReader::new(stream);
    while let Ok(Some(head)) = read_head(&mut stream).await {
        assert_eq!(head.start, "POST /v1/traces HTTP/1.1");
        assert_eq!(head.one("content-type"), Some("application/x-protobuf"));
        let mut body = vec![0; head.one("content-length").unwrap().parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        kept.lock().extend(spans(&ExportTraceServiceRequest::decode(body.as_slice()).unwrap()));
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    }
}

fn spans(request: &ExportTraceServiceRequest) -> Vec<Got> {
    let mut all = Vec::new();
    for of_node in &request.resource_spans {
        let resource = fields(&of_node.resource.as_ref().unwrap().attributes);
        for span in of_node.scope_spans.iter().flat_map(|scope| &scope.spans) {
            assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
            all.push(Got {
                node: resource["service.instance.id"].clone(),
                name: span.name.clone(),
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                links: span.links.iter().map(|link| hex(&link.trace_id)).collect(),
                fields: fields(&span.attributes),
                failed: span.status.as_ref().is_some_and(|status| status.code == 2),
            });
        }
    }
    all
}

fn fields(all: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |field: &KeyValue| match field.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("{}: {other:?}", field.key),
    };
    all.iter().map(|field| (field.key.clone(), text(field))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn one<'a>(spans: &'a [Got], node: &str, name: &str) -> &'a Got {
    let found: Vec<_> = spans.iter().filter(|span| span.node == node && span.name == name).collect();
    let [span] = found.as_slice() else { panic!("{node} {name}: {found:#?} of {spans:#?}") };
    span
}

#[tokio::test]
async fn one_trace_leads_across_edge_shield_functions_and_origin() {
    let (world, collector) = (World::new(), Collector::start().await);
    let table = collector.table("sample = 0\ntrust_clients = true");
    let plan = |name, region| {
        Plan::shielded(name, region).function("puppet", &guests::module("puppet"), "").table(&table)
    };
    let ams = world.start(plan("ams-1", "ams")).await;
    let fra = world.start(plan("fra-1", "fra")).await;
    let path = "/at-origin/trace";
    world.origin.says(path, Answer::cacheable("page"));
    let ask = Ask::get(path).field("traceparent", &traceparent()).field("tracestate", "vendor=1");
    assert_eq!(fra.send(&ask).await.says(), (200, "page"));
    assert_eq!(fra.get(path).await.cache(), "hit; ttl=60");

    let spans = collector.has(12).await;
    assert!(spans.iter().all(|span| span.trace == TRACE), "{spans:#?}");
    let child = |node: &str, name: &str, parent: &Got| {
        let span = one(&spans, node, name).clone();
        assert_eq!(span.parent, parent.id, "{name} of {node} is part of {}: {spans:#?}", parent.name);
        span
    };
    let request = one(&spans, "fra-1", "request");
    assert_eq!(request.parent, CLIENT);
    assert_eq!(
        (&*request.fields["seawall.way"], &*request.fields["http.response.status_code"]),
        ("miss", "200")
    );
    assert_eq!(request.fields["url.path"], path);
    child("fra-1", "on-request", request);
    assert_eq!(child("fra-1", "claim", request).fields["seawall.claim"], "lead");
    assert_eq!(child("fra-1", "on-response", request).fields["seawall.function"], "puppet");
    let fill = child("fra-1", "fill", request);
    let hop = child("fra-1", "shield", &fill);
    assert_eq!(hop.fields["seawall.peer"], "ams-1");
    let shield = child("ams-1", "request", &hop);
    child("ams-1", "claim", &shield);
    let fill = child("ams-1", "fill", &shield);
    child("ams-1", "on-origin-request", &fill);
    child("ams-1", "on-origin-response", &fill);
    let tried = child("ams-1", "origin", &fill);
    assert_eq!(tried.fields["http.response.status_code"], "200");
    assert!(spans.iter().all(|span| !span.failed));

    let asked = world.origin.asked(path);
    let at_origin = format!("00-{TRACE}-{}-01", tried.id);
    assert_eq!(asked[0].field("traceparent"), at_origin);
    assert_eq!(asked[0].field("tracestate"), "vendor=1");
    assert_eq!(asked[0].field("x-seen-trace"), format!("00-{TRACE}-{}-01", fill.id), "functions see it");
    drop((fra, ams));
    assert_eq!(collector.all().len(), 12, "the hit brought no trace, and began none");
}

#[tokio::test]
async fn who_is_not_trusted_gets_a_trace_of_the_nodes_own_or_none() {
    let (world, collector) = (World::new(), Collector::start().await);
    world.origin.says("/page", Answer::uncacheable("page"));
    let ask = Ask::get("/page").field("traceparent", &traceparent()).field("tracestate", "vendor=1");
    let node = world.start(Plan::new("fra-1", "fra").table(&collector.table("sample = 1"))).await;
    assert_eq!(node.send(&ask).await.status, 200);
    node.stop();
    let spans = collector.has(4).await;
    let request = one(&spans, "fra-1", "request");
    assert_eq!((request.parent.as_str(), request.links.as_slice()), ("", &[TRACE.to_owned()][..]));
    assert_ne!(request.trace, TRACE);
    let asked = world.origin.asked("/page").remove(0);
    assert!(asked.field("traceparent").contains(&request.trace));
    assert!(!asked.head.fields.iter().any(|(name, _)| name == "tracestate"), "it speaks of another trace");

    for table in [collector.table("sample = 0"), String::new()] {
        let world = World::new();
        world.origin.says("/page", Answer::uncacheable("page"));
        let node = world.start(Plan::new("fra-1", "fra").table(&table)).await;
        assert_eq!(node.send(&ask).await.status, 200);
        let asked = world.origin.asked("/page").remove(0);
        assert_eq!(asked.field("traceparent"), traceparent(), "as it came");
        assert_eq!(asked.field("tracestate"), "vendor=1");
    }
    assert_eq!(collector.all().len(), spans.len());
}

/// Asks until spans have been lost.
async fn lost(node: &Node) {
    node.counts("seawall_telemetry_spans_lost_total", 1).await;
}

#[tokio::test]
async fn without_its_collector_a_node_only_counts() {
    let world = World::new();
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let table = format!("[telemetry]\notlp = \"http://{}\"\nsample = 1", socket.local_addr().unwrap());
    let node = world.start(Plan::new("fra-1", "fra").table(&table)).await;
    world.origin.says("/page", Answer::cacheable("page"));
    for _ in 0..20 {
        assert_eq!(node.get("/page").await.says(), (200, "page"));
    }
    lost(&node).await;
    assert_eq!(node.metric("seawall_telemetry_spans_sent_total").await, 0);
    node.stop();
}

#[tokio::test]
async fn a_failure_is_told_where_it_was() {
    let (world, collector) = (World::new(), Collector::start().await);
    let node = world.start(Plan::new("fra-1", "fra").table(&collector.table("sample = 1"))).await;
    world.origin.says("/page", Answer::bare("garbage\r\n\r\n"));
    assert_eq!(node.get("/page").await.status, 502);
    node.stop();
    let spans = collector.has(4).await;
    for name in ["request", "fill", "origin"] {
        assert!(one(&spans, "fra-1", name).failed, "{name}");
    }
    assert_eq!(one(&spans, "fra-1", "origin").fields["error.type"], "protocol-error");
    assert!(!one(&spans, "fra-1", "claim").failed);
}
