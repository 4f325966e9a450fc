//! What a purge would match on every node, and the limit beyond which it must be confirmed.

use std::time::Duration;

use seawall_base::Purge;
use seawall_cluster::{Footprint, NodeFootprint};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::{FieldError, Kind, Problem};
use crate::state::{AdminState, ConfirmLimits};

/// How long the nodes have to count before a purge that may need to be confirmed: who is slower is not counted, since a
/// purge must not fail because one node does.
pub const COUNT_LIMIT: Duration = Duration::from_secs(2);

/// What a purge would match.
#[derive(Debug, Serialize, ToSchema)]
pub struct DryRunAnswer {
    /// Always true: nothing was purged and nothing written.
    pub dry_run: bool,
    /// Stored responses that would be dropped or made stale, on all nodes that answered.
    pub matched: u64,
    /// Their size, in bytes as the cache weighs them.
    pub matched_bytes: u64,
    /// Nodes that did not answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Every node there is.
    pub nodes: Vec<NodeFootprintAnswer>,
}

/// What a purge would match on one node.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeFootprintAnswer {
    /// The node.
    pub name: String,
    /// Where it is.
    pub region: String,
    /// `counted`, `no-answer` or `unreachable`.
    pub state: &'static str,
    /// Stored responses, each variant for itself.
    pub matched: Option<u64>,
    /// Their size, in bytes as the cache weighs them.
    pub matched_bytes: Option<u64>,
    /// How many of the node's last hits were of them.
    pub recent_hits: Option<u64>,
    /// The same in percent of all hits that the node remembers, at most 65,536.
    pub recent_hits_percent: Option<f64>,
}

impl From<NodeFootprint> for NodeFootprintAnswer {
    fn from(node: NodeFootprint) -> Self {
        let counted = node.footprint.ok();
        Self {
            name: node.name.into(),
            region: node.region.into(),
            state: node.footprint.map_or_else(|why| why.as_str(), |_| "counted"),
            matched: counted.map(|counted| counted.objects),
            matched_bytes: counted.map(|counted| counted.bytes),
            recent_hits: counted.map(|counted| counted.recent_hits),
            recent_hits_percent: counted.map(|counted| tenths(counted.hits_percent())),
        }
    }
}

/// People read it: a tenth of a percent is as exact as a sample is.
fn tenths(percent: f64) -> f64 {
    (percent * 10.0).round() / 10.0
}

impl DryRunAnswer {
    pub(super) fn new(nodes: Vec<NodeFootprint>) -> Self {
        let sum = |of: fn(&Footprint) -> u64| {
            let counted = nodes.iter().filter_map(|node| node.footprint.ok());
            counted.fold(0_u64, |sum, counted| sum.saturating_add(of(&counted)))
        };
        Self {
            dry_run: true,
            matched: sum(|counted| counted.objects),
            matched_bytes: sum(|counted| counted.bytes),
            missing: nodes
                .iter()
                .filter(|node| node.footprint.is_err())
                .map(|node| node.name.to_string())
                .collect(),
            nodes: nodes.into_iter().map(NodeFootprintAnswer::from).collect(),
        }
    }
}

/// What one purge is measured against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The client's own, of `max_objects`; to confirm does not lift it.
    pub(super) max_objects: Option<u64>,
    /// The config's, unless the client confirmed.
    pub(super) confirm: ConfirmLimits,
}

impl Bounds {
    /// Refuses a purge that would match more. Asks nobody where nothing bounds it.
    pub(super) async fn check(self, state: &AdminState, purge: &Purge) -> Result<(), Problem> {
        let ConfirmLimits { objects, hits_percent } = self.confirm;
        if self.max_objects.is_none() && objects.is_none() && hits_percent.is_none() {
            return Ok(());
        }
        let nodes = state.cluster.footprints(purge, COUNT_LIMIT).await;
        let silent: Vec<&str> =
            nodes.iter().filter(|node| node.footprint.is_err()).map(|node| node.name.as_str()).collect();
        if !silent.is_empty() {
            tracing::warn!(?silent, "a purge goes on without the count of nodes that did not answer");
        }
        let errors: Vec<FieldError> = nodes.iter().flat_map(|node| self.beyond(node)).collect();
        if errors.is_empty() {
            return Ok(());
        }
        let detail = "Nothing was purged: it would match more than the limit, see `errors`. Add `\"confirm\": true` to the \
             body (`seawall purge --confirm`) to purge all the same; `max_objects` must be raised or left out.";
        Err(Problem::new(Kind::ConfirmationNeeded, detail).with_errors(errors))
    }

    fn beyond(&self, node: &NodeFootprint) -> Vec<FieldError> {
        let Ok(found) = node.footprint else { return Vec::new() };
        let name = &node.name;
        let mut errors = Vec::new();
        let mut error = |pointer: &str, detail: String| {
            errors.push(FieldError { pointer: pointer.to_owned(), detail });
        };
        if let Some(most) = self.max_objects.filter(|most| found.objects > *most) {
            let detail =
                format!("{} stored responses on {name}, more than the {most} you allow", found.objects);
            error("#/max_objects", detail);
        }
        if let Some(most) = self.confirm.objects.filter(|most| found.objects > *most) {
            let detail = format!(
                "{} stored responses on {name}; over {most} must be confirmed (admin.purge_confirm.objects)",
                found.objects
            );
            error("#/confirm", detail);
        }
        let percent = found.hits_percent();
        if let Some(most) = self.confirm.hits_percent.filter(|most| percent > f64::from(*most)) {
            let detail = format!(
                "{:.1} % of the recent hits on {name}; over {most} % must be confirmed (admin.purge_confirm.hits_percent)",
                percent
            );
            error("#/confirm", detail);
        }
        errors
    }
}
