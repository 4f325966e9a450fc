//! Watching functions at work: who asked sees each call, who does not keep up is told what was missed, and nobody waits.

use std::sync::Arc;

use seawall_functions::watch::{TooManyWatchers, WATCHER_QUEUE_MAX, WATCHERS_MAX};
use seawall_functions::{Chain, Config, FunctionErrorKind, Instances, Report, Seen, Wanted, Watch};

use crate::guests::{answered, chain, exchange, on_request, on_response, runtime, runtime_with};

const EDITING: &str = r#"
    (import "seawall:edge/request@0.1.0" "set-path" (func $path (param i32 i32 i32)))
    (import "seawall:edge/request@0.1.0" "remove-header" (func $remove (param i32 i32 i32)))
    (import "seawall:edge/route@0.1.0" "pass" (func $pass (param i32)))
    (import "seawall:edge/log@0.1.0" "write" (func $log (param i32 i32 i32)))
    (data (i32.const 0) "/newcookie")"#;
const EDITS: &str = "(call $path (i32.const 0) (i32.const 4) (i32.const 256))
    (call $remove (i32.const 4) (i32.const 6) (i32.const 256))
    (call $pass (i32.const 256))
    (call $log (i32.const 2) (i32.const 0) (i32.const 4))";

fn seen(watching: &mut seawall_functions::Watching) -> Vec<Arc<Report>> {
    std::iter::from_fn(|| match watching.try_next()? {
        Seen::Call(report) => Some(report),
        Seen::Missed(calls) => unreachable!("{calls} were missed"),
    })
    .collect()
}

async fn ask(chain: &Chain) {
    drop(chain.on_request(&mut Instances::new(), exchange()).await);
}

#[tokio::test]
async fn who_watches_sees_what_each_call_did() {
    let (runtime, watch) = (runtime(), Watch::new());
    let chain = chain(&runtime, &[on_request(EDITING, EDITS)]).watched("shop", &watch);
    ask(&chain).await;
    let mut watching = watch.begin(Wanted { changes: true, ..Wanted::default() }).unwrap();
    ask(&chain).await;
    let reports = seen(&mut watching);
    assert_eq!(reports.len(), 1, "what was before nobody saw");
    let report = &reports[0];
    assert_eq!(
        (&*report.site, report.function.name(), report.hook.as_str()),
        ("shop", "guest", "on-request")
    );
    assert_eq!((report.request.as_str(), report.outcome), ("GET /a/b?x=1+2", "next"));
    assert_eq!(report.changes, ["path /a/b?x=1+2 → /new", "- cookie", "pass"]);
    assert_eq!((report.lines.len(), report.lines[0].text.as_str()), (1, "/new"));
    assert!(report.error.is_none() && report.instructions.is_none(), "{report:?}");
}

#[tokio::test]
async fn values_are_shown_only_to_who_asks_for_them() {
    let (runtime, watch) = (runtime(), Watch::new());
    let chain = chain(&runtime, &[on_request(EDITING, EDITS)]).watched("shop", &watch);
    let mut watching = watch.begin(Wanted::default()).unwrap();
    ask(&chain).await;
    assert_eq!(seen(&mut watching)[0].changes, [] as [&str; 0]);
}

#[tokio::test]
async fn a_failure_comes_with_its_code_and_the_guests_own_stack() {
    let (runtime, watch) = (runtime(), Watch::new());
    let boom = "(func $shop_front_boom unreachable)";
    let chain = chain(&runtime, &[on_request(boom, "(call $shop_front_boom)")]).watched("shop", &watch);
    let mut watching = watch.begin(Wanted::default()).unwrap();
    ask(&chain).await;
    let report = seen(&mut watching).pop().unwrap();
    let error = report.error.as_ref().unwrap();
    assert_eq!((report.outcome, error.kind), ("failed", FunctionErrorKind::Trap));
    assert!(error.detail.contains("shop_front_boom"), "{}", error.detail);
}

#[tokio::test]
async fn a_watcher_sees_only_the_function_and_the_site_that_it_asked_for() {
    let (runtime, watch) = (runtime(), Watch::new());
    let shop = chain(&runtime, &[on_request("", "")]).watched("shop", &watch);
    let blog = chain(&runtime, &[on_response("", "")]).watched("blog", &watch);
    let of = |function: Option<&str>, site: Option<&str>| Wanted {
        function: function.map(str::to_owned),
        site: site.map(str::to_owned),
        ..Wanted::default()
    };
    let mut all = watch.begin(of(Some("guest"), None)).unwrap();
    let mut only_blog = watch.begin(of(None, Some("blog"))).unwrap();
    let mut other = watch.begin(of(Some("other"), None)).unwrap();
    ask(&shop).await;
    drop(blog.on_response(&mut Instances::new(), answered()).await);
    assert_eq!(seen(&mut all).len(), 2);
    assert_eq!(seen(&mut only_blog).iter().map(|report| report.outcome).collect::<Vec<_>>(), ["done"]);
    assert_eq!(seen(&mut other).len(), 0);
}

#[tokio::test]
async fn who_does_not_keep_up_is_told_how_much_was_missed() {
    let (runtime, watch) = (runtime(), Watch::new());
    let chain = chain(&runtime, &[on_request("", "")]).watched("shop", &watch);
    let mut watching = watch.begin(Wanted::default()).unwrap();
    for _ in 0..WATCHER_QUEUE_MAX + 3 {
        ask(&chain).await;
    }
    assert!(matches!(watching.try_next(), Some(Seen::Missed(3))));
    assert_eq!(seen(&mut watching).len(), WATCHER_QUEUE_MAX);
}

#[test]
fn there_are_so_many_watchers_and_no_more() {
    let watch = Watch::new();
    let begin = || watch.begin(Wanted::default());
    let mut watching: Vec<_> = (0..WATCHERS_MAX).map(|_| begin().unwrap()).collect();
    assert_eq!(begin().err(), Some(TooManyWatchers));
    watching.pop();
    assert_eq!(watch.watching(), WATCHERS_MAX - 1);
    watching.push(begin().unwrap());
    watch.end_all();
    assert_eq!(watch.watching(), 0);
    assert!(watching[0].blocking_next().is_none(), "the watch was ended");
}

#[tokio::test]
async fn the_same_call_takes_the_same_instructions_and_more_work_takes_more() {
    let counting = Config { max_instances: 8, count_instructions: true, ..Config::default() };
    let (runtime, watch) = (runtime_with(&counting), Watch::new());
    let mut watching = watch.begin(Wanted::default()).unwrap();
    let used = |rounds: u32| {
        let body = format!(
            "(local $n i32) (local.set $n (i32.const {rounds}))
             (loop $again (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $again (local.get $n)))"
        );
        chain(&runtime, &[on_request("", &body)]).watched("shop", &watch)
    };
    let (ten, thousand) = (used(10), used(1000));
    let mut counts = Vec::new();
    for chain in [&ten, &ten, &thousand] {
        ask(chain).await;
        counts.push(seen(&mut watching)[0].instructions.unwrap());
    }
    assert_eq!(counts[0], counts[1]);
    assert!(counts[2] > counts[0] + 990, "{counts:?}");
}
