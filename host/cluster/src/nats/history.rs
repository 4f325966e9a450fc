//! Is the stream the one that we knew, and does it hold what it held?
//!
//! A stream may be deleted and made anew, restored from an old copy, or come back shorter after a server lost its disk:
//! then its numbers begin again below those that nodes stand at, and would mean other records. Owns: noticing that.
//! Positions given out by a log that is gone are *lost*: whoever stands at one has missed records (promise 6), and the
//! stream's own numbers must be lifted above them before it is followed, so that positions only grow.

use std::time::Duration;

use async_nats::jetstream::stream;
use seawall_base::Position;

/// How long a stream may look shorter, or older, than it was before that is believed: longer than a JetStream leader
/// that is cut off from the others takes to notice and fall silent (10 s), since until then it answers from the past.
pub(super) const BELIEVED_AFTER: Duration = Duration::from_secs(15);

/// The moment a stream was made, in nanoseconds: tells two streams of one name apart. Nothing is ordered by it.
pub(super) type Made = i128;

/// What the stream says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) made: Made,
    /// The last position that is gone.
    pub(super) before: Position,
    /// The last position there is, or was.
    pub(super) head: Position,
}

impl Extent {
    pub(super) fn of(info: &stream::Info) -> Self {
        let state = &info.state;
        // A stream that never held anything says 0 or 1.
        let first = state.first_sequence.max(1);
        Self {
            made: info.created.unix_timestamp_nanos(),
            before: Position(first.saturating_sub(1)),
            head: Position(state.last_sequence),
        }
    }
}

/// What to make of an [`Extent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on from what was known.
    Sound,
    /// Its numbers must be lifted above this one first.
    Lift(Position),
    /// It contradicts what is known, and may yet prove to come from a server that does not know better.
    Doubtful,
}

/// What this process knows of the stream.
#[derive(Debug, Default)]
pub(super) struct History {
    made: Option<Made>,
    newest: Position,
    /// The digest of the newest record that passed through here.
    landmark: Option<(Position, blake3::Hash)>,
    lost: Option<Position>,
    doubtful_since: Option<Duration>,
}

impl History {
    /// The newest position known to have been given out. To be asked before the stream is: records may come meanwhile.
    pub(super) fn newest(&self) -> Position {
        self.newest
    }

    /// A record was written or read at `position`.
    pub(super) fn saw(&mut self, position: Position, payload: &[u8]) {
        if position > self.newest {
            self.newest = position;
            self.landmark = Some((position, blake3::hash(payload)));
        }
    }

    /// Judges what the stream said, asked when `newest` was the newest position. `now` in ticks of the clock.
    pub(super) fn judge(&mut self, extent: Extent, newest: Position, now: Duration) -> Verdict {
        let made = *self.made.get_or_insert(extent.made);
        let contradicts = extent.made < made || (extent.made == made && extent.head < newest);
        if contradicts {
            let since = *self.doubtful_since.get_or_insert(now);
            if now.saturating_sub(since) < BELIEVED_AFTER {
                return Verdict::Doubtful;
            }
        }
        self.doubtful_since = None;
        if contradicts || extent.made != made {
            self.made = Some(extent.made);
            self.lose();
        }
        match self.lost {
            Some(lost) if extent.head <= lost => Verdict::Lift(lost),
            _ => Verdict::Sound,
        }
    }

    /// Everything given out so far was given out by a log that is gone.
    pub(super) fn lose(&mut self) {
        self.lost = Some(self.newest);
        self.landmark = None;
    }

    /// Was this position given out by a log that is gone?
    pub(super) fn is_lost(&self, position: Position) -> bool {
        self.lost.is_some_and(|lost| position <= lost)
    }

    /// A position and the digest of what stands there, to be compared with the stream on a new connection.
    pub(super) fn landmark(&self) -> Option<(Position, blake3::Hash)> {
        self.landmark
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    fn extent(made: Made, head: u64) -> Extent {
        Extent { made, before: Position(0), head: Position(head) }
    }

    /// Knows a stream made at 7 with five records.
    fn history() -> History {
        let mut history = History::default();
        assert_eq!(history.judge(extent(7, 5), Position(0), NOW), Verdict::Sound);
        history.saw(Position(5), b"five");
        history
    }

    #[test]
    fn a_stream_that_grows_is_sound() {
        let mut history = history();
        assert_eq!(history.judge(extent(7, 5), Position(5), NOW), Verdict::Sound);
        assert_eq!(history.judge(extent(7, 90), Position(5), NOW), Verdict::Sound);
        assert!(!history.is_lost(Position(5)));
    }

    #[test]
    fn a_stream_made_anew_loses_what_was_and_is_lifted_above_it() {
        let mut history = history();
        assert_eq!(history.judge(extent(8, 0), Position(5), NOW), Verdict::Lift(Position(5)));
        assert!(
            history.is_lost(Position(5)) && history.is_lost(Position(0)) && !history.is_lost(Position(6))
        );
        assert_eq!(history.judge(extent(8, 6), Position(5), NOW), Verdict::Sound);
        assert!(history.is_lost(Position(5)), "it stays lost");
    }

    #[test]
    fn a_stream_made_anew_that_is_longer_already_needs_no_lift() {
        let mut history = history();
        assert_eq!(history.judge(extent(8, 50), Position(5), NOW), Verdict::Sound);
        assert!(history.is_lost(Position(5)));
    }

    #[test]
    fn a_stream_that_looks_shorter_or_older_is_believed_only_after_a_while() {
        for looks in [extent(7, 4), extent(6, 9)] {
            let mut history = history();
            assert_eq!(history.judge(looks, Position(5), NOW), Verdict::Doubtful);
            assert_eq!(
                history.judge(extent(7, 5), Position(5), NOW),
                Verdict::Sound,
                "it was the other server"
            );
            assert_eq!(history.judge(looks, Position(5), NOW), Verdict::Doubtful, "so it begins anew");
            let later = NOW + BELIEVED_AFTER;
            let verdict = history.judge(looks, Position(5), later);
            assert!(matches!(verdict, Verdict::Lift(Position(5)) | Verdict::Sound), "{verdict:?}");
            assert!(history.is_lost(Position(5)));
        }
    }

    #[test]
    fn a_record_that_came_while_the_stream_was_asked_raises_no_doubt() {
        let mut history = history();
        let newest = history.newest();
        history.saw(Position(6), b"six");
        assert_eq!(history.judge(extent(7, 5), newest, NOW), Verdict::Sound);
    }

    #[test]
    fn the_newest_record_is_the_landmark() {
        let mut history = history();
        history.saw(Position(4), b"late");
        assert_eq!(history.landmark(), Some((Position(5), blake3::hash(b"five"))));
        history.lose();
        assert_eq!(history.landmark(), None);
    }
}
