//! `error_page` of a site: files that are sent for faults.

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::StatusCode;
use seawall_pipeline::error_page::ERROR_PAGE_MAX_BYTES;
use serde::Serialize;

use super::check::Check;
use super::path_text;
use super::reader::{Field, Spot};

/// The key for all statuses that have no page of their own.
const DEFAULT: &str = "default";

/// What a file's ending says of it.
const MEDIA_TYPES: [(&str, &str); 4] = [
    ("html", "text/html; charset=utf-8"),
    ("htm", "text/html; charset=utf-8"),
    ("txt", "text/plain; charset=utf-8"),
    ("json", "application/json"),
];

/// One page of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ErrorPageFile {
    /// The status that it is for; `None`: all that have no page of their own.
    pub status: Option<u16>,
    /// At most [`ERROR_PAGE_MAX_BYTES`].
    #[serde(serialize_with = "path_text")]
    pub file: PathBuf,
    /// By the file's ending.
    pub media_type: &'static str,
}

impl ErrorPageFile {
    pub(super) fn read(check: &Check<'_>, pages: Field<BTreeMap<String, String>>) -> Vec<Self> {
        let Field::Given(Spot { value: pages, at }) = pages else { return Vec::new() };
        let page = |(status, file): (String, String)| {
            let read = Self::parse(check, &status, &file);
            read.map_err(|wrong| check.problem(at, format!("`error_page`: {wrong}"))).ok()
        };
        pages.into_iter().filter_map(page).collect()
    }

    fn parse(check: &Check<'_>, status: &str, file: &str) -> Result<Self, String> {
        let code = status.parse().ok().filter(|code| (400..=599).contains(code));
        let code = code.filter(|code| StatusCode::from_u16(*code).is_ok());
        if code.is_none() && status != DEFAULT {
            return Err(format!("`{status}` is not a status of an error. Write 400 to 599, or `{DEFAULT}`."));
        }
        let path = check.file(file)?;
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let known = MEDIA_TYPES.iter().find(|(known, _)| ending.as_deref() == Some(known));
        let Some((_, media_type)) = known else {
            return Err(format!("what `{file}` is cannot be told. Name it `.html`, `.txt` or `.json`."));
        };
        let size =
            std::fs::metadata(&path).map_err(|error| format!("`{file}` cannot be read: {error}."))?.len();
        if size > ERROR_PAGE_MAX_BYTES {
            return Err(format!(
                "`{file}` has {size} bytes. Write a page of at most {ERROR_PAGE_MAX_BYTES}."
            ));
        }
        Ok(Self { status: code, file: path, media_type })
    }
}
