//! Stage *route*: who is asked.

use std::sync::Arc;

use seawall_cluster::NodeView;
use seawall_origin::Pool;

use crate::context::Context;
use crate::edge::Edge;

/// Who is asked for a request.
pub(crate) enum Route {
    /// These nodes of the shield's region, best first; then the origin.
    Shield(Vec<NodeView>, Arc<Pool>),
    /// The origin.
    Origin(Arc<Pool>),
}

/// Most nodes of a shield region that are asked before the origin is: one, and one more when it does not answer. Each
/// costs a connect timeout at worst.
const SHIELDS_TRIED_MAX: usize = 2;

/// Who is asked. A request of another node goes to the origin: a shield has no shield.
pub(crate) fn choose(edge: &Edge, cx: &Context) -> Route {
    let chosen = cx.edits.origin.as_ref().and_then(|name| edge.origins.get(name));
    let origin = Arc::clone(chosen.unwrap_or(&cx.site.origin));
    let Some(region) = &cx.site.shield else {
        return Route::Origin(origin);
    };
    if cx.peer.is_some() || edge.peers.is_none() || region == edge.cluster.region() {
        return Route::Origin(origin);
    }
    let seed: &[u8] = cx
        .key
        .as_ref()
        .map_or(cx.head.path_and_query.as_str().as_bytes(), |key| key.as_bytes());
    let mut nodes = edge.cluster.shield_candidates(region, seed);
    nodes.retain(|node| node.info.peer_addr.is_some());
    nodes.truncate(SHIELDS_TRIED_MAX);
    if nodes.is_empty() {
        Route::Origin(origin)
    } else {
        Route::Shield(nodes, origin)
    }
}
