//! Stage *route*: who is asked.

use seawall_cache::Key;
use seawall_cluster::NodeView;

use crate::context::Context;
use crate::edge::Edge;
use crate::key;
use crate::origin::Origin;

/// Who is asked for a request.
pub(crate) enum Route {
    /// These nodes of the shield's region, best first; then the origin.
    Shield(Vec<NodeView>, Origin),
    /// The origin.
    Origin(Origin),
}

impl Route {
    /// The origin behind it.
    pub(crate) fn origin(&self) -> &Origin {
        match self {
            Self::Shield(_, origin) | Self::Origin(origin) => origin,
        }
    }
}

/// Most nodes of a shield region that are asked before the origin is: one, and one more when it does not answer. Each
/// costs a connect timeout at worst.
const SHIELDS_TRIED_MAX: usize = 2;

/// Who is asked for what may be stored.
pub(crate) fn choose(edge: &Edge, cx: &Context, key: Key) -> Route {
    let has_parts = !cx.edits.key_parts.is_empty();
    let key = if has_parts { key::without_parts(cx, cx.head.path_and_query.as_str()) } else { key };
    let nodes = shields(edge, cx, key);
    if nodes.is_empty() { Route::Origin(origin(edge, cx)) } else { Route::Shield(nodes, origin(edge, cx)) }
}

/// Who is asked for what is not stored: a shield would only be in the way.
pub(crate) fn past_the_cache(edge: &Edge, cx: &Context) -> Route {
    Route::Origin(origin(edge, cx))
}

/// The nodes of the site's shield region for a key, best first. None for a request of another node: a shield has no
/// shield.
pub(crate) fn shields(edge: &Edge, cx: &Context, key: Key) -> Vec<NodeView> {
    let Some(region) = &cx.site.shield else { return Vec::new() };
    if cx.peer.is_some() || edge.peers.is_none() || region == edge.cluster.region() {
        return Vec::new();
    }
    let mut nodes = edge.cluster.shield_candidates(region, key.as_bytes());
    nodes.retain(|node| node.info.peer_addr.is_some());
    nodes.truncate(SHIELDS_TRIED_MAX);
    nodes
}

fn origin(edge: &Edge, cx: &Context) -> Origin {
    let chosen = cx.edits.origin.as_ref().and_then(|name| edge.origins.get(name));
    chosen.unwrap_or(&cx.site.origin).clone()
}
