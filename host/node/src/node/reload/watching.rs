//! Watches the config file, by looking at it: that works on every file system, through every link, and however editors
//! and orchestrators replace a file.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::MissedTickBehavior;

use super::{Reloader, Trigger};

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What a look at a file shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    modified: Option<SystemTime>,
    bytes: u64,
}

/// Decides when a file is to be read: once it looks unlike when it was last read, and has looked the same twice, so that
/// nobody is in the middle of writing it.
#[derive(Debug)]
struct Watched {
    read: Option<Look>,
    seen: Option<Look>,
}

impl Watched {
    /// One more look. A file that is not there is no change: it is about to be.
    fn is_to_be_read(&mut self, look: Option<Look>) -> bool {
        let settled = look.is_some() && look == self.seen;
        self.seen = look;
        let changed = settled && look != self.read;
        if changed {
            self.read = look;
        }
        changed
    }
}

/// Reloads whenever the file has changed, while the configuration in force says so.
pub(crate) async fn watch(reloader: Arc<Reloader>) {
    let Some(source) = reloader.source().cloned() else { return std::future::pending().await };
    let first = look(&source.file).await;
    let mut watched = Watched { read: first, seen: first };
    let mut every = tokio::time::interval(LOOK_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        let look = look(&source.file).await;
        if watched.is_to_be_read(look) && reloader.live().now().config.node.watch_config {
            // What is refused has been said.
            let _ = reloader.reload(Trigger::Watch).await;
        }
    }
}

async fn look(file: &Path) -> Option<Look> {
    let found = tokio::fs::metadata(file).await.ok()?;
    Some(Look { modified: found.modified().ok(), bytes: found.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_once_after_each_change_that_has_settled() {
        let at = |bytes| Some(Look { modified: None, bytes });
        let mut watched = Watched { read: at(1), seen: at(1) };
        let mut looks = |looks: &[Option<Look>]| -> Vec<bool> {
            looks.iter().map(|look| watched.is_to_be_read(*look)).collect()
        };
        assert_eq!(looks(&[at(1), at(1)]), [false, false]);
        assert_eq!(looks(&[at(2), at(3), at(3), at(3)]), [false, false, true, false], "it was being written");
        assert_eq!(looks(&[None, None, at(3), at(3)]), [false; 4], "it was away for a moment");
        assert_eq!(looks(&[None, at(4), at(4)]), [false, false, true]);
    }
}
