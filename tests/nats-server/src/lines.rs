//! What a server writes, read as it comes: so that a test waits for a line and not for a while.

use std::io::{BufRead, BufReader};
use std::process::ChildStderr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Longest wait for a line: a cluster on a busy machine takes some seconds to choose a leader.
const LINE_WITHIN: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Read {
    lines: Vec<String>,
    ended: bool,
}

/// All lines so far.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<(Mutex<Read>, Condvar)>);

impl Lines {
    /// Reads until the server ends.
    pub(crate) fn read(output: Option<ChildStderr>) -> Self {
        let lines = Self::default();
        let own = lines.clone();
        let Some(output) = output else { return lines };
        std::thread::spawn(move || {
            let (read, changed) = &*own.0;
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                read.lock().lines.push(line);
                changed.notify_all();
            }
            read.lock().ended = true;
            changed.notify_all();
        });
        lines
    }

    /// Waits for a line with `what` in it.
    pub(crate) fn wait_for(&self, server: &str, what: &str) {
        let (read, changed) = &*self.0;
        let mut read = read.lock();
        let is_there = |read: &Read| read.lines.iter().any(|line| line.contains(what));
        let waits = |read: &mut Read| !read.ended && !is_there(read);
        let timed_out = changed.wait_while_for(&mut read, waits, LINE_WITHIN).timed_out();
        if !is_there(&read) {
            let why = if timed_out { "in time" } else { "before it ended" };
            panic!("the NATS server {server} did not say `{what}` {why}:\n{}", read.lines.join("\n"));
        }
    }
}
