//! Tags, groups, `CDN-Loop`, `Via`, the fields of one connection, and the status fields that this cache writes.

use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue, VIA};
use http::{Method, StatusCode, Version};
use seawall_policy::groups::{CACHE_GROUP_INVALIDATION, CACHE_GROUPS, MAX_GROUP_BYTES, MAX_GROUPS};
use seawall_policy::tags::{CACHE_TAG, CDN_TAG, EDGE_CACHE_TAG, MAX_ONE_TAG_BYTES, MAX_TAG_BYTES, MAX_TAGS};
use seawall_policy::tags::{SURROGATE_KEY, XKEY};
use seawall_policy::via::Via;
use seawall_policy::{CacheStatus, Forward, ProxyError, ProxyStatus, cdn_loop, fields, groups, tags};

use crate::play::{Play, field};

pub(crate) fn tags(data: &[u8]) {
    for name in [SURROGATE_KEY, CACHE_TAG, EDGE_CACHE_TAG, XKEY, CDN_TAG, CACHE_GROUPS] {
        let headers = field(&name, data);
        let Ok(tags) = tags::tags(&headers) else { continue };
        assert!(tags.len() <= MAX_TAGS && tags.iter().map(|tag| tag.len()).sum::<usize>() <= MAX_TAG_BYTES);
        assert!(tags.iter().all(|tag| !tag.is_empty() && tag.len() <= MAX_ONE_TAG_BYTES));
        assert!(tags.is_sorted() && tags.windows(2).all(|pair| pair.first() != pair.last()));
        if name == CACHE_GROUPS {
            let groups = groups::groups(&headers);
            assert!(
                groups
                    .iter()
                    .filter(|group| !group.is_empty())
                    .all(|group| tags.contains(&group.as_str().into()))
            );
        }
    }
}

pub(crate) fn groups(data: &[u8]) {
    let groups = groups::groups(&field(&CACHE_GROUPS, data));
    assert!(groups.len() <= MAX_GROUPS && groups.iter().all(|group| group.len() <= MAX_GROUP_BYTES));
    let headers = field(&CACHE_GROUP_INVALIDATION, data);
    let of = |method: Method, status| groups::invalidated_groups(&method, status, &headers);
    assert_eq!(of(Method::POST, StatusCode::OK), groups);
    assert!(of(Method::GET, StatusCode::OK).is_empty());
    assert!(of(Method::POST, StatusCode::INTERNAL_SERVER_ERROR).is_empty());
}

pub(crate) fn cdn_loop(data: &[u8]) {
    let mut headers = field(&cdn_loop::CDN_LOOP, data);
    let before = cdn_loop::visits(&headers, "seawall");
    assert!(before.own <= before.all && before.all <= cdn_loop::MAX_MEMBERS);
    cdn_loop::append(&mut headers, &HeaderValue::from_static("seawall"));
    let after = cdn_loop::visits(&headers, "SEAWALL");
    // Nothing that a sender writes hides our own visit: the request is recognised, or it is in a loop by its length.
    assert!(after.own == before.own + 1 || after.all == cdn_loop::MAX_MEMBERS);
}

pub(crate) fn hop_by_hop(data: &[u8]) {
    let play = Play::read(data);
    let kept = [HOST, CONTENT_LENGTH, AUTHORIZATION, CACHE_CONTROL];
    for mut headers in [play.request, play.response] {
        let before = headers.clone();
        fields::strip_hop_by_hop(&mut headers);
        assert!(fields::HOP_BY_HOP.iter().all(|name| !headers.contains_key(name)));
        for name in &kept {
            assert!(headers.get_all(name).iter().eq(before.get_all(name)));
        }
        let once = headers.clone();
        fields::strip_hop_by_hop(&mut headers);
        assert_eq!(headers, once);
        fields::strip_unstorable(&mut headers);
        assert!(fields::PROXY_ONLY.iter().all(|name| !headers.contains_key(name)));
    }
}

/// `@` lines: a name, a key, a detail.
pub(crate) fn via_and_status(data: &[u8]) {
    let play = Play::read(data);
    let text = |place: usize| play.texts.get(place).copied().unwrap_or_default();
    if let Some(via) = Via::new(text(0)) {
        let mut headers: HeaderMap = play.request.clone();
        via.append(&mut headers, Version::HTTP_2);
        let last = headers.get_all(VIA).iter().next_back().and_then(|value| value.to_str().ok());
        assert_eq!(last, Some(format!("2 {}", text(0)).as_str()));
    }
    // Whatever is in a name or a text, what is written is one member of a structured list (RFC 9211 §2).
    let mut status = CacheStatus::forward(text(0), Forward::UriMiss);
    status.key = Some(text(1));
    status.detail = Some(text(2));
    status.ttl = Some(play.number(0));
    let mut cache_status = Vec::new();
    status.render(&mut cache_status);
    let mut failed = ProxyStatus::failed(text(0), ProxyError::DnsTimeout);
    failed.next_hop = Some(text(1));
    failed.details = Some(text(2));
    let mut proxy_status = Vec::new();
    failed.render(&mut proxy_status);
    for written in [cache_status, proxy_status] {
        let list = sfv::Parser::new(&written).parse::<sfv::List>();
        assert!(list.is_ok_and(|list| list.len() == 1), "{}", String::from_utf8_lossy(&written));
    }
}
