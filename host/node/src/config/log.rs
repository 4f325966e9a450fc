//! `[log]`: what is written to standard error.

use serde::Serialize;

use super::check::Check;
use super::raw::RawLog;

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

/// `[log]`: what is written to standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Log {
    /// Default [`DEFAULT_LOG_LEVEL`].
    pub level: LogLevel,
    /// Default [`DEFAULT_ACCESS_LOG`].
    pub access: AccessLog,
    /// Default [`DEFAULT_LOG_FORMAT`].
    pub format: LogFormat,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: DEFAULT_LOG_LEVEL, access: DEFAULT_ACCESS_LOG, format: DEFAULT_LOG_FORMAT }
    }
}

impl Log {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawLog) -> Self {
        let RawLog { at: _, level, access, format } = raw;
        let default = Self::default();
        Self {
            level: check.or("level", level, default.level, |text| {
                Check::word(text, &LogLevel::ALL, LogLevel::as_str)
            }),
            access: check.or("access", access, default.access, |text| {
                Check::word(text, &AccessLog::ALL, AccessLog::as_str)
            }),
            format: check.or("format", format, default.format, |text| {
                Check::word(text, &LogFormat::ALL, LogFormat::as_str)
            }),
        }
    }
}
