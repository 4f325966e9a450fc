use std::path::Path;

use super::*;

fn start(path: &Path) -> Writer {
    let to = AccessTo::File(path.to_owned());
    Writer::start(&to, &mut Registry::default()).unwrap().unwrap()
}

/// Waits for what another thread does.
fn until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..20_000 {
        if is_so() {
            return;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("in vain: {what}");
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn lines_are_appended_and_the_last_ones_are_written_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    std::fs::write(&path, "before\n").unwrap();
    let writer = start(&path);
    let queue = writer.queue();
    (0..1000).for_each(|n| queue.take(format!("{n}\n").as_bytes()));
    writer.stop();
    let text = text(&path);
    assert!(text.starts_with("before\n0\n1\n") && text.ends_with("\n999\n"), "{text}");
    assert_eq!((queue.metrics.written.get(), queue.metrics.lost.get()), (1000, 0));
}

#[test]
fn a_file_that_was_moved_is_opened_anew_with_and_without_being_told() {
    let folder = tempfile::tempdir().unwrap();
    let (path, first, second) =
        (folder.path().join("a.log"), folder.path().join("a.1"), folder.path().join("a.2"));
    let writer = start(&path);
    let queue = writer.queue();
    queue.take(b"one\n");
    until("one", || text(&path) == "one\n");
    std::fs::rename(&path, &first).unwrap();
    queue.take(b"two\n");
    until("two, in a new file", || text(&path) == "two\n");
    std::fs::rename(&path, &second).unwrap();
    writer.reopen();
    until("an empty file, before any line", || path.is_file());
    queue.take(b"three\n");
    writer.stop();
    assert_eq!(
        (text(&first).as_str(), text(&second).as_str(), text(&path).as_str()),
        ("one\n", "two\n", "three\n")
    );
}

/// `/dev/full` answers every write as a full disk does.
#[test]
fn a_full_disk_blocks_nobody_and_what_fits_is_written_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let writer = start(&path);
    let queue = writer.queue();
    let line = [&[b'x'; 1023][..], b"\n"].concat();
    queue.take(&line);
    until("an error", || queue.metrics.errors.get() > 0);
    // What the thread tries to write is out of the queue; beyond that there is room for so many.
    let room = QUEUE_MAX_BYTES / line.len();
    (0..room + 100).for_each(|_| queue.take(&line));
    assert_eq!(queue.metrics.lost.get(), 100);
    assert_eq!(queue.metrics.written.get(), 0);
    std::fs::remove_file(&path).unwrap();
    until("all that waited", || queue.metrics.written.get() == room as u64 + 1);
    assert_eq!(text(&path).len(), (room + 1) * line.len());
    writer.stop();
}

#[test]
fn a_line_that_was_cut_off_is_whole_in_the_next_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.log");
    let mut place = Place::file(path.clone()).unwrap();
    let mut batch = Batch { written: 6, ..Batch::of(b"one\ntwo\n".to_vec(), 2) };
    std::fs::remove_file(&path).unwrap();
    batch.write(&mut place, false).unwrap();
    assert_eq!(text(&path), "two\n");
}

#[test]
fn a_place_that_cannot_be_written_is_a_reason_not_to_start() {
    let folder = tempfile::tempdir().unwrap();
    let to = AccessTo::File(folder.path().join("no/such/folder"));
    let error = Writer::start(&to, &mut Registry::default()).err().unwrap();
    assert!(error.to_string().contains("no/such/folder"), "{error}");
}
