//! `auth`: responses to requests with `Authorization`.

use super::{Exchange, Seen, at};
use crate::{DeclineReason, Storing};

fn authorized(response: &[(&str, &str)]) -> Exchange {
    Exchange::with(response).first(&[("authorization", "FOO")])
}

#[test]
fn other_authorization() {
    let refused = authorized(&[("expires", &at(2_592_000)), ("date", &at(0))]).storing();
    assert!(matches!(refused, Storing::Decline(DeclineReason::Authorization)));
    let refused = authorized(&[("cache-control", "max-age=3600")]).storing();
    assert!(matches!(refused, Storing::Decline(DeclineReason::Authorization)));
}

#[test]
fn directives_that_allow_for_it() {
    for cache_control in ["max-age=3600, public", "max-age=3600, must-revalidate", "s-maxage=3600"] {
        assert_eq!(authorized(&[("cache-control", cache_control)]).see(), Seen::Cached, "{cache_control}");
    }
}
