//! A stored body, and the writer that lays one down piece by piece while others read it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

/// A whole body in memory. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct StoredBody {
    pieces: Arc<[Bytes]>,
    len: u64,
}

impl StoredBody {
    pub(crate) fn new(pieces: Vec<Bytes>) -> Self {
        let len = pieces.iter().map(|piece| piece.len() as u64).sum();
        let pieces = match pieces.len() {
            // Small bodies are written in one piece so that a hit is one write.
            2.. if len <= JOIN_MAX_BYTES => Arc::from([join(&pieces, len)]),
            // What came in crumbs would hold far more than it weighs.
            count if len < count as u64 * PIECE_MIN_BYTES => Arc::from(in_blocks(&pieces)),
            _ => Arc::from(pieces),
        };
        Self { pieces, len }
    }

    /// The same body in blocks that nothing else shares: whoever keeps some of its pieces keeps no more than those.
    pub(crate) fn alone(pieces: &[Bytes]) -> Self {
        Self::new(in_blocks(pieces))
    }

    /// Bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether the body has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes `first..=last`, without copying them.
    #[must_use]
    pub fn slice(&self, first: u64, last: u64) -> Vec<Bytes> {
        let mut at = 0;
        let mut slices = Vec::new();
        for piece in self.pieces.iter() {
            let end = at + piece.len() as u64;
            let (from, to) = (first.max(at), last.saturating_add(1).min(end));
            if let (Ok(from), Ok(to)) = (usize::try_from(from - at), usize::try_from(to.saturating_sub(at)))
                && from < to
            {
                slices.push(piece.slice(from..to));
            }
            at = end;
        }
        slices
    }

    /// The pieces in order.
    #[must_use]
    pub fn pieces(&self) -> &Arc<[Bytes]> {
        &self.pieces
    }
}

impl From<Bytes> for StoredBody {
    fn from(bytes: Bytes) -> Self {
        Self::new(if bytes.is_empty() { Vec::new() } else { vec![bytes] })
    }
}

/// Largest body that is joined into one piece when it is complete, in bytes. Below it the copy is cheaper than the
/// extra write on every hit.
const JOIN_MAX_BYTES: u64 = 64 << 10;

/// Least average length of a stored body's pieces, in bytes. Each piece costs some 100 bytes besides its text.
const PIECE_MIN_BYTES: u64 = 4 << 10;

/// Largest block that a writer asks for, in bytes. At most this much is wasted at the end of a body of unknown length.
const BLOCK_MAX_BYTES: usize = 256 << 10;

/// First block of a body of unknown length, in bytes.
const BLOCK_MIN_BYTES: usize = 4 << 10;

fn join(pieces: &[Bytes], len: u64) -> Bytes {
    let mut whole = BytesMut::with_capacity(usize::try_from(len).unwrap_or(0));
    for piece in pieces {
        whole.extend_from_slice(piece);
    }
    whole.freeze()
}

/// Copies pieces into blocks of [`BLOCK_MAX_BYTES`], each its own.
fn in_blocks(pieces: &[Bytes]) -> Vec<Bytes> {
    let mut left: usize = pieces.iter().map(Bytes::len).sum();
    let mut blocks = Vec::new();
    let mut block = BytesMut::with_capacity(left.min(BLOCK_MAX_BYTES));
    for piece in pieces {
        let mut rest = piece.as_ref();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(block.capacity() - block.len()));
            block.extend_from_slice(now);
            left -= now.len();
            rest = later;
            if block.len() == block.capacity() {
                let next = BytesMut::with_capacity(left.min(BLOCK_MAX_BYTES));
                blocks.push(std::mem::replace(&mut block, next).freeze());
            }
        }
    }
    if !block.is_empty() {
        blocks.push(block.freeze());
    }
    blocks
}

/// Copies what arrives into blocks of its own. What hyper hands over is a slice of a larger read buffer: to keep it
/// would keep the buffer, and the bytes counted would not be the bytes held.
#[derive(Debug, Default)]
pub struct BodyWriter {
    block: BytesMut,
    next_block: usize,
}

impl BodyWriter {
    /// A writer for a body of `expected` bytes, where that is known.
    #[must_use]
    pub fn new(expected: Option<u64>) -> Self {
        let first = expected.and_then(|len| usize::try_from(len).ok()).unwrap_or(BLOCK_MIN_BYTES);
        Self { block: BytesMut::new(), next_block: first.min(BLOCK_MAX_BYTES) }
    }

    /// Copies `data`; the answer shares this writer's blocks.
    pub(crate) fn copy(&mut self, mut data: &[u8], mut put: impl FnMut(Bytes)) {
        while !data.is_empty() {
            if self.block.capacity() == 0 {
                let room = self.next_block.max(BLOCK_MIN_BYTES.min(data.len())).max(1);
                self.block = BytesMut::with_capacity(room);
                self.next_block = (room * 2).clamp(BLOCK_MIN_BYTES, BLOCK_MAX_BYTES);
            }
            let (now, later) = data.split_at(data.len().min(self.block.capacity()));
            self.block.extend_from_slice(now);
            put(self.block.split().freeze());
            data = later;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(expected: Option<u64>, pieces: &[&[u8]]) -> StoredBody {
        let mut writer = BodyWriter::new(expected);
        let mut out = Vec::new();
        for piece in pieces {
            writer.copy(piece, |piece| out.push(piece));
        }
        StoredBody::new(out)
    }

    fn text(body: &StoredBody) -> Vec<u8> {
        body.pieces().iter().flat_map(|piece| piece.to_vec()).collect()
    }

    #[test]
    fn what_is_written_is_what_is_stored() {
        let long = vec![7_u8; 3 * BLOCK_MAX_BYTES + 5];
        for expected in [None, Some(0), Some(3), Some(long.len() as u64), Some(u64::MAX)] {
            let body = write(expected, &[b"abc", b"", &long, b"z"]);
            assert_eq!(body.len(), long.len() as u64 + 4);
            assert_eq!(text(&body), [b"abc", long.as_slice(), b"z"].concat());
        }
    }

    #[test]
    fn a_slice_is_the_same_bytes_wherever_the_pieces_end() {
        let whole: Vec<u8> = (0..=99).collect();
        let body = StoredBody { pieces: whole.chunks(7).map(Bytes::copy_from_slice).collect(), len: 100 };
        for first in 0..100_usize {
            for last in first..100 {
                let slices = body.slice(first as u64, last as u64);
                assert_eq!(slices.concat(), whole[first..=last], "{first}-{last}");
                assert!(slices.iter().all(|slice| !slice.is_empty()));
            }
        }
        assert_eq!(body.slice(98, u64::MAX).concat(), [98, 99]);
        assert!(body.slice(100, 200).is_empty());
    }

    #[test]
    fn crumbs_become_blocks() {
        let whole: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        let body = StoredBody::new(whole.chunks(3).map(Bytes::copy_from_slice).collect());
        assert_eq!(text(&body), whole);
        assert!(body.pieces().len() < 3, "{}", body.pieces().len());
        let alone = StoredBody::alone(body.pieces());
        assert_eq!(text(&alone), whole);
        assert!(alone.pieces().iter().all(|piece| piece.is_unique()), "nothing else holds a block of it");
    }

    #[test]
    fn small_bodies_become_one_piece() {
        assert_eq!(write(None, &[b"a", b"b", b"c"]).pieces().len(), 1);
        assert_eq!(write(None, &[]).pieces().len(), 0);
        assert!(StoredBody::from(Bytes::new()).is_empty());
    }
}
