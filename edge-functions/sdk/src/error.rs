//! What can go wrong, as authors see it.

use std::fmt;

/// Fails the hook, and with it the request. The text goes to the operator's log, not to the client.
///
/// Anything that implements [`std::error::Error`] becomes one with `?`.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(String);

impl Error {
    /// An error with this text.
    pub fn new(text: impl fmt::Display) -> Self {
        Self(text.to_string())
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

// Not `std::error::Error`: that would collide with the conversion above.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why an edit was refused. A refused edit changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditError {
    /// Not allowed in this hook.
    WrongPhase,
    /// The field belongs to the host: `connection`, `content-length`, `host`, `via`, `age` and their like.
    Forbidden,
    /// Not a valid name, value, path, method or status.
    Invalid,
    /// The hook has made as many edits as it may, or the value is too long.
    Limit,
}

impl fmt::Display for EditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongPhase => "this cannot be changed in this hook",
            Self::Forbidden => "this field belongs to the host",
            Self::Invalid => "HTTP does not allow this name or value",
            Self::Limit => "more edits, or longer ones, than a hook may make",
        })
    }
}

impl std::error::Error for EditError {}

/// Why something outside the request could not be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// Not allowed in this hook.
    WrongPhase,
    /// It exists, but was not granted to this function.
    Denied,
    /// There is nothing of this name, or nothing that this function may know of.
    NoSuch,
    /// The hook has asked as often as it may.
    Limit,
    /// It could not be reached now.
    Unavailable(String),
}

impl fmt::Display for AccessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPhase => f.write_str("this cannot be done in this hook"),
            Self::Denied => f.write_str("this function was not granted it"),
            Self::NoSuch => f.write_str("there is nothing of this name"),
            Self::Limit => f.write_str("more than a hook may do"),
            Self::Unavailable(why) => write!(f, "not available: {why}"),
        }
    }
}

impl std::error::Error for AccessError {}
