//! Bodies on their way: from the origin, from a shield, or from a node to its client.

use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use seawall_base::{Blame, Cause, Fault};
use seawall_pipeline::Reply;

use crate::executor::Group;
use crate::world::{PATIENCE, World, lost};

/// A body that is being read.
pub(crate) struct Flow {
    world: Rc<World>,
    source: Source,
    /// The node that sends it, and in which of its lives, where it comes over the network.
    sender: Option<(usize, Group)>,
}

enum Source {
    /// What the cache hands out: stored, or being filled.
    Reply(Reply),
    /// What the origin sends, and whether the connection breaks after it.
    Origin(VecDeque<Bytes>, bool),
    /// What another flow brings.
    Through(Box<Flow>),
}

impl Flow {
    pub(crate) fn reply(world: &Rc<World>, reply: Reply) -> Self {
        Self { world: Rc::clone(world), source: Source::Reply(reply), sender: None }
    }

    pub(crate) fn empty(world: &Rc<World>) -> Self {
        Self::reply(world, Reply::empty())
    }

    pub(crate) fn origin(world: &Rc<World>, pieces: Vec<Bytes>, breaks: bool) -> Self {
        Self { world: Rc::clone(world), source: Source::Origin(pieces.into(), breaks), sender: None }
    }

    /// The same over the network, from this life of a node.
    pub(crate) fn over(self, node: usize, group: Group) -> Self {
        let world = Rc::clone(&self.world);
        Self { world, source: Source::Through(Box::new(self)), sender: Some((node, group)) }
    }

    /// The next piece; `None` after the last.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Fault>> {
        let world = Rc::clone(&self.world);
        match &mut self.source {
            Source::Reply(reply) => loop {
                let frame = std::future::poll_fn(|cx| Pin::new(&mut *reply).poll_frame(cx)).await?;
                match frame.map(http_body::Frame::into_data) {
                    Ok(Ok(data)) => return Some(Ok(data)),
                    Ok(Err(_trailers)) => {}
                    Err(fault) => return Some(Err(fault)),
                }
            },
            Source::Origin(pieces, breaks) => {
                let pause = match world.executor.below(100) {
                    0..=59 => Duration::ZERO,
                    60..=97 => world.executor.millis(1, 400),
                    _ => PATIENCE,
                };
                world.executor.sleep(pause).await;
                if pause == PATIENCE && !world.healed.get() {
                    pieces.clear();
                    *breaks = false;
                    return Some(Err(lost(Cause::BodyTimeout, Blame::Origin)));
                }
                match pieces.pop_front() {
                    Some(piece) => Some(Ok(piece)),
                    None => {
                        std::mem::take(breaks).then(|| Err(lost(Cause::ConnectionTerminated, Blame::Origin)))
                    }
                }
            }
            Source::Through(flow) => {
                let next = Box::pin(flow.next());
                let Some(next) = world.executor.timeout(PATIENCE, next).await else {
                    return Some(Err(lost(Cause::BodyTimeout, Blame::Peer)));
                };
                let lives = self
                    .sender
                    .is_none_or(|(node, group)| world.life(node).is_some_and(|life| life.group == group));
                if !lives {
                    return next.map(|_| Err(lost(Cause::ConnectionTerminated, Blame::Peer)));
                }
                world.executor.sleep(world.executor.millis(0, 3)).await;
                next
            }
        }
    }
}
