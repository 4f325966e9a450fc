//! `Cache-Control` on both sides, the targeted fields, dates and `Age`: each input is lines of that field.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::StatusCode;
use http::header::{AGE, CACHE_CONTROL, HeaderName, HeaderValue, PRAGMA};
use seawall_policy::cache_control::MAX_DELTA_SECONDS;
use seawall_policy::targeted::{CDN_CACHE_CONTROL, SEAWALL_CACHE_CONTROL};
use seawall_policy::terms::Times;
use seawall_policy::{
    LifetimeSource, MaxStale, RequestDirectives, ResponseDirectives, Rules, Terms, age, date, targeted,
};

use crate::play::{field, lines, present};

const LONGEST: Duration = Duration::from_secs(MAX_DELTA_SECONDS);

fn assert_bounded(directives: &ResponseDirectives) {
    let ResponseDirectives { max_age, s_maxage, stale_while_revalidate, stale_if_error, .. } = directives;
    for seconds in [max_age, s_maxage, stale_while_revalidate, stale_if_error].into_iter().flatten() {
        assert!(*seconds <= LONGEST);
    }
}

pub(crate) fn cache_control(data: &[u8]) {
    let mut headers = field(&CACHE_CONTROL, data);
    let response = ResponseDirectives::from_headers(&headers);
    assert_bounded(&response);
    assert!(!response.private.is_everything() || response.private.fields().is_empty());
    let request = RequestDirectives::from_headers(&headers);
    for seconds in [request.max_age, request.min_fresh, request.stale_if_error].into_iter().flatten() {
        assert!(seconds <= LONGEST);
    }
    assert!(!matches!(request.max_stale, Some(MaxStale::Within(limit)) if limit > LONGEST));

    // Whatever stands before it, a line of its own is heard, and takes nothing back.
    headers.append(CACHE_CONTROL, HeaderValue::from_static("no-store, private, no-cache, max-age=1"));
    let (more, asked) =
        (ResponseDirectives::from_headers(&headers), RequestDirectives::from_headers(&headers));
    assert!(more.no_store && more.private.is_everything() && more.no_cache.is_everything());
    assert!(asked.no_store && asked.no_cache);
    assert!(more.max_age == response.max_age || response.max_age.is_none());
    assert_eq!((more.public, more.must_revalidate), (response.public, response.must_revalidate));
    let _ = RequestDirectives::from_headers(&field(&PRAGMA, data));
}

pub(crate) fn targeted(data: &[u8]) {
    let general = (CACHE_CONTROL, HeaderValue::from_static("max-age=77"));
    let times = Times { requested_at: present(), received_at: present() };
    for name in [CDN_CACHE_CONTROL, SEAWALL_CACHE_CONTROL] {
        let mut headers = field(&name, data);
        headers.append(&general.0, general.1.clone());
        headers.append("expires", HeaderValue::from_static("Fri, 31 Dec 9999 23:59:59 GMT"));
        let own = targeted::directives(&headers);
        own.iter().for_each(assert_bounded);
        let source = Terms::read(StatusCode::OK, &headers, times, &Rules::default()).source();
        match own {
            Some(own) if own.max_age.is_some() || own.s_maxage.is_some() => {
                assert_eq!(source, LifetimeSource::Targeted);
            }
            // A usable field switches the others off, one that is not switches nothing off.
            Some(_) => assert_eq!(source, LifetimeSource::None),
            None => assert_eq!(source, LifetimeSource::MaxAge),
        }
    }
    both(data);
}

/// The field for this cache alone is preferred to the one for every CDN.
fn both(data: &[u8]) {
    let mut headers = field(&CDN_CACHE_CONTROL, data);
    headers.append(SEAWALL_CACHE_CONTROL, HeaderValue::from_static("max-age=5"));
    let five = targeted::directives(&headers).and_then(|own| own.max_age);
    assert_eq!(five, Some(Duration::from_secs(5)));
}

pub(crate) fn date(data: &[u8]) {
    for line in lines(data) {
        for now in [UNIX_EPOCH, present(), present() + Duration::from_secs(1 << 33)] {
            let Some(at) = date::parse(line, now) else { continue };
            let Some(written) = date::render(at) else { continue };
            assert_eq!(date::parse_value(&written, now), Some(at));
        }
    }
}

pub(crate) fn age(data: &[u8]) {
    let mut headers = field(&AGE, data);
    let said = age::age_value(&headers);
    assert!(said <= LONGEST);
    for date in lines(data).take(4).filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        headers.insert(HeaderName::from_static("date"), date);
        let at = |seconds| present() + Duration::from_secs(seconds);
        let initial = age::corrected_initial_age(&headers, present(), at(3));
        assert!(initial >= said + Duration::from_secs(3));
        assert!(age::corrected_initial_age(&headers, at(3), present()) <= initial);
        assert_eq!(age::current_age(initial, at(3), at(5)), initial + Duration::from_secs(2));
        let far: SystemTime = at(u64::from(u32::MAX));
        assert!(age::current_age(Duration::MAX, present(), far) == Duration::MAX);
    }
}
