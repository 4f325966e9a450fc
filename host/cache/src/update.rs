//! RFC 9111 §4.3.5: what a HEAD response says of a stored GET response.
//!
//! A HEAD is no fill: it has no body to store and nobody waits for it. But what it says is as old as its request, and a
//! purge that came since counts against it as it counts against a fill.

use std::sync::Arc;

use seawall_base::Position;

use crate::claim::Ask;
use crate::entry::{Draft, Entry};
use crate::store::{Place, Settled, Store};

/// When a HEAD was sent, among the purges and among the fills.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    start: Position,
    number: u64,
}

impl Update {
    /// Where the log stood.
    #[must_use]
    pub fn position(&self) -> Position {
        self.start
    }
}

impl Store {
    /// A HEAD is about to be sent.
    pub fn begin_update(&self) -> Update {
        Update { start: self.applied(), number: self.next_fill() }
    }

    /// The response is of the same representation as `prior`, whose head is `draft` from now on. Nothing happens where
    /// `prior` is not stored any more, or was purged since the HEAD was sent.
    pub fn freshen(&self, update: Update, ask: &Ask<'_>, prior: &Arc<Entry>, mut draft: Draft) -> Settled {
        draft.compact();
        let entry = Arc::new(Entry::asked(Arc::new(draft), prior.body.clone(), update.start, update.number));
        let mut shard = self.shard(&ask.key);
        let stored = self.get(&ask.key);
        let is_stored =
            stored.is_some_and(|held| held.resource.variants.iter().any(|e| Arc::ptr_eq(e, prior)));
        if !is_stored {
            return Settled::Older;
        }
        let url = Arc::from(seawall_base::purge::url_text(ask.authority, ask.path_and_query));
        let place = Place { key: ask.key, shelf: Arc::clone(ask.shelf), url };
        let settled = self.insert(&mut shard, &place, update.start, &entry, Some(prior));
        if settled == Settled::Stored {
            self.metrics.refreshed.inc();
        }
        settled
    }

    /// The response is of another representation: `prior` is stale from now on, and the next request asks.
    pub fn outdate(&self, prior: &Entry) {
        prior.mark_soft();
    }
}
