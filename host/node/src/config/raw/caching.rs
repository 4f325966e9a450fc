//! What a site overrides of caching, as it is written.

use super::super::keys;
use super::super::reader::{Field, FlagOrTexts, TableReader, Texts};

#[derive(Debug)]
pub(in super::super) struct RawCaching {
    pub(in super::super) heuristics: Field<bool>,
    pub(in super::super) stale_when_disconnected: Field<String>,
    pub(in super::super) no_store: Field<String>,
    pub(in super::super) request_no_store: Field<bool>,
    pub(in super::super) request_directives: Field<bool>,
    pub(in super::super) store_set_cookie: Field<bool>,
    pub(in super::super) strip_set_cookie: Field<bool>,
    pub(in super::super) store_post: Field<bool>,
    pub(in super::super) strip_request_cookies: Field<FlagOrTexts>,
    pub(in super::super) debug_key: Field<bool>,
    pub(in super::super) query: RawQuery,
    pub(in super::super) key: RawKey,
    pub(in super::super) normalise: RawNormalise,
    pub(in super::super) rules: Field<Vec<RawRule>>,
}

impl RawCaching {
    pub(super) fn read(table: &TableReader<'_>) -> Self {
        Self {
            heuristics: table.flag("heuristics"),
            stale_when_disconnected: table.text("stale_when_disconnected"),
            no_store: table.text("no_store"),
            request_no_store: table.flag("request_no_store"),
            request_directives: table.flag("request_directives"),
            store_set_cookie: table.flag("store_set_cookie"),
            strip_set_cookie: table.flag("strip_set_cookie"),
            store_post: table.flag("store_post"),
            strip_request_cookies: table.flag_or_texts("strip_request_cookies"),
            debug_key: table.flag("debug_key"),
            query: RawQuery::read(&table.table("query", &keys::QUERY)),
            key: RawKey::read(&table.table("key", &keys::KEY)),
            normalise: RawNormalise::read(&table.table("normalise", &keys::NORMALISE)),
            rules: table.tables("rules", &keys::RULE, RawRule::read),
        }
    }
}

#[derive(Debug)]
pub(in super::super) struct RawQuery {
    pub(in super::super) at: usize,
    pub(in super::super) ignore: Texts,
    pub(in super::super) keep: Texts,
    pub(in super::super) sort: Field<bool>,
}

impl RawQuery {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            ignore: table.texts("ignore"),
            keep: table.texts("keep"),
            sort: table.flag("sort"),
        }
    }
}

#[derive(Debug)]
pub(in super::super) struct RawKey {
    pub(in super::super) at: usize,
    pub(in super::super) headers: Texts,
    pub(in super::super) cookies: Texts,
}

impl RawKey {
    fn read(table: &TableReader<'_>) -> Self {
        Self { at: table.at(), headers: table.texts("headers"), cookies: table.texts("cookies") }
    }
}

#[derive(Debug)]
pub(in super::super) struct RawNormalise {
    pub(in super::super) at: usize,
    pub(in super::super) accept_encoding: Field<bool>,
    pub(in super::super) accept_language: Field<FlagOrTexts>,
}

impl RawNormalise {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            accept_encoding: table.flag("accept_encoding"),
            accept_language: table.flag_or_texts("accept_language"),
        }
    }
}

#[derive(Debug)]
pub(in super::super) struct RawRule {
    pub(in super::super) at: usize,
    pub(in super::super) paths: Texts,
    pub(in super::super) statuses: Texts,
    pub(in super::super) ttl: Field<String>,
    pub(in super::super) replaces: Field<bool>,
    pub(in super::super) stale_while_revalidate: Field<String>,
    pub(in super::super) stale_if_error: Field<String>,
}

impl RawRule {
    fn read(table: &TableReader<'_>) -> Self {
        Self {
            at: table.at(),
            paths: table.texts("paths"),
            statuses: table.texts("statuses"),
            ttl: table.text("ttl"),
            replaces: table.flag("override"),
            stale_while_revalidate: table.text("stale_while_revalidate"),
            stale_if_error: table.text("stale_if_error"),
        }
    }
}
