//! Functions: WebAssembly on the client's side of the cache.

use super::{Tour, Visit};
use crate::demo::error::DemoError;
use crate::demo::narrator::Narrator;
use crate::demo::nodes::{CLOSED, SPLIT};
use crate::demo::origin::Page;
use crate::demo::visitor::Ask;

pub(super) fn routes(tour: &Tour<'_>, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
    let ask = |cookie| Ask { at: &tour.nodes.fra, host: SPLIT, path: Page::Landing.path(), field: cookie };
    let group_a = Visit {
        caches: &[("ams-1; fwd=uri-miss; stored", ""), ("fra-1; fwd=uri-miss; stored", "")],
        fields: &[("x-content-type-options", "nosniff", "added by `security-headers`")],
        body: Some(("Landing page A, answer 1 of the origin", "")),
        origin: &[(Page::Landing, 1)],
        origin_note: "group a goes straight on",
        ..Visit::new(ask(Some(("cookie", "ab=a"))))
    };
    tour.visit(narrator, &group_a)?;
    let group_b = Visit {
        body: Some(("Landing page B, answer 1 of the origin", "")),
        fields: &[],
        origin: &[(Page::LandingB, 1)],
        origin_note: "same URL, rewritten at the edge",
        ..group_a
    };
    let group_b = Visit { ask: ask(Some(("cookie", "ab=b"))), ..group_b };
    tour.visit(narrator, &group_b)?;
    let again = Visit {
        caches: &[("ams-1; fwd=uri-miss; stored", ""), ("fra-1; hit", "each group has its own entry")],
        origin: &[],
        origin_note: "functions run on hits as well",
        ..group_b
    };
    tour.visit(narrator, &again)?;

    let newcomer = Visit {
        caches: &[("ams-1; fwd=uri-miss; stored", ""), ("fra-1; hit", "")],
        origin_note: "",
        ..Visit::new(ask(None))
    };
    let answer = tour.visit(narrator, &newcomer)?;
    let cookie = answer.field("set-cookie").unwrap_or("absent");
    let group = cookie.split(';').next().unwrap_or_default();
    let page = match group {
        "ab=a" => "Landing page A, answer 1 of the origin\n",
        "ab=b" => "Landing page B, answer 1 of the origin\n",
        _ => "a cookie that says a or b",
    };
    let body = String::from_utf8_lossy(&answer.body);
    narrator.check(&format!("set-cookie: {cookie}"), &body.as_ref(), &page, "the draw, and its page")
}

pub(super) fn answers(tour: &Tour<'_>, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
    let visit = Visit {
        status: 503,
        caches: &[("nyc-1; detail=function", "neither hit nor miss")],
        fields: &[("retry-after", "600", "from the function's settings")],
        origin_note: "it may be switched off",
        ..Visit::new(Ask { at: &tour.nodes.nyc, host: CLOSED, path: "/", field: None })
    };
    tour.visit(narrator, &visit).map(drop)
}
