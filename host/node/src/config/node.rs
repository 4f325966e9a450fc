//! `[node]`: who this process is.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use seawall_base::{NodeName, Region};
use serde::Serialize;

use super::check::Check;
use super::raw::RawNode;
use super::reader::{Field, Spot};
use super::{data_dir, path_text};

/// Default of [`Node::name`]. Good for one node; nodes that share a cluster must each have their own.
pub const DEFAULT_NAME: &str = "seawall";

/// Default of [`Node::region`].
pub const DEFAULT_REGION: &str = "local";

/// Most [`Node::threads`]: more than any machine's cores; each thread is a runtime with its own listeners.
pub const THREADS_MAX: usize = 1024;

/// `[node]`: who this process is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its name, unlike every other node's. Stands in `Cache-Status`, `Via` and metrics. Default [`DEFAULT_NAME`].
    pub name: NodeName,
    /// Where it is. Default [`DEFAULT_REGION`].
    pub region: Region,
    /// Where it keeps the control log and the admin token. Default: [`data_dir::default_data_dir`].
    #[serde(serialize_with = "path_text")]
    pub data_dir: PathBuf,
    /// Worker threads, each with its own runtime and listeners. Default: one per core this process may use.
    pub threads: NonZeroUsize,
    /// Whether the config file is read again when it changes. Default: no.
    pub watch_config: bool,
}

/// One per core this process may use; one where the system does not say.
fn default_threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// A number of threads that can be started.
pub(super) fn threads(number: u64) -> Result<NonZeroUsize, String> {
    let fits =
        usize::try_from(number).ok().filter(|number| *number <= THREADS_MAX).and_then(NonZeroUsize::new);
    fits.ok_or_else(|| format!("{number} threads cannot be started. Write a number from 1 to {THREADS_MAX}."))
}

impl Node {
    /// `cluster` is where the file says that the node is one of several. Then it must be named: two nodes of one name
    /// would take each other's place.
    pub(super) fn from_raw(check: &Check<'_>, raw: RawNode, cluster: Option<usize>) -> Option<Self> {
        let RawNode { at: _, name, region, data_dir, threads: number, watch_config } = raw;
        let default = Self::default_node();
        if let (Some(at), Field::Absent) = (cluster, &name) {
            check.problem(
                at,
                "`name` is missing: a node among others needs its own. Write `name = \"fra-1\"` there, or \
                 run it with `--name fra-1`.",
            );
        }
        let name = check.optional("name", name, NodeName::new);
        let region = check.optional("region", region, Region::new);
        let data_dir = check.optional("data_dir", data_dir, |text| check.path(text));
        let number = match number {
            Field::Given(Spot { value, at }) => {
                threads(value).map_err(|wrong| check.problem(at, format!("`threads`: {wrong}"))).ok()
            }
            Field::Absent | Field::Broken => None,
        };
        let default = default?;
        Some(Self {
            name: name.map_or(default.name, |spot| spot.value),
            region: region.map_or(default.region, |spot| spot.value),
            data_dir: data_dir.map_or(default.data_dir, |spot| spot.value),
            threads: number.unwrap_or(default.threads),
            watch_config: watch_config.or(false),
        })
    }

    /// `None` only if the default names broke the rule for names; a test holds that they do not.
    pub(super) fn default_node() -> Option<Self> {
        Some(Self {
            name: NodeName::new(DEFAULT_NAME).ok()?,
            region: Region::new(DEFAULT_REGION).ok()?,
            data_dir: data_dir::default_data_dir(),
            threads: default_threads(),
            watch_config: false,
        })
    }
}
