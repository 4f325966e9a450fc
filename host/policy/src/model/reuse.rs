//! Answering from what is stored (RFC 9111 §4; RFC 5861).

use super::directives::{Asks, Part, Says};
use super::{Message, Millis, Moments, SECOND, freshness};
use crate::Rules;

/// A stored response.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) status: u16,
    pub(super) response: Message,
    pub(super) moments: Moments,
}

/// How long past its lifetime a response may be used, and for what.
pub(super) struct Windows {
    pub(super) while_revalidate: Millis,
    pub(super) if_error: Millis,
}

/// RFC 9111 §4.2.4: what forbids every use of a stale response.
fn forbids_stale(says: &Says) -> bool {
    says.no_cache == Part::Everything || says.must_revalidate || says.proxy_revalidate
}

/// The same, and §5.2.2.10: `s-maxage` means `proxy-revalidate` too.
pub(super) fn forbids_unasked_stale(says: &Says) -> bool {
    forbids_stale(says) || says.s_maxage.is_some()
}

/// The response's own windows, or the site's where the response has none.
pub(super) fn windows(says: &Says, rules: &Rules) -> Windows {
    let window = |own: Option<i128>, site: Option<std::time::Duration>| match own {
        Some(_) if forbids_stale(says) => 0,
        Some(_) if says.s_maxage.is_some() && !rules.stale_beside_s_maxage => 0,
        Some(own) => own * SECOND,
        None if forbids_unasked_stale(says) => 0,
        None => site.map_or(0, |site| site.as_millis() as Millis),
    };
    Windows {
        while_revalidate: window(says.stale_while_revalidate, rules.stale_while_revalidate),
        if_error: window(says.stale_if_error, rules.stale_if_error),
    }
}

/// What the request asks, as far as the site lets it.
pub(super) fn heard(request: &Message, rules: &Rules) -> Asks {
    let asks = Asks::of(request);
    if rules.request_directives {
        return asks;
    }
    Asks { only_if_cached: asks.only_if_cached, no_store: asks.no_store, ..Asks::default() }
}

impl Stored {
    pub(super) fn age(&self, now: Millis) -> Millis {
        freshness::current_age(&self.response, self.moments, now)
    }

    pub(super) fn lifetime(&self, rules: &Rules) -> Millis {
        freshness::lifetime(self.status, &self.response, self.moments.received, rules).0
    }

    /// The word for what to do: `fresh`, `stale-while-revalidate`, `max-stale`, `revalidate` or `only-if-cached`.
    pub(super) fn reuse(
        &self,
        request: &Message,
        purged_softly: bool,
        rules: &Rules,
        now: Millis,
    ) -> &'static str {
        let asks = heard(request, rules);
        let without_asking = self.without_asking(&asks, purged_softly, rules, now);
        match without_asking {
            Some(word) => word,
            None if asks.only_if_cached => "only-if-cached",
            None => "revalidate",
        }
    }

    fn without_asking(
        &self,
        asks: &Asks,
        purged_softly: bool,
        rules: &Rules,
        now: Millis,
    ) -> Option<&'static str> {
        let says = Says::of(&self.response);
        let (age, lifetime) = (self.age(now), self.lifetime(rules));
        if says.no_cache == Part::Everything || asks.no_cache {
            return None;
        }
        // §5.2.1.1: "the client prefers a response whose age is less than or equal to the specified number of seconds".
        if asks.max_age.is_some_and(|limit| age > limit * SECOND) {
            return None;
        }
        // §4.2: response_is_fresh = (freshness_lifetime > current_age)
        if lifetime > age && !purged_softly {
            // §5.2.1.3: "freshness lifetime is no less than its current age plus the specified time in seconds".
            let enough = asks.min_fresh.is_none_or(|wanted| lifetime >= age + wanted * SECOND);
            return enough.then_some("fresh");
        }
        if asks.min_fresh.is_some() {
            return None;
        }
        // §5.2.1.1: "Unless the max-stale request directive is also present, the client does not wish to receive a
        // stale response."
        let stale_is_fine = asks.max_age.is_none() || asks.max_stale.is_some();
        let staleness = (age - lifetime).max(0);
        if stale_is_fine && staleness < windows(&says, rules).while_revalidate {
            return Some("stale-while-revalidate");
        }
        let accepted = asks.max_stale.is_some_and(|limit| limit == i128::MAX || staleness <= limit * SECOND);
        (accepted && !purged_softly && !forbids_unasked_stale(&says)).then_some("max-stale")
    }

    /// The word for whether it may stand in for a failed answer: `stale-if-error`, `disconnected` or `no`. `failed`
    /// with a status, or without an answer at all.
    pub(super) fn on_error(
        &self,
        request: &Message,
        failed: Option<u16>,
        rules: &Rules,
        now: Millis,
    ) -> &'static str {
        let (says, asks) = (Says::of(&self.response), heard(request, rules));
        let is_error = failed.is_none_or(|status| [500, 502, 503, 504].contains(&status));
        if !is_error || asks.no_cache {
            return "no";
        }
        let staleness = (self.age(now) - self.lifetime(rules)).max(0);
        let own = windows(&says, rules).if_error;
        let forbidden = forbids_unasked_stale(&says);
        // RFC 5861 §4 gives the request the directive too.
        let wanted = asks.stale_if_error.filter(|_| !forbidden).unwrap_or(0) * SECOND;
        let window = own.max(wanted);
        if window > 0 && staleness <= window {
            return "stale-if-error";
        }
        // RFC 9111 §4.2.4: "unless it is disconnected".
        let limit = rules.stale_when_disconnected.map(|limit| limit.as_millis() as Millis);
        match limit {
            Some(limit) if failed.is_none() && !forbidden && staleness <= limit => "disconnected",
            _ => "no",
        }
    }
}
