//! What becomes of a request on a node that cannot say that it is within `max_lag` of the control log (promise 5): what
//! it holds may have been purged.

use seawall_base::{Blame, Cause, Fault};
use seawall_cluster::Touch;

use crate::context::{Context, Told};
use crate::edge::Edge;

/// What a site does then: the operator's choice between answering and being right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WhenCutOff {
    /// Serve what is stored, at the risk that it has been purged.
    Serve,
    /// Ask the origin, or a shield that is in touch, before serving what is stored.
    #[default]
    Revalidate,
    /// Answer 503.
    Refuse,
}

impl WhenCutOff {
    /// All choices.
    pub const ALL: [Self; 3] = [Self::Serve, Self::Revalidate, Self::Refuse];

    /// The word for metrics, and in the config file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Revalidate => "revalidate",
            Self::Refuse => "refuse",
        }
    }
}

/// The detail in `Cache-Status` and the log of whatever is answered while cut off.
const DETAIL: &str = "cut-off";

/// Asked once of a request that may be answered from the cache, before it is looked up. Where the node is in touch it
/// costs two loads.
pub(crate) fn check(edge: &Edge, cx: &mut Context, told: &mut Told) -> Result<(), Fault> {
    if edge.cluster.touch(told.started) == Touch::InTouch {
        return Ok(());
    }
    let does = cx.site.when_cut_off;
    edge.metrics.count_cut_off(does);
    told.detail = Some(DETAIL);
    match does {
        WhenCutOff::Serve => Ok(()),
        WhenCutOff::Revalidate => {
            cx.directives.must_validate = true;
            Ok(())
        }
        WhenCutOff::Refuse => Err(Fault::new(
            Cause::CutOff,
            Blame::Node,
            "this node is further from the control log than max_lag",
        )),
    }
}

/// The detail of a hit: none, but for this.
pub(crate) fn detail(told: &Told) -> Option<&'static str> {
    told.detail.filter(|detail| *detail == DETAIL)
}
