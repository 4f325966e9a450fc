//! What requests may be, as it is written: the part of `[listen]` about heads, and that of `[[sites]]`.

use crate::config::reader::{Field, TableReader, Texts};

/// How large a request's head may be.
#[derive(Debug)]
pub(in crate::config) struct RawHead {
    pub(in crate::config) max_uri: Field<String>,
    pub(in crate::config) max_headers: Field<u64>,
    pub(in crate::config) max_header_line: Field<String>,
    pub(in crate::config) max_header_bytes: Field<String>,
}

impl RawHead {
    pub(in crate::config) fn read(table: &TableReader<'_>) -> Self {
        Self {
            max_uri: table.text("max_uri"),
            max_headers: table.number("max_headers"),
            max_header_line: table.text("max_header_line"),
            max_header_bytes: table.text("max_header_bytes"),
        }
    }
}

/// What a site lets requests and responses be.
#[derive(Debug)]
pub(in crate::config) struct RawGuards {
    pub(in crate::config) max_body: Field<String>,
    pub(in crate::config) odd_paths: Field<String>,
    pub(in crate::config) allow_overrides: Texts,
    pub(in crate::config) check_type: Field<bool>,
}

impl RawGuards {
    pub(super) fn read(table: &TableReader<'_>) -> Self {
        Self {
            max_body: table.text("max_body"),
            odd_paths: table.text("odd_paths"),
            allow_overrides: table.texts("allow_overrides"),
            check_type: table.flag("check_type"),
        }
    }
}
