//! `[log]`: what is written to standard error, and of requests perhaps elsewhere.

use std::path::PathBuf;

use serde::{Serialize, Serializer};

use super::check::Check;
use super::raw::RawLog;
use super::share::Share;
use super::suggest;

/// How much the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogLevel {
    /// What an operator must act on.
    Error,
    /// And what may need a look.
    Warn,
    /// And what the node does as a whole.
    Info,
    /// And what it does for single requests.
    Debug,
    /// And every step of that.
    Trace,
}

impl LogLevel {
    /// All levels, the quietest first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// As in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// Which requests get a log line of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessLog {
    /// None.
    Off,
    /// Those answered with 5xx or cut off.
    Errors,
    /// All.
    All,
}

impl AccessLog {
    /// All words, the quietest first.
    pub const ALL: [Self; 3] = [Self::Off, Self::Errors, Self::All];

    /// As in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Errors => "errors",
            Self::All => "all",
        }
    }
}

/// Where the lines of requests go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccessTo {
    /// Into the process's log, on standard error, among all others.
    #[default]
    Log,
    /// As JSON to standard output.
    Stdout,
    /// As JSON to the end of a file.
    File(PathBuf),
}

impl Serialize for AccessTo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Log => serializer.serialize_str("log"),
            Self::Stdout => serializer.serialize_str("stdout"),
            Self::File(path) => serializer.collect_str(&path.display()),
        }
    }
}

/// What a log line looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// One JSON object per line, for machines.
    Json,
    /// For people.
    Text,
}

impl LogFormat {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Json, Self::Text];

    /// As in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

/// Default of [`Log::level`].
pub const DEFAULT_LOG_LEVEL: LogLevel = LogLevel::Info;
/// Default of [`Log::access`]: a line per request costs more than a hit does, so it is asked for.
pub const DEFAULT_ACCESS_LOG: AccessLog = AccessLog::Errors;
/// Default of [`Log::format`]: whoever starts a first node reads the log with their own eyes.
pub const DEFAULT_LOG_FORMAT: LogFormat = LogFormat::Text;

/// `[log]`: what is written, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Log {
    /// Default [`DEFAULT_LOG_LEVEL`].
    pub level: LogLevel,
    /// Default [`DEFAULT_ACCESS_LOG`]; where they have a place of their own, all.
    pub access: AccessLog,
    /// Default [`AccessTo::Log`].
    pub access_to: AccessTo,
    /// The share of the requests that are written, of those that did not fail. Default: every one.
    pub access_sample: Option<Share>,
    /// Whether paths are written with their query. Default: they are.
    pub access_query: bool,
    /// Default [`DEFAULT_LOG_FORMAT`].
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: DEFAULT_LOG_LEVEL,
            access: DEFAULT_ACCESS_LOG,
            access_to: AccessTo::Log,
            access_sample: None,
            access_query: true,
            format: DEFAULT_LOG_FORMAT,
        }
    }
}

impl Log {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawLog) -> Self {
        let RawLog { at: _, level, access, access_to, access_sample, access_query, format } = raw;
        let default = Self::default();
        let access_to = check.or("access_to", access_to, default.access_to, |text| access_place(check, text));
        let requests = if access_to == AccessTo::Log { default.access } else { AccessLog::All };
        Self {
            level: check.or("level", level, default.level, |text| {
                Check::word(text, &LogLevel::ALL, LogLevel::as_str)
            }),
            access: check
                .or("access", access, requests, |text| Check::word(text, &AccessLog::ALL, AccessLog::as_str)),
            access_to,
            access_sample: Share::from_raw(check, "access_sample", &access_sample),
            access_query: access_query.or(default.access_query),
            format: check.or("format", format, default.format, |text| {
                Check::word(text, &LogFormat::ALL, LogFormat::as_str)
            }),
        }
    }
}

/// `log`, `stdout`, or a file in a folder that is there.
fn access_place(check: &Check<'_>, text: &str) -> Result<AccessTo, String> {
    match text {
        "log" => return Ok(AccessTo::Log),
        "stdout" => return Ok(AccessTo::Stdout),
        _ => {}
    }
    let path = check.path(text)?;
    if !text.contains('/') {
        let near = suggest::nearest(text, ["log", "stdout"].into_iter());
        let near = near.map(|near| format!(" Did you mean `{near}`?")).unwrap_or_default();
        return Err(format!(
            "`{text}` is neither `log` nor `stdout`, nor a path.{near} Write a file as `./{text}`."
        ));
    }
    match path.parent().map(std::fs::metadata) {
        Some(Ok(folder)) if folder.is_dir() && !path.is_dir() => Ok(AccessTo::File(path)),
        Some(Ok(_)) => Err(format!("`{}` cannot be a file. Write the path of one.", path.display())),
        Some(Err(error)) => Err(format!("the folder of `{}` cannot be read: {error}.", path.display())),
        None => Err(format!("`{}` cannot be a file. Write the path of one.", path.display())),
    }
}
