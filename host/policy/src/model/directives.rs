//! What `Cache-Control`, `Pragma` and the targeted fields say (RFC 9111 §5.2, §5.4; RFC 9213).

use std::collections::BTreeSet;

use super::{Message, list};

/// A member's value in a targeted field (RFC 9651).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Boolean(bool),
    Integer(i64),
    Text(String),
    /// A token, a decimal, an inner list: nothing that a directive takes.
    Other,
}

/// What stands after a directive's `=`.
#[derive(Clone, Debug)]
enum Argument {
    Nothing,
    Text(String),
    Unreadable,
}

impl Argument {
    fn seconds(&self) -> Option<i128> {
        match self {
            Self::Text(text) => list::seconds(text),
            _ => None,
        }
    }
}

/// The part of the response that a directive with field names is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Part {
    #[default]
    Nothing,
    Everything,
    Fields(BTreeSet<String>),
}

/// What a response tells a shared cache.
#[derive(Clone, Debug, Default)]
pub(super) struct Says {
    /// Whether a targeted field said it.
    pub(super) targeted: bool,
    pub(super) public: bool,
    pub(super) no_store: bool,
    pub(super) must_understand: bool,
    /// `must-revalidate` alone.
    pub(super) must_revalidate: bool,
    pub(super) proxy_revalidate: bool,
    pub(super) private: Part,
    pub(super) no_cache: Part,
    pub(super) max_age: Option<i128>,
    pub(super) s_maxage: Option<i128>,
    pub(super) stale_while_revalidate: Option<i128>,
    pub(super) stale_if_error: Option<i128>,
}

/// What a request asks of a cache.
#[derive(Clone, Debug, Default)]
pub(super) struct Asks {
    pub(super) no_cache: bool,
    pub(super) no_store: bool,
    pub(super) only_if_cached: bool,
    pub(super) max_age: Option<i128>,
    pub(super) min_fresh: Option<i128>,
    /// Infinite where it has no argument.
    pub(super) max_stale: Option<i128>,
    pub(super) stale_if_error: Option<i128>,
}

fn named(directives: &[(String, Argument)], name: &str) -> Vec<Argument> {
    directives.iter().filter(|(own, _)| own == name).map(|(_, argument)| argument.clone()).collect()
}

fn has(directives: &[(String, Argument)], name: &str) -> bool {
    !named(directives, name).is_empty()
}

/// The first that can be read.
fn readable(directives: &[(String, Argument)], name: &str) -> Option<i128> {
    named(directives, name).iter().find_map(Argument::seconds)
}

/// The first, whatever it is; one that cannot be read makes the response stale (RFC 9111 §4.2.1).
fn lifetime(directives: &[(String, Argument)], name: &str) -> Option<i128> {
    named(directives, name).first().map(|first| first.seconds().unwrap_or(0))
}

fn part(directives: &[(String, Argument)], name: &str) -> Part {
    let mut fields = BTreeSet::new();
    let arguments = named(directives, name);
    if arguments.is_empty() {
        return Part::Nothing;
    }
    for argument in arguments {
        let Argument::Text(text) = argument else { return Part::Everything };
        let names = list::members(&text);
        if names.is_empty() || !names.iter().all(|name| list::is_token(name)) {
            return Part::Everything;
        }
        fields.extend(names.iter().map(|name| name.to_ascii_lowercase()));
    }
    Part::Fields(fields)
}

/// `cache-directive = token [ "=" ( token / quoted-string ) ]` (RFC 9111 §5.2).
fn read(member: &str) -> (String, Argument) {
    let Some((name, argument)) = member.split_once('=') else {
        return (member.to_ascii_lowercase(), Argument::Nothing);
    };
    let unspaced = list::trim(name) == name;
    let text = if list::is_token(argument) { Some(argument.to_owned()) } else { list::unquoted(argument) };
    let argument = text.filter(|_| unspaced).map_or(Argument::Unreadable, Argument::Text);
    (list::trim(name).to_ascii_lowercase(), argument)
}

/// The first field of the list that parses and is not empty (RFC 9213 §2.2).
fn targeted(response: &Message) -> Option<Vec<(String, Argument)>> {
    for name in ["seawall-cache-control", "cdn-cache-control"] {
        let field = response.targeted.iter().find(|field| field.name == name);
        let Some(members) = field.and_then(|field| field.members.clone()) else { continue };
        if members.is_empty() {
            continue;
        }
        // Of a key that is there twice the last counts (RFC 9651 §3.2).
        let last = |(index, (key, _)): &(usize, &(String, Value))| {
            members.iter().rposition(|(other, _)| other == key) == Some(*index)
        };
        let kept = members.iter().enumerate().filter(last);
        return Some(kept.filter_map(|(_, (key, value))| Some((key.clone(), taken(key, value)?))).collect());
    }
    None
}

/// The argument that a member stands for; nothing for `?0`, which says that the directive is not meant.
fn taken(key: &str, value: &Value) -> Option<Argument> {
    let counts = ["max-age", "s-maxage", "stale-while-revalidate", "stale-if-error"].contains(&key);
    let lists = ["private", "no-cache"].contains(&key);
    match value {
        Value::Boolean(said) => said.then_some(Argument::Nothing),
        Value::Integer(number) if counts && *number >= 0 => Some(Argument::Text(number.to_string())),
        Value::Text(text) if lists => Some(Argument::Text(text.clone())),
        _ => Some(Argument::Unreadable),
    }
}

impl Says {
    pub(super) fn of(response: &Message) -> Self {
        let targeted = targeted(response);
        let general = || response.members("cache-control").iter().map(|member| read(member)).collect();
        let is_targeted = targeted.is_some();
        let directives: Vec<(String, Argument)> = targeted.unwrap_or_else(general);
        let d = directives.as_slice();
        Self {
            targeted: is_targeted,
            public: has(d, "public"),
            no_store: has(d, "no-store"),
            must_understand: has(d, "must-understand"),
            must_revalidate: has(d, "must-revalidate"),
            proxy_revalidate: has(d, "proxy-revalidate"),
            private: part(d, "private"),
            no_cache: part(d, "no-cache"),
            max_age: lifetime(d, "max-age"),
            s_maxage: lifetime(d, "s-maxage"),
            stale_while_revalidate: readable(d, "stale-while-revalidate"),
            stale_if_error: readable(d, "stale-if-error"),
        }
    }
}

impl Asks {
    pub(super) fn of(request: &Message) -> Self {
        if !request.has("cache-control") {
            let pragma = request.members("pragma");
            let no_cache = pragma.iter().any(|member| member.eq_ignore_ascii_case("no-cache"));
            return Self { no_cache, ..Self::default() };
        }
        let directives: Vec<_> = request.members("cache-control").iter().map(|member| read(member)).collect();
        let d = directives.as_slice();
        let accepted = |argument: &Argument| match argument {
            Argument::Nothing => Some(i128::MAX),
            other => other.seconds(),
        };
        Self {
            no_cache: has(d, "no-cache"),
            no_store: has(d, "no-store"),
            only_if_cached: has(d, "only-if-cached"),
            max_age: readable(d, "max-age"),
            min_fresh: readable(d, "min-fresh"),
            max_stale: named(d, "max-stale").iter().find_map(accepted),
            stale_if_error: readable(d, "stale-if-error"),
        }
    }
}
