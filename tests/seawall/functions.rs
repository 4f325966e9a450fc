//! Edge functions on the path: the shipped ones in both forms in which authors upload, and hostile ones.

use std::path::Path;

use seawall_node::cli::{TestArgs, run_fixtures};
use seawall_node::config::Config;

use crate::harness::{Answer, Ask, Got, Node, Plan, World, bounded, guests, lines, together};

async fn with_function(world: &World, file: &Path, settings: &str) -> Node {
    world.start(Plan::new("fra-1", "fra").function("guest", file, settings)).await
}

#[tokio::test]
async fn a_function_routes_by_cookie_and_each_group_has_its_own_pages() {
    for file in guests::both_forms("ab-routing") {
        let world = World::new();
        let node = with_function(&world, &file, r#"b_percent = "100", b_prefix = "/beta""#).await;
        world.origin.says("/page?x=1", Answer::cacheable("for a"));
        world.origin.says("/beta/page?x=1", Answer::cacheable("for b"));
        let ask = Ask::get("/page?x=1");

        for words in ["fwd=uri-miss; fwd-status=200; stored", "hit; ttl=60"] {
            for (group, body) in [("a", "for a"), ("b", "for b")] {
                let got = node.send(&ask.clone().field("cookie", &format!("x=y; ab={group}"))).await;
                assert_eq!(got.says(), (200, body), "{}", file.display());
                assert_eq!(got.cache(), words);
                assert_eq!(got.field("set-cookie"), None);
            }
        }
        let newcomer = node.send(&ask).await;
        assert_eq!(newcomer.says(), (200, "for b"));
        assert!(
            newcomer.field("set-cookie").is_some_and(|cookie| cookie.starts_with("ab=b;")),
            "{newcomer:?}"
        );
        assert_eq!((world.origin.count("/page?x=1"), world.origin.count("/beta/page?x=1")), (1, 1));
    }
}

#[tokio::test]
async fn a_function_answers_by_itself() {
    for file in guests::both_forms("maintenance") {
        let world = World::new();
        let node = with_function(&world, &file, r#"closed = "yes", retry_after = "120""#).await;
        let got = node.get("/page").await;
        assert_eq!(got.status, 503);
        assert!(got.body.contains("Back soon"), "{got:?}");
        assert_eq!(got.field("retry-after"), Some("120"));
        assert_eq!(got.cache(), "detail=function");
        assert_eq!(world.origin.count("/page"), 0);
        drop(node);

        let world = World::new();
        let node = with_function(&world, &file, r#"closed = "yes", allow = "192.0.2.1 127.0.0.1""#).await;
        world.origin.says("/page", Answer::cacheable("hello"));
        assert_eq!(node.get("/page").await.says(), (200, "hello"), "it knows who asks");
    }
}

#[tokio::test]
async fn a_function_edits_what_each_client_gets_and_not_what_is_stored() {
    for file in guests::both_forms("security-headers") {
        let world = World::new();
        let node = with_function(&world, &file, "").await;
        let answer = Answer::cacheable("hello").field("server", "x/1.2").field("x-frame-options", "DENY");
        world.origin.says("/page", answer);
        for words in ["fwd=uri-miss; fwd-status=200; stored", "hit; ttl=60", "hit; ttl=60"] {
            let got = node.get("/page").await;
            assert_eq!(got.says(), (200, "hello"));
            assert_eq!(got.cache(), words);
            assert_eq!(got.field("x-content-type-options"), Some("nosniff"));
            assert_eq!(got.field("x-frame-options"), Some("DENY"), "the origin knows its pages better");
            assert_eq!(got.field("server"), None);
        }
    }
}

#[tokio::test]
async fn functions_run_in_order_at_the_edge_and_not_again_at_the_shield() {
    let world = World::new();
    let [ab, headers] = ["ab-routing", "security-headers"].map(guests::module);
    let plan = |name, region| {
        let plan = Plan::shielded(name, region);
        plan.function("ab", &ab, r#"b_prefix = "/beta""#).function("headers", &headers, "")
    };
    let _ams = world.start(plan("ams-1", "ams")).await;
    let fra = world.start(plan("fra-1", "fra")).await;
    world.origin.says("/beta/page", Answer::cacheable("for b"));
    let got = fra.send(&Ask::get("/page").field("cookie", "ab=b")).await;
    assert_eq!(got.says(), (200, "for b"), "rewritten once: {got:?}");
    assert_eq!(got.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(got.head.all("cache-status").len(), 2);
}

/// What the puppet can be told to do to itself, and the word that the log has for it.
const ENDS: [(&str, &str); 5] = [
    ("/panic", "trap"),
    ("/loop", "cpu"),
    ("/memory", "memory"),
    ("/deep", "trap"),
    ("/error", "refused as it"),
];

fn is_a_failed_function(got: &Got, path: &str, word: &str) {
    assert_eq!(got.status, 503, "{path}: {got:?}");
    assert_eq!(got.cache(), "detail=function");
    let told = got.field("proxy-status").unwrap_or_default();
    let code = told.strip_prefix("fra-1; error=proxy_internal_response; details=\"").unwrap_or_default();
    let code = code.trim_end_matches('"');
    assert!(code.starts_with("SW-FN-"), "{told}");
    let line = lines::of_path(path).pop().expect("a line in the log");
    assert_eq!((line["cause"].as_str(), line["blame"].as_str()), ("function", "function"), "{line:?}");
    assert!(line["function"].contains("guest") && line["function"].contains(word), "{line:?}");
    assert!(line["function"].starts_with(code), "the client and the log have one code: {told}, {line:?}");
    assert!(!got.body.contains(word), "the story is for the log, not for the client: {got:?}");
}

/// Hostile, cached and cold requests at once, on one site, again and again.
#[tokio::test]
async fn a_hostile_function_fails_its_own_request_and_nothing_else() {
    for file in guests::both_forms("puppet") {
        let world = World::new();
        let node = with_function(&world, &file, "").await;
        world.origin.says("/page", Answer::cacheable("hello"));
        world.origin.says("/cold", Answer::uncacheable("hello"));
        node.get("/page").await;
        for _ in 0..3 {
            let hostile = together(ENDS.iter().map(|(path, _)| node.get(path)));
            let well = together((0..20).map(|_| node.get("/page")));
            let (hostile, well, cold) = tokio::join!(hostile, well, node.get("/cold"));
            for (got, (path, word)) in hostile.iter().zip(ENDS) {
                is_a_failed_function(got, path, word);
            }
            assert!(well.iter().all(|got| got.says() == (200, "hello") && got.cache() == "hit; ttl=60"));
            assert_eq!(cold.says(), (200, "hello"));
        }
        assert!(ENDS.iter().all(|(path, _)| world.origin.count(path) == 0), "none of them came through");
        assert_eq!(Ask::get("/readyz").send(node.admin).await.status, 200);
        assert_eq!(node.get("/page").await.cache(), "hit; ttl=60");
    }
}

/// Clients that hang up while a hook loops for them.
#[tokio::test]
async fn clients_that_leave_in_the_middle_of_a_hook_leave_no_instance_behind() {
    let world = World::new();
    let node = with_function(&world, &guests::module("puppet"), "").await;
    world.origin.says("/page", Answer::cacheable("hello"));
    node.get("/page").await;
    for _ in 0..4 {
        let ask = Ask::get("/loop");
        together((0..50).map(|_| ask.leave(node.http))).await;
        assert_eq!(node.get("/page").await.says(), (200, "hello"));
    }
    bounded("no instance is left", async {
        while node.metric("seawall_function_instances").await > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// The response is there and is right: it goes out as it was, without the edits of the half-done hook, and the log says
/// what happened.
#[tokio::test]
async fn a_function_that_fails_on_the_way_out_leaves_the_response_as_it_was() {
    for file in guests::both_forms("puppet") {
        let world = World::new();
        let node = with_function(&world, &file, "").await;
        world.origin.says("/late-panic", Answer::cacheable("hello"));
        for words in ["fwd=uri-miss; fwd-status=200; stored", "hit; ttl=60"] {
            let got = node.get("/late-panic").await;
            assert_eq!(got.says(), (200, "hello"));
            assert_eq!(got.cache(), words);
            assert_eq!(got.field("x-half-done"), None);
            let line = lines::of_path("/late-panic").pop().expect("a line in the log");
            assert!(line["function"].contains("trap"), "{line:?}");
            assert_eq!(line["level"], "WARN", "{line:?}");
        }
    }
}

#[tokio::test]
async fn what_a_function_says_is_in_the_log_under_its_name() {
    for file in guests::both_forms("puppet") {
        let world = World::new();
        let node = with_function(&world, &file, "").await;
        world.origin.says("/say", Answer::cacheable("hello"));
        node.get("/say").await;
        let line = lines::saying("said as it was told").expect("a line in the log");
        assert_eq!((line["target"].as_str(), line["function"].as_str()), ("function", "guest"), "{line:?}");
        assert_eq!(line["hook"], "on-request", "{line:?}");
    }
}

/// What the function added to the key at the edge tells entries apart at the shield as well, where it does not run.
#[tokio::test]
async fn a_part_of_the_key_goes_with_the_request_to_the_shield() {
    let world = World::new();
    let plan = |name, region| Plan::shielded(name, region).function("guest", &guests::module("puppet"), "");
    let ams = world.start(plan("ams-1", "ams")).await;
    let fra = world.start(plan("fra-1", "fra")).await;
    let nyc = world.start(plan("nyc-1", "nyc")).await;
    world.origin.answers("/split", |asked| Answer::cacheable(asked.field("x-group")));
    let ask = |group| Ask::get("/split").field("x-group", group);
    for node in [&fra, &nyc, &ams] {
        for group in ["one", "two"] {
            assert_eq!(node.send(&ask(group)).await.says(), (200, group));
        }
    }
    assert_eq!(world.origin.count("/split"), 2);
}

/// The list for people, and the code.
#[test]
fn every_code_is_in_the_manual_with_its_word_and_no_other() {
    let manual =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/FUNCTIONS.md")).unwrap();
    let section =
        manual.split("## When a hook fails").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let mut listed = Vec::new();
    for row in section.lines().filter(|line| line.starts_with("| `SW-FN-")) {
        let cells: Vec<&str> = row.split('|').collect();
        let words = |cell: &str| -> Vec<String> {
            cell.split(',').map(|word| word.trim().trim_matches('`').to_owned()).collect()
        };
        listed.extend(words(cells[1]).into_iter().zip(words(cells[2])));
    }
    let kinds = seawall_functions::FunctionErrorKind::ALL.iter();
    let mut known: Vec<_> = kinds.map(|kind| (kind.code().to_owned(), kind.as_str().to_owned())).collect();
    listed.sort();
    known.sort();
    assert_eq!(listed, known, "the table under `When a hook fails` in docs/FUNCTIONS.md");
}

/// The table of what is tested, and the tests.
#[test]
fn every_test_that_the_manual_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let manual = std::fs::read_to_string(root.join("docs/FUNCTION-TESTS.md")).unwrap();
    let mut sources = String::new();
    for folder in ["tests/seawall", "host/functions/tests/functions", "host/functions/src"] {
        for file in std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()) {
            sources.push_str(&std::fs::read_to_string(file).unwrap_or_default());
        }
    }
    let named: Vec<&str> =
        manual.split('`').skip(1).step_by(2).filter(|word| word.matches('_').count() > 3).collect();
    assert!(named.len() > 15, "{named:?}");
    for name in named {
        assert!(sources.contains(&format!("fn {name}()")), "no test is named `{name}`");
    }
}

/// The fixtures that are shipped beside each example.
#[test]
fn every_example_does_what_its_fixtures_expect() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../edge-functions");
    let mut seen = 0;
    for folder in std::fs::read_dir(examples).unwrap().map(|entry| entry.unwrap().path()) {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if name == "sdk" || !folder.join("Cargo.toml").is_file() {
            continue;
        }
        for file in guests::both_forms(&name) {
            let args =
                TestArgs { file, fixtures: vec![folder.join("fixtures")], fuel: false, max_fuel: None };
            let mut said = Vec::new();
            let failed = run_fixtures(&args, &mut said);
            assert_eq!(failed, Ok(0), "{name}: {}", String::from_utf8_lossy(&said));
        }
        seen += 1;
    }
    assert_eq!(seen, 8);
}

#[tokio::test]
async fn a_file_that_is_no_function_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("guest.wasm");
    let plain = wat::parse_str("(module (func (export \"main\")))").unwrap();
    for (bytes, instead) in [
        (b"fn main() {}".to_vec(), "Upload target/wasm32-wasip1/release/<name>.wasm"),
        (plain, "Export hooks with `seawall_edge::filter!`"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let world = World::new();
        let text = Plan::new("fra-1", "fra").function("guest", &file, "").toml(&world);
        let config = Config::from_toml(&text, &folder.path().join("seawall.toml")).unwrap();
        let error = seawall_node::Node::start(&config, &world.shared).err().expect("it is no function");
        let said = error.to_string();
        assert!(said.contains("`guest`") && said.contains("guest.wasm"), "{said}");
        assert!(said.contains(instead), "what to do instead: {said}");
    }
}
