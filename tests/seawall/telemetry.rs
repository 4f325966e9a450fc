//! What a node tells its operator: the metrics, the access log, how its origins are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Answer, Ask, Gate, Plan, Process, READER, World, guests, until};

/// Set, it writes the generated parts of the documentation instead of comparing them.
const BLESS: &str = "SEAWALL_BLESS";

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)
}

/// Metrics that have no series before something has happened that does not happen here.
const QUIET: [&str; 5] = [
    "seawall_function_counts",
    "seawall_connections_refused",
    "seawall_connections_cut",
    "seawall_tls_handshakes",
    "seawall_tls_certificate_not_after_seconds",
];

/// A metric's type, and the names of its labels.
type Described = BTreeMap<String, (String, BTreeSet<String>)>;

/// The tables of docs/METRICS.md.
fn documented() -> Described {
    let text = std::fs::read_to_string(page("METRICS.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split(" | ").map(|cell| cell.trim_matches(['|', ' ', '`'])).collect();
        let labels = cells[2].split(", ").map(|label| label.trim_matches('`').to_owned());
        (cells[0].to_owned(), (cells[1].to_owned(), labels.filter(|label| !label.is_empty()).collect()))
    })
    .collect()
}

/// What OpenMetrics text describes. Labels that belong to a type itself are left out.
fn exported(text: &str) -> Described {
    let mut all = Described::new();
    let mut now = String::new();
    for line in text.lines() {
        if let Some(described) = line.strip_prefix("# TYPE ") {
            let (name, kind) = described.split_once(' ').unwrap();
            now = name.to_owned();
            assert!(all.insert(now.clone(), (kind.to_owned(), BTreeSet::new())).is_none(), "{name} twice");
        } else if let Some((series, _)) = line.split_once('{').filter(|_| !line.starts_with('#')) {
            assert!(series.starts_with(&now), "{line} stands under {now}");
            let labels = line.split_once('{').unwrap().1.rsplit_once('}').unwrap().0;
            let names = labels.split("\",").map(|label| label.split_once('=').unwrap().0.to_owned());
            all.get_mut(&now).unwrap().1.extend(names.filter(|name| name != "le"));
        }
    }
    all
}

/// A node on which everything is on, and has happened once.
#[tokio::test]
async fn every_metric_is_documented_and_every_documented_one_is_there() {
    let world = World::new();
    let file = world.folder.path().join("access.log");
    let plan = Plan::new("fra-1", "fra")
        .cluster("")
        .site("stale_if_error = \"1h\"")
        .function("guest", &guests::module("security-headers"), "")
        .table("[telemetry]\notlp = \"http://127.0.0.1:9\"\nsample = 0")
        .log(&format!("access_to = \"{}\"", file.display()));
    let node = world.start(plan).await;
    world.origin.says("/page", Answer::cacheable("page"));
    assert_eq!(node.get("/page").await.status, 200);
    assert_eq!(node.send(&Ask::get("/").host("nobody.example")).await.status, 421);
    world.origin.says("/none", Answer::uncacheable("none"));
    assert_eq!(node.get("/none").await.status, 200);
    world.origin.says("/page", Answer::new(503, "down"));
    world.pass(61).await;
    assert_eq!(node.get("/page").await.says(), (200, "page"));

    let text = Ask::get("/metrics").send(node.admin).await.body;
    assert!(text.ends_with("# EOF\n"));
    let (mut documented, exported) = (documented(), exported(&text));
    documented.retain(|name, _| exported.contains_key(name) || !QUIET.contains(&name.as_str()));
    let all: BTreeSet<_> = documented.keys().chain(exported.keys()).collect();
    for name in all {
        assert_eq!(documented.get(name), exported.get(name), "{name}: docs/METRICS.md, and what is exported");
    }
    assert!(text.contains("seawall_stale_left_seconds{site=\"shop\"} 3599\n"), "{text}");
}

/// The table of the log's fields is written where the fields are.
#[test]
fn the_fields_of_the_access_log_are_documented() {
    let file = page("OPERATING.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once("record/access.rs -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of fields -->").unwrap();
    let rows = seawall_pipeline::ACCESS_FIELDS.iter();
    let rows: String = rows.map(|(name, says)| format!("| `{name}` | {says} |\n")).collect();
    let table = format!("\n| field | |\n|---|---|\n{rows}\n");
    let whole = format!("{before}record/access.rs -->\n{table}<!-- end of fields -->{after}");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&file, whole).unwrap();
    } else {
        assert!(
            text == whole,
            "docs/OPERATING.md is behind: run this test with {BLESS}=1, and look at the change"
        );
    }
}

fn entries(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

async fn has(file: &Path, lines: usize) {
    until("lines in the access log", || entries(file).len() >= lines).await;
}

#[tokio::test]
async fn each_request_is_a_line_and_the_file_may_be_turned_over() {
    let world = World::new();
    let file = world.folder.path().join("access.log");
    let plan =
        Plan::new("fra-1", "fra").log(&format!("access_to = \"{}\"\naccess_query = false", file.display()));
    let node = Process::ready(&plan, &world).await;
    world.origin.says("/page?secret=1", Answer::cacheable("twelve bytes"));
    world.origin.says("/broken", Answer::uncacheable("half").breaking_off());
    let ask = Ask::get("/page?secret=1").field("cookie", "session=s3cret");
    assert_eq!(ask.send(node.http).await.status, 200);
    node.shows("seawall_cache_stored_total", 1).await;
    let ask = ask.field("authorization", "Basic s3cret");
    assert_eq!(ask.send(node.http).await.status, 200);
    assert_eq!(Ask::get("/").host("nobody.example").send(node.http).await.status, 421);
    // Whether the head still gets out is a race with the end of the origin's body.
    if let Some(mut got) = Ask::get("/broken").try_open(node.http).await {
        assert!(got.rest().await.is_err());
    }
    has(&file, 4).await;

    let lines = entries(&file);
    for (line, (status, way, sent, complete)) in lines.iter().zip([
        (200, "miss", 12, true),
        (200, "hit", 12, true),
        (421, "fault", 33_u64, true),
        (200, "miss", 4, false),
    ]) {
        assert_eq!((&line["status"], &line["way"]), (&status.into(), &way.into()), "{line}");
        assert_eq!(line["complete"], complete, "{line}");
        let told = line["sent_bytes"].as_u64().unwrap();
        assert!(told == sent || !complete && told < sent, "{line}");
        assert_eq!((&line["node"], &line["client"]), (&"fra-1".into(), &"127.0.0.1".into()), "{line}");
        assert!(line["total_us"].as_u64() >= line["elapsed_us"].as_u64(), "{line}");
    }
    assert_eq!((&lines[0]["path"], &lines[0]["site"]), (&"/page".into(), &"shop".into()));
    assert_eq!((&lines[2]["site"], &lines[2]["cause"]), (&Value::Null, &"no-site".into()));
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("s3cret") && !text.contains("secret=1"), "{text}");

    let old = world.folder.path().join("access.log.1");
    std::fs::rename(&file, &old).unwrap();
    node.signal("USR1");
    until("a new file", || file.is_file()).await;
    assert_eq!(Ask::get("/page?secret=1").send(node.http).await.status, 200);
    has(&file, 1).await;
    assert_eq!((entries(&old).len(), entries(&file).len()), (4, 1));
    node.stop();
}

#[tokio::test]
async fn a_full_disk_is_counted_and_harms_no_request() {
    let world = World::new();
    let node = world.start(Plan::new("fra-1", "fra").log("access_to = \"/dev/full\"")).await;
    world.origin.says("/page", Answer::cacheable("page"));
    for _ in 0..10 {
        assert_eq!(node.get("/page").await.status, 200);
    }
    node.counts("seawall_access_log_errors_total", 1).await;
    assert_eq!(node.metric("seawall_access_log_written_total").await, 0);
    node.stop();
}

#[tokio::test]
async fn the_operator_sees_how_each_server_is() {
    let world = World::new();
    let gate = Gate::closed();
    let node = world.start(Plan::new("fra-1", "fra").origin("eject = { failures = 1 }")).await;
    world.origin.says("/slow", Answer::uncacheable("begun,").then_at(&gate, "ended"));
    world.origin.says("/ill", Answer::new(503, "ill"));
    let origins = async || {
        let (status, mut told) = node.operate(Ask::get("/v1/origins").bearing(READER)).await;
        assert_eq!(status, 200);
        told["origins"][0].take()
    };
    let mut slow = node.open(&Ask::get("/slow")).await;
    slow.reads("begun,").await;
    let origin = origins().await;
    assert_eq!(
        (&origin["name"], &origin["in_flight"], &origin["retries_left"]),
        (&"shop".into(), &1.into(), &10.into())
    );
    let server = &origin["servers"][0];
    assert_eq!((&server["circuit"], &server["health"]), (&"closed".into(), &"unchecked".into()));
    gate.open();
    assert_eq!(slow.rest().await.as_deref(), Ok("ended"));

    assert_eq!(node.get("/ill").await.status, 503);
    let server = origins().await["servers"][0].take();
    assert_eq!((&server["circuit"], &server["opens_again_in_ms"]), (&"open".into(), &1000.into()));
}

#[tokio::test]
async fn a_node_explains_what_it_would_answer_and_changes_nothing() {
    let world = World::new();
    let node =
        world.start(Plan::new("fra-1", "fra").site("rules = [{ paths = [\"/page\"], ttl = \"1h\" }]")).await;
    let page = Answer::cacheable("page").field("vary", "accept-language").field("surrogate-key", "p-7");
    world.origin.says("/page", page);
    let explain = async |order: Value| {
        let (status, told) = node.order("POST", "/v1/explain", &order).await;
        assert_eq!(status, 200, "{told}");
        told
    };
    let order = serde_json::json!({"url": "http://shop.example/page", "headers": {"accept-language": "de"}});
    let told = explain(order.clone()).await;
    assert_eq!(
        (&told["would"], &told["why"], &told["rule"]),
        (&"miss".into(), &"uri-miss".into(), &0.into())
    );
    assert_eq!(
        (&told["route"]["origin"], &told["key"]["url"]),
        (&"shop".into(), &"http://shop.example/page".into())
    );
    assert_eq!(world.origin.count("/page"), 0, "nobody was asked");

    assert_eq!(node.send(&Ask::get("/page").field("accept-language", "de")).await.status, 200);
    world.pass(10).await;
    let told = explain(order.clone()).await;
    assert_eq!((&told["would"], &told["why"]), (&"hit".into(), &"fresh".into()));
    let stored = &told["stored"][0];
    assert_eq!(
        (&stored["age_s"], &stored["ttl_s"], &stored["lifetime_from"]),
        (&10.into(), &50.into(), &"max-age".into())
    );
    assert_eq!((&stored["tags"][0], &stored["vary"][0]), (&"p-7".into(), &"accept-language".into()));
    let other = serde_json::json!({"url": "http://shop.example/page", "headers": {"accept-language": "fr"}});
    assert_eq!(explain(other).await["why"], "vary-miss");
    world.pass(60).await;
    let told = explain(order).await;
    assert_eq!((&told["would"], &told["why"]), (&"revalidate".into(), &"stale".into()));
    assert_eq!(world.origin.count("/page"), 1);
}
