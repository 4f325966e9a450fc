//! The control log's file: torn, rotten, or never one of ours.

use seawall_base::Position;
use seawall_cluster::embedded::Contents;

use crate::play::lines;

/// Hex digits of a line's digest.
const DIGEST_DIGITS: usize = 16;

/// The bytes as they are; then their lines made into the lines of a file, each with the digest that it must have, since
/// nobody guesses those.
pub(crate) fn control_log(data: &[u8]) {
    read(data);
    let mut whole = Vec::new();
    for (place, line) in lines(data).enumerate() {
        whole.extend(if place == 0 { [line, b"\n"].concat() } else { sealed(line) });
    }
    read(&whole);
}

/// One record as its line: the format, said a second time.
fn sealed(json: &[u8]) -> Vec<u8> {
    let mut digest = blake3::hash(json).to_hex().to_string();
    digest.truncate(DIGEST_DIGITS);
    [b"{\"record\":", json, b",\"blake3\":\"", digest.as_bytes(), b"\"}\n"].concat()
}

fn read(bytes: &[u8]) {
    let Ok(contents) = Contents::read(bytes) else { return };
    let Contents { base, records, whole_bytes } = &contents;
    let whole = usize::try_from(*whole_bytes).ok().and_then(|whole| bytes.get(..whole));
    // What stays of the file is whole lines, or the next record would follow half a one.
    assert!(whole.is_some_and(|whole| whole.ends_with(b"\n")));
    for (place, record) in records.iter().enumerate() {
        assert_eq!(record.position, Position(base.0.saturating_add(place as u64 + 1)));
    }
    let Some(whole) = whole else { return };
    assert_eq!(Contents::read(whole).ok().as_ref(), Some(&contents));
    let header = whole.iter().position(|&byte| byte == b'\n').unwrap_or_default() + 1;
    // Cut short anywhere after its first line, the log is a shorter log.
    for kept in [header, header + (whole.len() - header) / 2, whole.len().saturating_sub(1).max(header)] {
        let cut = Contents::read(whole.get(..kept).unwrap_or_default());
        assert!(cut.is_ok_and(|cut| records.starts_with(&cut.records)));
    }
    // A bit that turned is noticed, or is in a line that counts as cut short.
    for at in [header, header + (whole.len() - header) / 3, whole.len().saturating_sub(2)] {
        let mut rotten = whole.to_vec();
        let Some(byte) = rotten.get_mut(at).filter(|_| at >= header) else { continue };
        *byte ^= 1;
        let read = Contents::read(&rotten);
        assert!(read.is_err() || read.is_ok_and(|read| read.records.len() < records.len()));
    }
}
