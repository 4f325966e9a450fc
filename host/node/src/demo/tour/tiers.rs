//! Two edges, their shield and the origin: who asks whom.

use super::{Tour, Visit};
use crate::demo::error::DemoError;
use crate::demo::narrator::Narrator;
use crate::demo::origin::{Page, photo};
use crate::demo::visitor::Ask;

/// Bytes of a bitmap's headers: what a program asks for that wants only to know a picture's size.
const PART: usize = 54;

pub(super) fn miss(tour: &Tour<'_>, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
    let visit = Visit {
        caches: &[
            ("ams-1; fwd=uri-miss; stored", "the shield keeps it"),
            ("fra-1; fwd=uri-miss; stored", "and so does the edge"),
        ],
        body: Some(("Product 7, answer 1 of the origin", "")),
        origin: &[(Page::Product7, 1)],
        origin_note: "one fetch filled both",
        ..Visit::new(tour.shop(&tour.nodes.fra, Page::Product7))
    };
    tour.visit(narrator, &visit).map(drop)
}

pub(super) fn hit(tour: &Tour<'_>, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
    let visit = Visit {
        caches: &[
            ("ams-1; fwd=uri-miss; stored", "stored with it, when it came"),
            ("fra-1; hit", "this time, from memory"),
        ],
        age_note: "seconds since the origin made it",
        body: Some(("Product 7, answer 1 of the origin", "")),
        origin_note: "nobody else was needed",
        ..Visit::new(tour.shop(&tour.nodes.fra, Page::Product7))
    };
    tour.visit(narrator, &visit).map(drop)
}

pub(super) fn other_region(tour: &Tour<'_>, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
    let visit = Visit {
        caches: &[
            ("ams-1; hit", "the shield had it"),
            ("nyc-1; fwd=uri-miss; stored", "this edge did not: now it has"),
        ],
        body: Some(("Product 7, answer 1 of the origin", "")),
        origin_note: "it sees one client: the shield",
        ..Visit::new(tour.shop(&tour.nodes.nyc, Page::Product7))
    };
    tour.visit(narrator, &visit).map(drop)
}

pub(super) fn large(tour: &Tour<'_>, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
    let original = photo();
    let visit = Visit {
        caches: &[("ams-1; fwd=uri-miss; stored", ""), ("nyc-1; fwd=uri-miss; stored", "")],
        origin: &[(Page::Photo, 1)],
        ..Visit::new(tour.shop(&tour.nodes.nyc, Page::Photo))
    };
    let whole = tour.visit(narrator, &visit)?;
    same_bytes(narrator, &whole.body, &original, "byte for byte as it was sent")?;

    let range = format!("bytes=0-{}", PART - 1);
    let content_range = format!("bytes 0-{}/{}", PART - 1, original.len());
    let visit = Visit {
        status: 206,
        caches: &[("ams-1; fwd=uri-miss; stored", ""), ("nyc-1; hit", "cut from the stored whole")],
        fields: &[("content-range", &content_range, "")],
        origin_note: "parts are never fetched twice",
        ..Visit::new(Ask { field: Some(("range", &range)), ..tour.shop(&tour.nodes.nyc, Page::Photo) })
    };
    let part = tour.visit(narrator, &visit)?;
    same_bytes(narrator, &part.body, original.get(..PART).unwrap_or_default(), "")
}

/// A body that is too long to show.
fn same_bytes(narrator: &mut Narrator<'_>, came: &[u8], sent: &[u8], note: &str) -> Result<(), DemoError> {
    let shown = format!("body: {} bytes", came.len());
    let came = if came == sent { "what the origin sent" } else { "other bytes" };
    narrator.check(&shown, &came, &"what the origin sent", note)
}
