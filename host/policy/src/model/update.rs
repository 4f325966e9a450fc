//! What a 304 does to the stored fields (RFC 9111 §3.2, §4.3.4).

use std::collections::BTreeMap;

use super::{Message, Millis, SECOND, dates};

/// Fields of one connection (RFC 9110 §7.6.1) and between proxies (RFC 9111 §3.1).
const NEVER_STORED: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
];

/// What describes the stored content, which a 304 does not bring anew.
const OF_THE_CONTENT: [&str; 3] = ["content-length", "content-encoding", "content-range"];

/// Fields for every recipient, which `Connection` therefore cannot name (RFC 9110 §7.6.1).
const FOR_EVERYBODY: [&str; 22] = [
    "age",
    "authorization",
    "cache-control",
    "cdn-cache-control",
    "cdn-loop",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expires",
    "forwarded",
    "host",
    "last-modified",
    "location",
    "pragma",
    "seawall-cache-control",
    "set-cookie",
    "vary",
    "via",
];

/// The lines of each field.
pub(super) type Fields = BTreeMap<String, Vec<String>>;

/// A message's fields by name.
pub(super) fn by_name(message: &Message) -> Fields {
    let mut fields = Fields::new();
    let targeted = message.targeted.iter().map(|field| (&field.name, &field.text));
    for (name, value) in message.fields.iter().map(|(name, value)| (name, value)).chain(targeted) {
        fields.entry(name.clone()).or_default().push(value.clone());
    }
    fields
}

/// Whether `name` is among what the message's `Connection` lists.
fn is_listed(message: &Message, name: &str) -> bool {
    let listed = message.members("connection");
    listed.iter().any(|option| option.eq_ignore_ascii_case(name)) && !FOR_EVERYBODY.contains(&name)
}

/// What of a 304 replaces stored fields.
pub(super) fn replacing(not_modified: &Message) -> Message {
    let kept = |name: &str| {
        !NEVER_STORED.contains(&name) && !OF_THE_CONTENT.contains(&name) && !is_listed(not_modified, name)
    };
    let mut update = not_modified.clone();
    update.fields.retain(|(name, _)| kept(name));
    update.targeted.retain(|field| kept(&field.name));
    update
}

/// The stored message after the 304.
pub(super) fn freshen(stored: &Message, not_modified: &Message, received: Millis) -> Message {
    let update = replacing(not_modified);
    let replaced = by_name(&update);
    let mut message = stored.clone();
    message.fields.retain(|(name, _)| !replaced.contains_key(name));
    message.targeted.retain(|field| !replaced.contains_key(&field.name));
    // `Age` and `Date` are the message's own: the 304 is younger than what it validates.
    message.fields.retain(|(name, _)| name != "age");
    let seconds = received.div_euclid(SECOND);
    if !replaced.contains_key("date") && (0..=dates::END_OF_DATES).contains(&seconds) {
        let [made, _, _] = dates::write(seconds);
        message.fields.retain(|(name, _)| name != "date");
        message.fields.push(("date".to_owned(), made));
    }
    message.fields.extend(update.fields);
    message.targeted.extend(update.targeted);
    message
}
