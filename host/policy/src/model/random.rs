//! Random messages that dwell where the rules meet: few values, close together, so that two of them often differ by one
//! second, one letter or one quote; beside them what senders get wrong.

use std::time::Duration;

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::directives::Value;
use super::{Message, Millis, Moments, SECOND, Targeted, dates, storing};
use crate::Rules;

/// The present, in seconds since 1970: a whole day, 15 January 2027.
const PRESENT: Millis = 1_800_000_000;

const NUMBERS: [&str; 8] = ["0", "1", "10", "59", "60", "61", "100", "3600"];
const LARGE: [&str; 4] = ["2147483647", "2147483648", "99999999999999999999", "00060"];
const NO_NUMBERS: [&str; 7] = ["-1", "1.5", "abc", "", "+60", "60s", "6 0"];

/// Directives that take seconds; those that lifetimes hang on are there more often.
const COUNTS: [&str; 6] =
    ["max-age", "max-age", "max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"];
const FLAGS: [&str; 9] = [
    "public",
    "public",
    "no-store",
    "must-revalidate",
    "proxy-revalidate",
    "must-understand",
    "no-transform",
    "immutable",
    "unknown",
];
const LISTS: [&str; 2] = ["private", "no-cache"];
const FIELD_LISTS: [&str; 8] =
    ["", "=\"set-cookie\"", "=\"a, B\"", "=a", "=\"\"", "=\"a b\"", "=\"a", "=\"a\\\", no-store\""];

const ASKED_COUNTS: [&str; 5] = ["max-age", "min-fresh", "max-stale", "max-stale", "stale-if-error"];
const ASKED_FLAGS: [&str; 6] =
    ["no-cache", "no-store", "only-if-cached", "only-if-cached", "max-stale", "unknown"];

/// Dates that are none, or that lie far out.
const ODD_DATES: [&str; 11] = [
    "0",
    "-1",
    "",
    "Thu, 18 Aug 2050 02:01:18 UTC",
    "Mon, 32 Jan 2027 00:00:00 GMT",
    "Fri, 15 Jan 2027 8:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1903 00:00:00 GMT",
    "Sunday, 06-Nov-77 08:49:37 GMT",
    "Sunday, 06-Nov-78 08:49:37 GMT",
    "Mon, 29 Feb 2027 00:00:00 GMT",
];

const VARIES: [&str; 9] = [
    "foo",
    "Foo, bar",
    "accept-encoding",
    "accept-language, Accept-Encoding",
    "*",
    "foo, *",
    "foo bar",
    "",
    "FOO,foo",
];
const FOOS: [&str; 9] = ["1", "1", "2", "a, b", "a,b", "\"a", "b\"", "\"a,b\"", ""];
const ENCODINGS: [&str; 11] = [
    "gzip",
    "GZIP;q=1.0",
    "gzip, br",
    "br,gzip",
    "gzip;q=0.5",
    "gzip ; Q=0.500",
    "gzip;500",
    "gzip;q=2",
    "*;q=0",
    "gzip;q=0",
    "",
];
const LANGUAGES: [&str; 5] = ["en", "EN", "de, en", "en;q=0.5,de", "de,en ;q=.5"];

fn text(options: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    select(options.to_vec()).prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![12 => text(&NUMBERS), 1 => text(&LARGE), 1 => text(&NO_NUMBERS)]
}

/// A directive that counts seconds, with its argument in one of the ways that senders write it.
fn count(names: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    let argument = (number(), 0..20_u8).prop_map(|(number, way)| match way {
        0..=13 => format!("={number}"),
        14 | 15 => format!("=\"{number}\""),
        16 => format!("=\"{}\"", number.chars().map(|digit| format!("\\{digit}")).collect::<String>()),
        17 => format!(" ={number}"),
        18 => format!("=\"{number}"),
        _ => String::new(),
    });
    (text(names), argument).prop_map(|(name, argument)| name + &argument)
}

/// Most names are in lower case.
fn cased(directive: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (directive, 0..8_u8).prop_map(|(text, way)| match way {
        0 => text.to_ascii_uppercase(),
        _ => text,
    })
}

fn joined(directive: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let separator = text(&[", ", ", ", ",", " ,\t, "]);
    (prop::collection::vec(directive, 0..4), separator).prop_map(|(all, separator)| all.join(&separator))
}

/// One line, seldom two.
fn lines(line: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<String>> {
    (prop::collection::vec(line, 2), prop::bool::weighted(0.15)).prop_map(|(mut lines, both)| {
        lines.truncate(if both { 2 } else { 1 });
        lines
    })
}

fn response_directive() -> impl Strategy<Value = String> {
    let listing = (text(&LISTS), text(&FIELD_LISTS)).prop_map(|(name, fields)| name + &fields);
    let guarded = Just("must-understand, no-store".to_owned());
    cased(prop_oneof![12 => count(&COUNTS), 4 => text(&FLAGS), 2 => listing, 1 => guarded])
}

fn request_directive() -> impl Strategy<Value = String> {
    cased(prop_oneof![3 => count(&ASKED_COUNTS), 2 => text(&ASKED_FLAGS)])
}

/// A date near the present, in any form; or none at all.
fn date() -> impl Strategy<Value = String> {
    let offsets = [-100_000_000, -864_000, -3600, -61, -60, -59, -1, 0, 0, 0, 1, 60, 61, 3600, 86_400];
    let near = (select(offsets.to_vec()), 0..8_usize).prop_map(|(offset, way)| {
        let [fixed, rfc850, asctime] = dates::write(PRESENT + offset);
        match way {
            5 => rfc850,
            6 => asctime,
            7 => fixed.to_ascii_lowercase(),
            _ => fixed,
        }
    });
    prop_oneof![8 => near, 1 => text(&ODD_DATES)]
}

fn value_of_member() -> impl Strategy<Value = (Value, String)> {
    let integer = select(vec![0, 1, 10, 60, 60, 61, 3600, -1, 999_999_999_999_999]);
    let plain = prop_oneof![Just("set-cookie"), Just("60"), Just("a, B"), Just(""), Just("a b")];
    prop_oneof![
        6 => integer.prop_map(|number| (Value::Integer(number), format!("={number}"))),
        2 => Just((Value::Boolean(true), String::new())),
        1 => Just((Value::Boolean(true), "=?1;x=2".to_owned())),
        1 => Just((Value::Boolean(false), "=?0".to_owned())),
        1 => plain.prop_map(|text| (Value::Text(text.to_owned()), format!("=\"{text}\""))),
        1 => text(&["=abc", "=1.5", "=(1 2)", "=:YQ==:"]).prop_map(|text| (Value::Other, text)),
    ]
}

fn targeted_member() -> impl Strategy<Value = ((String, Value), String)> {
    let keys = prop_oneof![3 => text(&COUNTS), 2 => text(&FLAGS), 1 => text(&LISTS)];
    (keys, value_of_member()).prop_map(|(key, (value, text))| ((key.clone(), value), key + &text))
}

fn targeted() -> impl Strategy<Value = Targeted> {
    let name = text(&["cdn-cache-control", "seawall-cache-control"]);
    let broken = text(&[
        "max-age=",
        "max-age=60,",
        "Max-Age=60",
        "max-age=\"60",
        "max-age=60 public",
        "max-age=1234567890123456",
        "=60",
        "max-age=60;",
    ]);
    let whole = prop::collection::vec(targeted_member(), 0..4).prop_map(|all| {
        let (members, texts): (Vec<_>, Vec<_>) = all.into_iter().unzip();
        (texts.join(", "), Some(members))
    });
    let content = prop_oneof![6 => whole, 1 => broken.prop_map(|text| (text, None))];
    (name, content).prop_map(|(name, (text, members))| Targeted { name, text, members })
}

/// Fields that a 304 may or may not carry over, and those that decide little.
fn others() -> impl Strategy<Value = Vec<(String, String)>> {
    let pairs: Vec<(&str, &str)> = vec![
        ("connection", "x-test, cache-control, etag"),
        ("connection", "close"),
        ("content-encoding", "gzip"),
        ("content-length", "10"),
        ("content-length", "20"),
        ("content-location", "/a/b?c"),
        ("content-location", "/other"),
        ("content-location", "HTTP://SHOP.EXAMPLE:80/a/b?c"),
        ("content-location", storing::TARGET),
        ("content-range", "bytes 0-9/20"),
        ("content-range", "bytes 0-9/5"),
        ("content-range", "bytes 5-9/*"),
        ("proxy-authenticate", "Basic"),
        ("set-cookie", "a=b"),
        ("transfer-encoding", "chunked"),
        ("x-test", "1"),
        ("x-test", "2"),
    ];
    let pair = select(pairs).prop_map(|(name, value)| (name.to_owned(), value.to_owned()));
    prop::collection::vec(pair, 0..4)
}

fn with(fields: &mut Vec<(String, String)>, name: &str, lines: impl IntoIterator<Item = String>) {
    fields.extend(lines.into_iter().map(|line| (name.to_owned(), line)));
}

pub(super) fn response() -> BoxedStrategy<Message> {
    let times = (weighted(0.3, lines(date())), weighted(0.7, date()), weighted(0.4, date()));
    let ages = prop_oneof![6 => number(), 1 => text(&["5, 10", "abc, 5", " 60 "])];
    (
        weighted(0.8, lines(joined(response_directive()))),
        weighted(0.15, targeted()),
        times,
        weighted(0.3, lines(ages)),
        weighted(0.3, text(&["\"a\"", "W/\"a\"", "\"b\""])),
        weighted(0.3, lines(text(&VARIES))),
        others(),
    )
        .prop_map(|(control, targeted, (expires, date, modified), age, etag, vary, mut fields)| {
            with(&mut fields, "cache-control", control.into_iter().flatten());
            with(&mut fields, "expires", expires.into_iter().flatten());
            with(&mut fields, "date", date);
            with(&mut fields, "last-modified", modified);
            with(&mut fields, "age", age.into_iter().flatten());
            with(&mut fields, "etag", etag);
            with(&mut fields, "vary", vary.into_iter().flatten());
            Message { fields, targeted: targeted.into_iter().collect() }
        })
        .boxed()
}

pub(super) fn request() -> BoxedStrategy<Message> {
    (
        weighted(0.4, lines(joined(request_directive()))),
        weighted(0.1, text(&["no-cache", "x, No-Cache", "x"])),
        weighted(0.15, Just("Basic YTpi".to_owned())),
        weighted(0.6, lines(text(&FOOS))),
        weighted(0.3, text(&["1", "2", ""])),
        weighted(0.6, lines(text(&ENCODINGS))),
        weighted(0.6, text(&LANGUAGES)),
    )
        .prop_map(|(control, pragma, authorization, foo, bar, encoding, language)| {
            let mut fields = Vec::new();
            with(&mut fields, "cache-control", control.into_iter().flatten());
            with(&mut fields, "pragma", pragma);
            with(&mut fields, "authorization", authorization);
            with(&mut fields, "foo", foo.into_iter().flatten());
            with(&mut fields, "bar", bar);
            with(&mut fields, "accept-encoding", encoding.into_iter().flatten());
            with(&mut fields, "accept-language", language);
            Message { fields, targeted: Vec::new() }
        })
        .boxed()
}

pub(super) fn status() -> impl Strategy<Value = u16> {
    prop_oneof![
        8 => Just(200),
        4 => select(vec![100, 103, 203, 206, 299, 302, 304, 403, 404, 418, 499, 500, 503, 599, 600, 999]),
    ]
}

pub(super) fn method() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just("GET"), 1 => Just("POST"), 1 => select(vec!["HEAD", "PUT", "QUERY", "get"])]
}

/// Half a second on some, so that nothing depends on whole ones.
fn half() -> impl Strategy<Value = Millis> {
    select(vec![0, 0, 0, 500])
}

pub(super) fn moments() -> impl Strategy<Value = Moments> {
    (select(vec![0, 0, 0, 1, 5, 30, -3]), half(), half()).prop_map(|(delay, one, other)| {
        let received = PRESENT * SECOND + one;
        Moments { requested: received - delay * SECOND - other, received }
    })
}

/// How long after the receipt somebody asks.
pub(super) fn later() -> impl Strategy<Value = Millis> {
    let seconds =
        vec![0, 0, 1, 9, 10, 11, 30, 58, 59, 60, 61, 99, 100, 101, 120, 121, 3599, 3600, 3601, 86_400, -10];
    let near = select(seconds);
    (prop_oneof![20 => near, 1 => Just(4_000_000_000)], half())
        .prop_map(|(seconds, half)| seconds * SECOND + half)
}

/// A response, a request and a time that lie on an edge of each other: the time is where a lifetime, and what one more
/// directive adds to it or takes away, ends; or just beside.
pub(super) fn edge() -> impl Strategy<Value = (Message, Message, Millis)> {
    let own = select(vec!["stale-while-revalidate=", "stale-if-error=", "s-maxage=", "unknown="]);
    let asked = select(ASKED_COUNTS.to_vec());
    let seconds = (select(vec![1, 10, 60]), select(vec![0, 1, 9, 10]));
    let side = (select(vec![-1, 0, 1]), select(vec![-SECOND, -1, 0, 0, 1, SECOND]));
    (own, asked, seconds, side, any::<bool>()).prop_map(
        |(own, asked, (lifetime, more), (sign, beside), alone)| {
            let control = format!("max-age={lifetime}, {own}{more}");
            let asked = if alone { format!("{asked}={more}") } else { format!("max-stale, {asked}={more}") };
            let message =
                |control| Message { fields: vec![("cache-control".to_owned(), control)], targeted: vec![] };
            let whole = if sign == 0 && alone { more } else { lifetime + sign * more };
            (message(control), message(asked), whole * SECOND + beside)
        },
    )
}

/// Moments without a delay, so that ages are what was meant.
pub(super) fn at_once() -> Moments {
    Moments { requested: PRESENT * SECOND, received: PRESENT * SECOND }
}

pub(super) fn rules() -> impl Strategy<Value = Rules> {
    let some = || weighted(0.4, select(vec![0, 1, 10, 60, 61]).prop_map(Duration::from_secs));
    let switch = || any::<bool>();
    let own = (
        (some(), some(), some(), some(), some()),
        (switch(), switch(), switch(), switch(), switch(), switch()),
    );
    let own = own.prop_map(|(times, switches)| {
        let (default_ttl, negative_ttl, stale_while_revalidate, stale_if_error, stale_when_disconnected) =
            times;
        let (heuristics, stale_beside_s_maxage, request_directives, cookies, store_partial, store_post) =
            switches;
        Rules {
            default_ttl,
            negative_ttl,
            heuristics,
            stale_while_revalidate,
            stale_if_error,
            stale_when_disconnected,
            stale_beside_s_maxage,
            request_directives,
            store_set_cookie: cookies,
            store_partial,
            store_post,
            // What an operator's rules replace has tables of its own (`storing/tests.rs`): the model is of the RFCs.
            ..Rules::default()
        }
    });
    prop_oneof![Just(Rules::default()), own]
}
