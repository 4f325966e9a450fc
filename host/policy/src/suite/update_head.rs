//! `updateHEAD`: what a HEAD response says of a stored GET response.

use http::StatusCode;

use super::fields;
use crate::validation::{HeadEffect, head_update};

#[test]
fn update_head() {
    let stored = fields(&[("etag", "\"a\""), ("content-length", "5"), ("template-a", "1")]);
    let head = |status, head: &[(&str, &str)]| head_update(StatusCode::OK, &stored, status, &fields(head));
    assert_eq!(head(StatusCode::OK, &[("template-a", "2")]), HeadEffect::Freshens, "head-200-update");
    assert_eq!(head(StatusCode::OK, &[("etag", "\"a\""), ("content-length", "5")]), HeadEffect::Freshens);
    assert_eq!(head(StatusCode::OK, &[("etag", "\"b\"")]), HeadEffect::Invalidates);
    assert_eq!(head(StatusCode::OK, &[("content-length", "6")]), HeadEffect::Invalidates);
    assert_eq!(head(StatusCode::GONE, &[("template-a", "2")]), HeadEffect::Nothing, "head-410-update");
}
