//! Handshakes under way. Whoever begins one past the limit takes the place of the oldest, which is the least likely to
//! end: a thousand that never send a byte keep nobody out.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The handshakes of a node.
#[derive(Debug)]
pub(super) struct Handshakes {
    max: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    /// By number, which only grows.
    under_way: VecDeque<(u64, Arc<Notify>)>,
}

/// One handshake's turn; over when dropped.
#[derive(Debug)]
pub(super) struct Turn {
    handshakes: Arc<Handshakes>,
    number: u64,
    cut: Arc<Notify>,
}

impl Handshakes {
    pub(super) fn new(max: NonZeroU32) -> Self {
        Self { max: usize::try_from(max.get()).unwrap_or(usize::MAX), queue: Mutex::default() }
    }

    pub(super) fn begin(self: &Arc<Self>) -> Turn {
        let cut = Arc::new(Notify::new());
        let mut queue = self.queue.lock();
        let number = queue.next;
        queue.next += 1;
        if queue.under_way.len() >= self.max
            && let Some((_, oldest)) = queue.under_way.pop_front()
        {
            oldest.notify_one();
        }
        queue.under_way.push_back((number, Arc::clone(&cut)));
        Turn { handshakes: Arc::clone(self), number, cut }
    }
}

impl Turn {
    /// Ends where another has taken this one's place.
    pub(super) async fn is_cut(&self) {
        self.cut.notified().await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut queue = self.handshakes.queue.lock();
        if let Ok(at) = queue.under_way.binary_search_by_key(&self.number, |(number, _)| *number) {
            queue.under_way.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_cut(turn: &Turn) -> bool {
        let waiting = std::pin::pin!(turn.is_cut());
        waiting.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
    }

    #[test]
    fn the_oldest_goes_and_those_that_have_ended_make_room() {
        let handshakes = Arc::new(Handshakes::new(NonZeroU32::new(2).unwrap()));
        let (one, two) = (handshakes.begin(), handshakes.begin());
        assert!(!is_cut(&one) && !is_cut(&two));
        let three = handshakes.begin();
        assert!(is_cut(&one) && !is_cut(&two) && !is_cut(&three));
        drop(three);
        let four = handshakes.begin();
        assert!(!is_cut(&two) && !is_cut(&four), "there was room");
        drop((one, two, four));
        assert!(handshakes.queue.lock().under_way.is_empty());
    }
}
