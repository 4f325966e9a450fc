//! `cc-request`: directives of requests.

use super::Seen::{self, Cached, NotCached, Validated};
use super::{Exchange, at};
use crate::reuse::{Miss, miss};
use crate::{RequestDirectives, suite::fields};

fn see(response: &[(&str, &str)], asked: &str, after: u64) -> Seen {
    Exchange::with(response).later(&[("cache-control", asked)]).after(after).see()
}

#[test]
fn cc_request() {
    let hour = ("cache-control", "max-age=3600");
    assert_eq!(see(&[hour], "max-age=0", 3), NotCached, "ccreq-ma0");
    assert_eq!(see(&[hour], "max-age=1", 3), NotCached, "ccreq-ma1");
    assert_eq!(see(&[hour, ("age", "1800")], "max-age=600", 0), NotCached, "ccreq-magreaterage");
    assert_eq!(see(&[hour, ("age", "1800")], "max-age=6000", 0), Cached);
    assert_eq!(see(&[("cache-control", "max-age=1")], "max-stale=1000", 3), Cached, "ccreq-max-stale");
    assert_eq!(see(&[("cache-control", "max-age=1")], "max-stale", 3), Cached);
    assert_eq!(see(&[("cache-control", "max-age=1")], "max-stale=1", 3), NotCached);
    assert_eq!(see(&[("cache-control", "max-age=1500")], "min-fresh=2000", 0), NotCached, "ccreq-min-fresh");
    let aged = [("cache-control", "max-age=1500"), ("age", "1000")];
    assert_eq!(see(&aged, "min-fresh=1000", 0), NotCached, "ccreq-min-fresh-age");
    assert_eq!(see(&aged, "min-fresh=100", 0), Cached);
    assert_eq!(see(&[hour], "no-cache", 0), NotCached, "ccreq-no-cache");
    let (modified, date) = (at(-10_000), at(0));
    assert_eq!(
        see(&[hour, ("last-modified", &modified), ("date", &date)], "no-cache", 0),
        Validated,
        "ccreq-no-cache-lm"
    );
    assert_eq!(see(&[hour, ("etag", "\"abc\"")], "no-cache", 0), Validated, "ccreq-no-cache-etag");
}

#[test]
fn no_store_on_a_request_forbids_storing_not_reuse() {
    let hour = [("cache-control", "max-age=3600")];
    assert_eq!(see(&hour, "no-store", 0), Cached);
    let refused = Exchange::with(&hour).first(&[("cache-control", "no-store")]);
    assert_eq!(refused.see(), NotCached);
}

#[test]
fn ccreq_oic() {
    let request = RequestDirectives::from_headers(&fields(&[("cache-control", "only-if-cached")]));
    assert_eq!(miss(&request), Miss::GatewayTimeout);
    assert_eq!(miss(&RequestDirectives::default()), Miss::Forward);
}
