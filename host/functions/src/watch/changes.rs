//! What a call changed, in words for people.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::exchange::{Exchange, RequestHead, ResponseHead, RouteEdits, Vars};
use crate::guest_log::printable;
use crate::store_policy::StoreEdits;

/// Longest value that is shown, in bytes: a line of a terminal.
const SHOWN_MAX_BYTES: usize = 80;

/// What there was before the call.
pub(super) struct Before {
    request: RequestHead,
    response: Option<ResponseHead>,
    route: RouteEdits,
    store: StoreEdits,
    vars: Vars,
}

impl Before {
    pub(super) fn of(exchange: &Exchange) -> Self {
        let Exchange { request, response, route, store, vars, .. } = exchange;
        Self {
            request: request.clone(),
            response: response.clone(),
            route: route.clone(),
            store: store.as_ref().map(|store| store.edits.clone()).unwrap_or_default(),
            vars: vars.clone(),
        }
    }

    /// What is different now.
    pub(super) fn changes(&self, after: &Exchange) -> Vec<String> {
        let mut changes = Vec::new();
        let (old, new) = (&self.request, &after.request);
        if old.method != new.method {
            changes.push(format!("method {} → {}", old.method, new.method));
        }
        if old.path_and_query != new.path_and_query {
            let shown = |path: &str| printable(path, SHOWN_MAX_BYTES);
            let (old, new) = (shown(old.path_and_query.as_str()), shown(new.path_and_query.as_str()));
            changes.push(format!("path {old} → {new}"));
        }
        fields(&old.headers, &new.headers, &mut changes);
        if let (Some(old), Some(new)) = (&self.response, &after.response) {
            if old.status != new.status {
                changes.push(format!("status {} → {}", old.status.as_u16(), new.status.as_u16()));
            }
            fields(&old.headers, &new.headers, &mut changes);
        }
        route(&self.route, &after.route, &mut changes);
        if let Some(store) = &after.store {
            policy(&self.store, &store.edits, &mut changes);
        }
        if self.vars != after.vars {
            changes.push("vars".to_owned());
        }
        changes
    }
}

fn fields(old: &HeaderMap, new: &HeaderMap, changes: &mut Vec<String>) {
    let values = |of: &HeaderMap, name: &HeaderName| -> Vec<HeaderValue> {
        of.get_all(name).iter().cloned().collect()
    };
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    changes.extend(gone.map(|name| format!("- {name}")));
    for name in new.keys() {
        let now = values(new, name);
        if now != values(old, name) {
            let texts: Vec<_> = now.iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            changes.push(format!("+ {name}: {}", printable(&texts.join(", "), SHOWN_MAX_BYTES)));
        }
    }
}

fn route(old: &RouteEdits, new: &RouteEdits, changes: &mut Vec<String>) {
    if let Some(origin) = new.origin.as_ref().filter(|_| old.origin != new.origin) {
        changes.push(format!("origin {origin}"));
    }
    if let Some(host) = new.origin_host.as_ref().filter(|_| old.origin_host != new.origin_host) {
        changes.push(format!("origin host {host}"));
    }
    for (name, value) in new.key_parts.iter().filter(|part| !old.key_parts.contains(part)) {
        let value = printable(&String::from_utf8_lossy(value), SHOWN_MAX_BYTES);
        changes.push(format!("key part {} = {value}", printable(name, SHOWN_MAX_BYTES)));
    }
    if new.pass && !old.pass {
        changes.push("pass".to_owned());
    }
}

fn policy(old: &StoreEdits, new: &StoreEdits, changes: &mut Vec<String>) {
    for (name, before, now) in [
        ("ttl", old.ttl, new.ttl),
        ("stale-while-revalidate", old.stale_while_revalidate, new.stale_while_revalidate),
        ("stale-if-error", old.stale_if_error, new.stale_if_error),
        ("hit-for-miss", old.hit_for_miss, new.hit_for_miss),
    ] {
        if let Some(time) = now.filter(|_| before != now) {
            changes.push(format!("{name} {} s", time.as_secs()));
        }
    }
    let tags: Vec<&str> = new.tags.iter().filter(|tag| !old.tags.contains(tag)).map(AsRef::as_ref).collect();
    if !tags.is_empty() {
        changes.push(format!("tags {}", printable(&tags.join(" "), SHOWN_MAX_BYTES)));
    }
    if let Some(names) = new.vary.as_ref().filter(|_| old.vary != new.vary) {
        let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
        changes.push(format!("vary {}", printable(&names.join(", "), SHOWN_MAX_BYTES)));
    }
}
