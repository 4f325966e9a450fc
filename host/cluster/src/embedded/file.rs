//! The log's file: how a record is written down, read back, and what counts as damage.
//!
//! JSON lines, so that people can read it. The first line says the format and where the log begins; every other is
//! `{"record":{…},"blake3":"…"}`, the digest over the record's bytes as they stand there. A line without its line
//! feed is one that a crash cut short; it was never acknowledged and is dropped. Any other line that does not read
//! back is damage to something that *was* acknowledged, and the log refuses to open rather than lose a purge.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use seawall_base::Position;
use serde::{Deserialize, Serialize};

use super::Retention;
use super::tail::Sized;
use crate::log::{LogError, RECORD_MAX_BYTES, Record};

/// The log's file, in the data directory.
pub const LOG_FILE: &str = "control.log";

/// Its lock. A file apart, since rewriting the log replaces its file.
pub const LOCK_FILE: &str = "control.lock";

/// Where a rewritten log stands until it is whole.
const NEXT_FILE: &str = "control.log.next";

/// The format that this build reads and writes.
const FORMAT: u32 = 1;

/// Hex digits of a line's digest. It guards against rot, not against people, so 64 bits do.
const DIGEST_DIGITS: usize = 16;

const OPENING: &str = r#"{"record":"#;
const MIDDLE: &str = r#","blake3":""#;
const CLOSING: &str = "\"}\n";

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "{} is in use by another process: stop that one, or give this node a data directory of its own", .0.display()
    )]
    Locked(PathBuf),
    /// The file system said no.
    #[error("{}: {error}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// Written by a build that is newer than this one.
    #[error("{} has format {found}, this build reads {FORMAT}: run a newer seawall", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// Something that was acknowledged does not read back.
    #[error(
        "{} is damaged at line {line}: {why}. Restore the file from a copy, or move it away to begin a new log; with a new \
         log, purges that were given but not yet applied everywhere must be given again", .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

impl OpenError {
    pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        |error| Self::Io { path, error }
    }
}

/// What a failed write left behind.
pub(super) enum Fault {
    /// The file is as it was before.
    Undone(io::Error),
    /// Nobody knows.
    Unknown(io::Error),
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    seawall_control_log: u32,
    /// The position before the first record.
    after: Position,
}

pub(super) struct LogFile {
    directory: PathBuf,
    file: File,
    bytes: u64,
    lines: usize,
    retention: Retention,
    /// Held as long as the log is.
    _lock: File,
}

pub(super) struct Opened {
    pub(super) file: LogFile,
    pub(super) base: Position,
    pub(super) records: Vec<Sized>,
}

/// One record as its line.
pub(super) fn line(record: &Record) -> Result<Vec<u8>, LogError> {
    let json = serde_json::to_vec(record).map_err(|error| LogError::Unwritable(Arc::new(error)))?;
    if json.len() > RECORD_MAX_BYTES {
        return Err(LogError::TooLarge { bytes: json.len() });
    }
    let digest = digest(&json);
    Ok([OPENING.as_bytes(), &json, MIDDLE.as_bytes(), digest.as_bytes(), CLOSING.as_bytes()].concat())
}

fn digest(json: &[u8]) -> String {
    let mut hex = blake3::hash(json).to_hex().to_string();
    hex.truncate(DIGEST_DIGITS);
    hex
}

fn read_line(line: &[u8], expected: Position) -> Result<Record, String> {
    let text = std::str::from_utf8(line).map_err(|error| error.to_string())?;
    let (json, found) = text
        .strip_prefix(OPENING)
        .and_then(|text| text.strip_suffix(CLOSING))
        .and_then(|text| text.rsplit_once(MIDDLE))
        .ok_or_else(|| "it does not have the shape of a record".to_owned())?;
    if found != digest(json.as_bytes()) {
        return Err("its digest does not match".to_owned());
    }
    let record: Record = serde_json::from_str(json).map_err(|error| error.to_string())?;
    if record.position == expected {
        Ok(record)
    } else {
        Err(format!("it has position {}, {expected} was expected", record.position))
    }
}

/// Locks the directory and reads its log, or begins one.
pub(super) fn open(directory: &Path, retention: Retention) -> Result<Opened, OpenError> {
    let lock = lock(directory)?;
    let path = directory.join(LOG_FILE);
    if !path.try_exists().map_err(OpenError::at(&path))? {
        write_new(directory, Position::START, &[])
            .map_err(|(Fault::Undone(error) | Fault::Unknown(error))| OpenError::at(directory)(error))?;
    }
    let file = OpenOptions::new().read(true).append(true).open(&path).map_err(OpenError::at(&path))?;
    let (base, records, whole_bytes) = read_all(&path, &file)?;
    let length = file.metadata().map_err(OpenError::at(&path))?.len();
    if length > whole_bytes {
        let torn_bytes = length.saturating_sub(whole_bytes);
        tracing::warn!(torn_bytes, "the control log ends in a record that a crash cut short; it is dropped");
        file.set_len(whole_bytes).and_then(|()| file.sync_all()).map_err(OpenError::at(&path))?;
    }
    let lines = records.len();
    let file =
        LogFile { directory: directory.to_owned(), file, bytes: whole_bytes, lines, retention, _lock: lock };
    Ok(Opened { file, base, records })
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let path = directory.join(LOCK_FILE);
    let mut options = OpenOptions::new();
    let lock = options.create(true).truncate(false).write(true).open(&path).map_err(OpenError::at(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::Io { path, error }),
    }
}

/// The base, the records, and how many bytes of the file are whole lines.
pub(super) fn read_all(path: &Path, file: impl Read) -> Result<(Position, Vec<Sized>, u64), OpenError> {
    let damaged = |line, why| OpenError::Damaged { path: path.to_owned(), line, why };
    let mut reader = BufReader::new(file);
    let mut text = Vec::new();
    let mut whole_bytes = reader.read_until(b'\n', &mut text).map_err(OpenError::at(path))? as u64;
    if !text.ends_with(b"\n") {
        // Written whole or not at all; a record that follows on the same line would never be read back.
        return Err(damaged(1, "it has no end".to_owned()));
    }
    let header: Header = serde_json::from_slice(&text).map_err(|error| damaged(1, error.to_string()))?;
    if header.seawall_control_log > FORMAT {
        return Err(OpenError::Newer { path: path.to_owned(), found: header.seawall_control_log });
    }
    let mut records: Vec<Sized> = Vec::new();
    let mut expected = header.after.next();
    loop {
        text.clear();
        let bytes = reader.read_until(b'\n', &mut text).map_err(OpenError::at(path))?;
        if !text.ends_with(b"\n") {
            return Ok((header.after, records, whole_bytes));
        }
        let record =
            read_line(&text, expected).map_err(|why| damaged(records.len().saturating_add(2), why))?;
        expected = record.position.next();
        whole_bytes = whole_bytes.saturating_add(bytes as u64);
        records.push((Arc::new(record), bytes));
    }
}

/// Puts a whole new log in the place of the old one, and answers it open for appending, with its length in bytes.
fn write_new(directory: &Path, base: Position, records: &[Arc<Record>]) -> Result<(File, u64), Fault> {
    let next = directory.join(NEXT_FILE);
    let (file, bytes) = write_whole(&next, base, records).map_err(Fault::Undone)?;
    std::fs::rename(&next, directory.join(LOG_FILE)).map_err(Fault::Undone)?;
    // Until the directory is synced, a crash may bring back either file.
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(Fault::Unknown)?;
    Ok((file, bytes))
}

fn write_whole(path: &Path, base: Position, records: &[Arc<Record>]) -> io::Result<(File, u64)> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new().create_new(true).read(true).append(true).open(path)?;
    let mut writer = BufWriter::new(&file);
    serde_json::to_writer(&mut writer, &Header { seawall_control_log: FORMAT, after: base })?;
    writer.write_all(b"\n")?;
    for record in records {
        writer.write_all(&line(record).map_err(io::Error::other)?)?;
    }
    writer.flush()?;
    drop(writer);
    file.sync_all()?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

impl LogFile {
    /// Puts another file in place of the log's, to see what becomes of a disk that fails.
    #[cfg(test)]
    pub(super) fn replace_file(&mut self, file: File) {
        self.file = file;
    }

    /// Writes whole lines and syncs them.
    pub(super) fn append(&mut self, text: &[u8], lines: usize) -> Result<(), Fault> {
        if let Err(error) = self.file.write_all(text) {
            // A full disk, mostly. What is half written goes, or the next record would follow half a line.
            return match self.file.set_len(self.bytes) {
                Ok(()) => Err(Fault::Undone(error)),
                Err(_) => Err(Fault::Unknown(error)),
            };
        }
        // A failed sync may have dropped the pages and cleared the error: asking again would answer a false "yes".
        self.file.sync_data().map_err(Fault::Unknown)?;
        self.bytes = self.bytes.saturating_add(text.len() as u64);
        self.lines = self.lines.saturating_add(lines);
        Ok(())
    }

    /// Has the file twice the records or bytes that are kept? Then rewriting it costs each record one more write.
    pub(super) fn is_long(&self) -> bool {
        let bytes_limit = self.retention.bytes.saturating_mul(2) as u64;
        self.lines > self.retention.records.saturating_mul(2) || self.bytes > bytes_limit
    }

    /// Begins the file anew with these records only.
    pub(super) fn rewrite(&mut self, base: Position, records: &[Arc<Record>]) -> Result<(), Fault> {
        let (file, bytes) = write_new(&self.directory, base, records)?;
        self.file = file;
        self.bytes = bytes;
        self.lines = records.len();
        Ok(())
    }
}
