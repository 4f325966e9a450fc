//! What authors have on their desk: a node that reloads what they build, a clock that they can step, a trace of what
//! each request met, and instructions that are counted.

use std::path::Path;

use seawall_node::cli::{TestArgs, run_fixtures};

use crate::harness::{Answer, Desk, World, guests};

/// Puts a function where the desk looks for it, as a build does.
fn build(from: &Path, to: &Path) {
    let draft = to.with_extension("draft");
    std::fs::copy(from, &draft).unwrap();
    std::fs::rename(draft, to).unwrap();
}

#[tokio::test]
async fn each_request_shows_what_its_functions_did_and_why_it_was_stored() {
    let world = World::new();
    let desk = Desk::start(&world, &guests::module("puppet")).await;
    world.origin.says("/at-origin/shape", Answer::cacheable("hello").field("server", "x/1"));
    world.origin.says("/at-origin/deliver", Answer::cacheable("hello"));
    desk.get("/at-origin/shape").await;
    desk.says(&[
        "GET shop.example/at-origin/shape → 200 miss, stored",
        "cache-status: seawall; fwd=uri-miss; fwd-status=200; stored",
        "on-request         puppet@",
        "on-origin-response puppet@",
        ": store,",
        "- server",
        "+ x-shaped: yes",
        "on-response        puppet@",
    ])
    .await;
    desk.get("/at-origin/shape").await;
    desk.says(&["GET shop.example/at-origin/shape → 200 hit", "on-request ", "on-response "]).await;
    desk.get("/at-origin/deliver").await;
    desk.says(&["→ 200 miss, not stored: function-deliver-only", ": deliver-only,"]).await;
    desk.get("/say").await;
    desk.says(&["on-request ", "info: said as it was told"]).await;
    desk.get("/panic").await;
    desk.says(&["→ 503 fault", "failed SW-FN-TRAP", "puppet::misfortune", "panicked as it was told"]).await;
    desk.stop();
}

#[tokio::test]
async fn the_clock_is_stepped_past_a_lifetime() {
    let world = World::new();
    let mut desk = Desk::start(&world, &guests::module("puppet")).await;
    world.origin.says("/page", Answer::cacheable("hello"));
    desk.get("/page").await;
    desk.says(&["miss, stored"]).await;
    desk.get("/page").await;
    desk.says(&["→ 200 hit"]).await;
    assert_eq!(desk.step("2m"), "the clock runs 2m ahead\n");
    desk.get("/page").await;
    let said = desk.says(&["GET shop.example/page → 200"]).await;
    assert!(!said.contains("→ 200 hit"), "its minute is over: {said}");
    desk.types("10m");
    desk.says(&["clock: 10m forward, 12m in all"]).await;
    desk.types("soon");
    desk.says(&["`soon` is not a duration"]).await;
    assert!(desk.step("3650d").contains("at most 3650 days"));
    desk.stop();
}

#[tokio::test]
async fn a_rebuilt_function_runs_and_a_bad_build_changes_nothing() {
    let world = World::new();
    let file = world.folder.path().join("guest.wasm");
    build(&guests::module("puppet"), &file);
    let desk = Desk::start(&world, &file).await;
    world.origin.says("/at-origin/shape", Answer::cacheable("hello"));
    assert_eq!(desk.get("/at-origin/shape").await.field("x-shaped"), Some("yes"));

    std::fs::write(&file, "not a function").unwrap();
    desk.says(&["reload: guest stays as it is: the file is something else, not a WebAssembly binary"]).await;
    assert_eq!(desk.get("/at-origin/shape").await.field("x-shaped"), Some("yes"));

    build(&guests::module("security-headers"), &file);
    desk.says(&["reload: guest@", "(on-response); what the version before stored is purged"]).await;
    let got = desk.get("/at-origin/shape").await;
    assert_eq!((got.field("x-shaped"), got.field("x-content-type-options")), (None, Some("nosniff")));
    desk.stop();
}

/// The output of `seawall functions test`, and how many fixtures failed.
fn tested(more: &TestArgs) -> (usize, String) {
    let mut said = Vec::new();
    let failed = run_fixtures(more, &mut said).unwrap();
    (failed, String::from_utf8(said).unwrap())
}

#[test]
fn instructions_are_the_same_in_every_run_and_have_a_limit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../edge-functions/ab-routing/fixtures");
    let [file, _] = guests::both_forms("ab-routing");
    let args =
        |max_fuel| TestArgs { file: file.clone(), fixtures: vec![folder.clone()], fuel: true, max_fuel };
    let (failed, said) = tested(&args(None));
    assert!(failed == 0 && said.contains(" instructions\n"), "{said}");
    let again = tested(&args(None));
    assert_eq!(again, (failed, said), "a hash table's seed is the same, too");
    let (failed, said) = tested(&args(Some(10)));
    assert!(failed > 0 && said.contains("and at most 10 are allowed"), "{said}");

    // A fixture's own limit, without a word on the command line.
    let own = tempfile::tempdir().unwrap();
    let text =
        r#"{ "name": "a", "max_fuel": 10, "request": { "url": "https://shop.example/" }, "expect": {} }"#;
    std::fs::write(own.path().join("a.json"), text).unwrap();
    let fixtures = vec![own.path().to_owned()];
    let (failed, said) = tested(&TestArgs { file, fixtures, fuel: false, max_fuel: None });
    assert!(failed == 1 && said.contains("on-request: ") && said.contains("at most 10"), "{said}");
}
