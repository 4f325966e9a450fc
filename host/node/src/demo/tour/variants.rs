//! What the origin says about caching: a page per language, and one that no cache may keep.

use super::{Tour, Visit};
use crate::demo::error::DemoError;
use crate::demo::narrator::Narrator;
use crate::demo::origin::Page;
use crate::demo::visitor::Ask;

pub(super) fn languages(tour: &Tour<'_>, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
    let ask = |language| Ask {
        field: Some(("accept-language", language)),
        ..tour.shop(&tour.nodes.fra, Page::Greeting)
    };
    let german = Visit {
        caches: &[("ams-1; fwd=uri-miss; stored", ""), ("fra-1; fwd=uri-miss; stored", "")],
        body: Some(("Guten Tag!", "")),
        origin: &[(Page::Greeting, 1)],
        ..Visit::new(ask("de"))
    };
    tour.visit(narrator, &german)?;
    let english = Visit {
        caches: &[
            ("ams-1; fwd=vary-miss; stored", ""),
            ("fra-1; fwd=vary-miss; stored", "known URL, unknown variant"),
        ],
        body: Some(("Good day!", "")),
        origin: &[(Page::Greeting, 1)],
        origin_note: "once for each language",
        ..Visit::new(ask("en"))
    };
    tour.visit(narrator, &english)?;
    let again = Visit {
        caches: &[("ams-1; fwd=uri-miss; stored", ""), ("fra-1; hit", "")],
        body: Some(("Guten Tag!", "still there beside the English")),
        ..Visit::new(ask("de"))
    };
    tour.visit(narrator, &again).map(drop)
}

pub(super) fn uncacheable(tour: &Tour<'_>, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
    for body in ["Your cart, answer 1 of the origin", "Your cart, answer 2 of the origin"] {
        let visit = Visit {
            caches: &[
                ("ams-1; fwd=uri-miss; detail=no-store", ""),
                ("fra-1; fwd=uri-miss; detail=no-store", ""),
            ],
            body: Some((body, "")),
            origin: &[(Page::Cart, 1)],
            origin_note: "every time",
            ..Visit::new(tour.shop(&tour.nodes.fra, Page::Cart))
        };
        tour.visit(narrator, &visit)?;
    }
    Ok(())
}
