//! `partial`: ranges and partial responses.

use http::{Method, StatusCode};

use super::{Exchange, fields, present};
use crate::range::{RangeRequest, Span, resolve};
use crate::{DeclineReason, Rules, Storing};

fn ask(range: &str) -> RangeRequest {
    let request = fields(&[("range", range)]);
    resolve(&Method::GET, &request, StatusCode::OK, &fields::<&str>(&[]), 11, present())
}

#[test]
fn partial_store_complete_reuse_partial() {
    for (id, range, first, last) in [
        ("partial-store-complete-reuse-partial", "bytes=0-1", 0, 1),
        ("partial-store-complete-reuse-partial-no-last", "bytes=1-", 1, 10),
        ("partial-store-complete-reuse-partial-suffix", "bytes=-1", 10, 10),
    ] {
        assert_eq!(ask(range), RangeRequest::Spans([Span { first, last }].into()), "{id}");
    }
}

#[test]
fn a_206_is_stored_only_for_who_can_place_it() {
    let part = |range: &str, rules: Rules| {
        Exchange::with(&[("cache-control", "max-age=3600"), ("content-range", range)])
            .status(206)
            .rules(rules)
            .storing()
    };
    let able = Rules::default;
    let unable = Rules { store_partial: false, ..Rules::default() };
    assert!(matches!(part("bytes 4-8/10", unable), Storing::Decline(DeclineReason::Partial)));
    assert!(matches!(part("bytes 4-8/10", able()), Storing::Store(_)));
    assert!(matches!(part("bytes 4-10/10", able()), Storing::Decline(DeclineReason::Partial)));
    assert!(matches!(part("lines 4-8/10", able()), Storing::Decline(DeclineReason::Partial)));
}
