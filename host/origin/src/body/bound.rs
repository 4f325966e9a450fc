//! How large a client's body may be.

use bytes::Bytes;
use http_body::Frame;

use crate::failure::UploadError;

/// Most bytes of a body, and how many may still come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    most: u64,
    pub(super) left: u64,
}

impl Default for Bound {
    fn default() -> Self {
        Self::of(u64::MAX)
    }
}

impl Bound {
    pub(super) fn of(most: u64) -> Self {
        Self { most, left: most }
    }

    /// Counts a piece; one that is too much is not handed on.
    pub(super) fn count(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, UploadError> {
        let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        self.left = self.left.checked_sub(bytes).ok_or(UploadError::TooLarge(self.most))?;
        Ok(frame)
    }
}
