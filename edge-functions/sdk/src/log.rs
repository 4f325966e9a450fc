//! What the operator gets to see.

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For the author.
    Debug,
    /// Worth knowing.
    Info,
    /// Worth a look.
    Warn,
    /// Something is wrong.
    Error,
}

macro_rules! logging {
    ($on:ident) => {
        impl $on {
            /// Writes one line to the function's log. Never fails: what is beyond the limits is dropped and counted.
            pub fn log(&self, level: crate::Level, message: impl std::fmt::Display) {
                self.host.log_write(level, &message.to_string());
            }

            /// Adds a field to this request's access-log record. Names are of `a-z`, `0-9` and `_`.
            pub fn log_field(&self, name: &str, value: impl std::fmt::Display) {
                self.host.log_field(name, &value.to_string());
            }

            /// Adds to a counter of this function, which the operator's metrics show. Names as in `log_field`.
            pub fn count(&self, metric: &str, delta: u64) {
                self.host.log_count(metric, delta);
            }
        }
    };
}
pub(crate) use logging;
