//! The keys of `[[functions]]` and `[[sites]]`, and of the tables within.

use super::{Change, Key, Kind, Table, Without};

pub(in crate::config) const FUNCTION: Table = table! { "[[functions]]":
    /// What sites call it.
    name: Kind::Name, Without::Needed, Live, "\"shop-front\"";
    /// A core module or a component. Read anew by a reload.
    file: Kind::Path, Without::Says("its versions are [deployed](FUNCTIONS.md#deploying-without-a-restart), each with its own settings"), Live, "\"shop_front.wasm\"";
    /// Text by name, for `config.get`; never shown by the API.
    config: Kind::Pairs, Without::Nothing, Live, "{ greeting = \"hello\" }";
    /// `"store-private"`: may store what the origin calls `private` or `no-store`.
    grants: Kind::Texts, Without::Nothing, Live, "[\"store-private\"]";
    /// What a failure does, by hook: `fail-closed`, `fail-open`, `deliver-only`.
    on_error: Kind::Pairs, Without::Says("by hook, see [FUNCTIONS.md](FUNCTIONS.md#the-four-hooks)"), Live, "{ on-response = \"fail-closed\" }";
};

pub(in crate::config) const SITE: Table = table! { "[[sites]]":
    /// What purges, logs and metrics call it. A site that goes takes what is stored of it along.
    name: Kind::Name, Without::Needed, Live, "\"shop\"";
    /// `shop.example`, `*.shop.example` (any depth, not itself) or `*`; no port. Exact before the longest wildcard
    /// before `*`.
    hosts: Kind::Texts, Without::Needed, Live, "[\"shop.example\"]";
    /// Who owns its content. What is stored stays when this changes.
    origin: Kind::Name, Without::Needed, Live, "\"shop\"";
    /// At most 4, in this order; the response side runs in reverse.
    functions: Kind::Texts, Without::Nothing, Live, "[\"shop-front\"]";
    /// The region through which other regions' misses go; its nodes need `listen.peers`, and all nodes the same cluster
    /// secret.
    shield: Kind::Name, Without::Nothing, Live, "\"ams\"";
    /// What to do with what is stored while the node is past `max_lag`.
    when_cut_off: Kind::Words(&["serve", "revalidate", "refuse"]), Without::Is("\"revalidate\""), Live, "\"revalidate\"";
    /// Lifetime of a response that states none. This and the next change what the RFCs say: see
    /// [CACHING.md](CACHING.md#what-a-site-may-override).
    default_ttl: Kind::Duration, Without::Nothing, Live, "\"2m\"";
    /// For how long after its lifetime a response is served while it is refreshed.
    stale_while_revalidate: Kind::Duration, Without::Nothing, Live, "\"30s\"";
    /// For how long after its lifetime a response is served while the origin fails.
    stale_if_error: Kind::Duration, Without::Nothing, Live, "\"1h\"";
    /// Lifetime of an error that states none.
    negative_ttl: Kind::Duration, Without::Nothing, Live, "\"10s\"";
    /// What is sent for [faults](OPERATING.md#faults): a file by status, or `default`. Read anew by a reload.
    error_page: Kind::Pairs, Without::Says("a line of text"), Live, "{ default = \"error.html\" }";
    /// Whether a response that states no lifetime gets one by its `Last-Modified`.
    heuristics: Kind::Flag, Without::Is("true"), Live, "false";
    /// How stale a response may be while the origin cannot be reached; `0s`: never.
    stale_when_disconnected: Kind::Duration, Without::Is("\"24h\""), Live, "\"1h\"";
    /// What an origin's `no-store` means.
    no_store: Kind::Words(&["rfc", "strict"]), Without::Is("\"rfc\""), Live, "\"strict\"";
    /// Whether a client's `no-store` is heeded.
    request_no_store: Kind::Flag, Without::Is("true"), Live, "false";
    /// Whether a client's `Cache-Control` may force a revalidation, or accept what is stale.
    request_directives: Kind::Flag, Without::Is("true"), Live, "false";
    /// Whether a response with `Set-Cookie` may be stored.
    store_set_cookie: Kind::Flag, Without::Is("true"), Live, "false";
    /// Whether `Set-Cookie` is left out of what is stored. Changing it drops what is stored of the site.
    strip_set_cookie: Kind::Flag, Without::Is("false"), Live, "false";
    /// Whether a POST's response may answer later GETs where it says that it is the page itself.
    store_post: Kind::Flag, Without::Is("true"), Live, "false";
    /// Which cookies are taken from requests, but for those of the key: all, or those whose names match. Changing it
    /// drops what is stored of the site.
    strip_request_cookies: Kind::FlagOrTexts, Without::Is("false"), Live, "[\"_ga*\"]";
    /// Whether `Seawall-Debug: key` is answered; it shows settings to whoever asks.
    debug_key: Kind::Flag, Without::Is("false"), Live, "true";
    /// Whether what came over `http` is sent to `https`.
    redirect_to_https: Kind::Flag, Without::Says("as `listen` has it"), Live, "true";
    /// Largest body of a request; a larger one gets a 413, and the upload stops there.
    max_body: Kind::Size, Without::Is("\"1GiB\""), Live, "\"100MiB\"";
    /// What becomes of paths that are read in two ways: a 400, or they go past the cache. See
    /// [guards](CACHING.md#guards), as for the next two.
    odd_paths: Kind::Words(&["refuse", "pass"]), Without::Is("\"refuse\""), Live, "\"pass\"";
    /// Fields that would have an origin answer for another URL or method, and are sent on all the same.
    allow_overrides: Kind::Texts, Without::Nothing, Live, "[\"x-http-method-override\"]";
    /// Whether a page under the name of a picture, a script or a style is kept from the store.
    check_type: Kind::Flag, Without::Is("true"), Live, "false";
    /// How the key has the query. Changing it drops what is stored of the site.
    query: Kind::Table(&QUERY), Without::Says("as it is"), Live, "{ ignore = [\"utm_*\", \"gclid\"], sort = true }";
    /// What the key has besides the URL. Changing it drops what is stored of the site.
    key: Kind::Table(&KEY), Without::Nothing, Live, "{ headers = [\"x-device\"], cookies = [\"currency\"] }";
    /// Which fields are brought to one form before `Vary` compares them. Changing it drops what is stored of the site.
    normalise: Kind::Table(&NORMALISE), Without::Says("both"), Live, "{ accept_language = [\"en\", \"de\"] }";
    /// Lifetimes by path and status, at most 256; the [first that matches](CACHING.md#lifetimes-by-path-and-status)
    /// holds, for what is stored from then on.
    rules: Kind::Tables(&RULE), Without::Nothing, Live, "[{ paths = [\"/assets/*\"], ttl = \"1d\" }]";
};

pub(in crate::config) const QUERY: Table = table! { "[sites.query]":
    /// Parameters that the key does not have.
    ignore: Kind::Texts, Without::Nothing, Live, "[\"utm_*\", \"gclid\"]";
    /// The only ones that it has. Not with `ignore`.
    keep: Kind::Texts, Without::Says("all"), Live, "[\"id\", \"page\"]";
    /// Whether they are sorted by name.
    sort: Kind::Flag, Without::Is("false"), Live, "true";
};

pub(in crate::config) const KEY: Table = table! { "[sites.key]":
    /// Request fields, at most 8.
    headers: Kind::Texts, Without::Nothing, Live, "[\"x-device\"]";
    /// Cookies, at most 8.
    cookies: Kind::Texts, Without::Nothing, Live, "[\"currency\"]";
};

pub(in crate::config) const NORMALISE: Table = table! { "[sites.normalise]":
    /// Whether `Accept-Encoding` is.
    accept_encoding: Kind::Flag, Without::Is("true"), Live, "true";
    /// Whether `Accept-Language` is; with a list of tags, it becomes the best of these.
    accept_language: Kind::FlagOrTexts, Without::Is("true"), Live, "[\"en\", \"de\"]";
};

pub(in crate::config) const RULE: Table = table! { "[[sites.rules]]":
    /// Patterns of paths.
    paths: Kind::Texts, Without::Says("any"), Live, "[\"/assets/*\"]";
    /// Such as `404` or `5xx`.
    statuses: Kind::Texts, Without::Says("those below 400"), Live, "[\"404\", \"5xx\"]";
    /// The lifetime.
    ttl: Kind::Duration, Without::Nothing, Live, "\"1d\"";
    /// Whether it replaces what the response says.
    override: Kind::Flag, Without::Is("false"), Live, "true";
    /// As of a site.
    stale_while_revalidate: Kind::Duration, Without::Nothing, Live, "\"30s\"";
    /// As of a site.
    stale_if_error: Kind::Duration, Without::Nothing, Live, "\"1h\"";
};
