//! Everything that the actors of one run share: time, links, the log, the nodes, the origin, the judge.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use seawall_base::{Blame, Cause, Clock, Fault, NodeName, OriginName, Position, Region, Retry, SiteName};
use seawall_cache::{Key, KeyParts, Store};
use seawall_cluster::{EmbeddedLog, Members, Retention, Seat};
use seawall_functions::Roster;
use seawall_origin::{ClientSetup, Limits, Pool, PoolMetrics, PoolSetup, Settings, Trust};
use seawall_pipeline::error_page::ErrorPages;
use seawall_pipeline::{Guards, Origin, Site, WhenCutOff};
use seawall_policy::{Normalise, Rules};
use tokio::sync::watch;

use crate::counters::{Count, Counters};
use crate::executor::{Executor, Group};
use crate::oracle::Oracle;
use crate::sabotage::Sabotage;
use crate::trace::{Event, Moment, Trace};
use crate::web::{PLAIN, Page, SHIELDED, URLS};

/// The region of the shields.
pub(crate) const SHIELD_REGION: &str = "ams";

/// Name and region of every node. The first two are the shields of [`SHIELDED`].
const NODES: [(&str, &str); 5] = [
    ("ams-1", SHIELD_REGION),
    ("ams-2", SHIELD_REGION),
    ("fra-1", "fra"),
    ("fra-2", "fra"),
    ("sin-1", "sin"),
];

/// How long a node waits for the first byte of an answer, and for each further piece: shorter than in life, so that a
/// run sees it happen.
pub(crate) const PATIENCE: Duration = Duration::from_millis(2_500);

/// How long a follower waits for its leader's head.
pub(crate) const FOLLOW_LIMIT: Duration = Duration::from_secs(3);

/// The length of a run's script, and the time after it in which everything must come to its end.
pub(crate) const SCRIPT: Duration = Duration::from_secs(10);
pub(crate) const GRACE: Duration = Duration::from_secs(40);

pub(crate) struct World {
    pub(crate) executor: Rc<Executor>,
    pub(crate) clock: Clock,
    pub(crate) log: EmbeddedLog,
    pub(crate) members: Members,
    pub(crate) nodes: Vec<Node>,
    pub(crate) pages: RefCell<Vec<Page>>,
    /// The origin refuses connections.
    pub(crate) origin_down: Cell<bool>,
    /// The origin answers 503.
    pub(crate) origin_sick: Cell<bool>,
    /// Pairs of nodes that cannot reach each other.
    pub(crate) cut: RefCell<Vec<(usize, usize)>>,
    /// After the script nothing breaks any more.
    pub(crate) healed: Cell<bool>,
    pub(crate) oracle: RefCell<Oracle>,
    pub(crate) trace: RefCell<Trace>,
    pub(crate) counters: RefCell<Counters>,
    pub(crate) violation: RefCell<Option<Violation>>,
    pub(crate) sabotage: Option<Sabotage>,
    /// Whether answers are rather quick, or rather slow: some runs have more in flight than others.
    pub(crate) slowness: usize,
    pub(crate) object_max_bytes: u64,
    /// What a site must name, and nobody asks: the simulation has an origin of its own.
    pub(crate) pool: Arc<Pool>,
    /// Requests that have begun and not ended.
    pub(crate) open: RefCell<BTreeSet<u32>>,
    pub(crate) requests: Cell<u32>,
    /// Actors of the script that have not ended.
    pub(crate) actors: Cell<u32>,
    pub(crate) lives: Cell<u32>,
}

/// What was broken, and the URL that it is about.
pub(crate) struct Violation {
    pub(crate) what: String,
    pub(crate) url: Option<usize>,
}

pub(crate) struct Node {
    pub(crate) name: NodeName,
    pub(crate) region: Region,
    pub(crate) life: RefCell<Option<Rc<Life>>>,
    /// Whether it reaches the control log.
    pub(crate) reaches_log: watch::Sender<bool>,
}

/// A node from its start to its crash.
pub(crate) struct Life {
    pub(crate) node: usize,
    pub(crate) group: Group,
    pub(crate) store: Arc<Store>,
    /// In the order of [`site_names`].
    pub(crate) sites: [Site; 2],
    pub(crate) metrics: seawall_cache::Metrics,
    pub(crate) seat: Seat,
    pub(crate) applied: watch::Sender<Position>,
    /// URL and known tags of each fill under way, for the counters.
    pub(crate) in_flight: RefCell<Vec<(u32, usize, u8)>>,
    pub(crate) fills: Cell<u32>,
}

impl Life {
    /// The site that a URL belongs to.
    pub(crate) fn site(&self, url: usize) -> &Site {
        let plain = URLS[url].site != SHIELDED;
        &self.sites[usize::from(plain)]
    }
}

impl World {
    pub(crate) fn new(seed: u64, sabotage: Option<Sabotage>) -> Rc<Self> {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let executor = Executor::new(seed, clock.clone());
        let retention = Retention { records: 2 + executor.below(16), bytes: usize::MAX };
        let nodes = 3 + executor.below(NODES.len() - 2);
        let node = |(name, region): &(&str, &str)| Node {
            name: name_of(NodeName::new(name)),
            region: name_of(Region::new(region)),
            life: RefCell::default(),
            reaches_log: watch::Sender::new(true),
        };
        Rc::new(Self {
            log: EmbeddedLog::in_memory(retention),
            members: Members::new(clock.clone()),
            nodes: NODES.iter().take(nodes).map(node).collect(),
            pages: RefCell::new(URLS.iter().map(|_| Page::first(&executor)).collect()),
            origin_down: Cell::new(false),
            origin_sick: Cell::new(false),
            cut: RefCell::default(),
            healed: Cell::new(false),
            oracle: RefCell::new(Oracle::new(URLS.to_vec())),
            trace: RefCell::default(),
            counters: RefCell::default(),
            violation: RefCell::default(),
            sabotage,
            slowness: executor.below(40),
            object_max_bytes: if executor.chance(20) { 120_000 } else { 64 << 20 },
            open: RefCell::default(),
            requests: Cell::new(0),
            actors: Cell::new(0),
            lives: Cell::new(0),
            pool: unused_pool(&clock),
            clock,
            executor,
        })
    }

    pub(crate) fn event(&self, event: Event) -> Moment {
        self.trace.borrow_mut().push(self.executor.now(), event)
    }

    pub(crate) fn count(&self, count: Count) {
        self.counters.borrow_mut().add(count, 1);
    }

    pub(crate) fn breaks(&self, rule: Sabotage) -> bool {
        self.sabotage == Some(rule)
    }

    /// The first violation ends the run.
    pub(crate) fn violated(&self, what: impl Into<String>, url: Option<usize>) {
        self.violation.borrow_mut().get_or_insert_with(|| Violation { what: what.into(), url });
    }

    pub(crate) fn life(&self, node: usize) -> Option<Rc<Life>> {
        self.nodes.get(node)?.life.borrow().clone()
    }

    /// How long a message takes: nearly always a few milliseconds, at times long enough to be overtaken by much.
    pub(crate) fn delay(&self) -> Duration {
        match self.executor.below(100) {
            0..=69 => self.executor.millis(1, 4),
            70..=94 => self.executor.millis(5, 60),
            _ => self.executor.millis(60, 600),
        }
    }

    pub(crate) async fn pause(&self, least: u64, most: u64) {
        self.executor.sleep(self.executor.millis(least, most)).await;
    }

    /// A message's way from one node to another.
    pub(crate) async fn transit(&self, from: usize, to: usize) -> Result<(), Fault> {
        self.executor.sleep(self.delay()).await;
        let is_cut = self.cut.borrow().iter().any(|pair| *pair == (from, to) || *pair == (to, from));
        if is_cut {
            self.executor.sleep(self.executor.millis(10, 300)).await;
            return Err(lost(Cause::ConnectionTerminated, Blame::Peer));
        }
        Ok(())
    }

    /// The cache key of a URL.
    pub(crate) fn key(&self, url: usize) -> Key {
        let url = &URLS[url % URLS.len()];
        Key::new(&KeyParts {
            site: url.site,
            scheme: "http",
            authority: url.authority,
            path_and_query: url.path,
            extra: &[],
        })
    }

    /// The shields of a URL for a node, best first: those that `pipeline`'s stage *route* chooses.
    pub(crate) fn shields(&self, node: usize, url: usize) -> Vec<usize> {
        let region = self.nodes.get(node).map(|node| node.region.as_str());
        let is_shielded = URLS.get(url).is_some_and(|url| url.site == SHIELDED);
        if !is_shielded || region == Some(SHIELD_REGION) {
            return Vec::new();
        }
        let mut ready = self.members.ready_in(&name_of(Region::new(SHIELD_REGION)));
        seawall_cluster::shield::rank(&mut ready, self.key(url).as_bytes(), |node| node.info.name.as_str());
        ready.truncate(SHIELDS_TRIED_MAX);
        ready
            .iter()
            .filter_map(|view| self.nodes.iter().position(|node| node.name == view.info.name))
            .collect()
    }
}

/// As `pipeline`'s stage *route* has it.
const SHIELDS_TRIED_MAX: usize = 2;

/// A fault of the simulated network.
pub(crate) fn lost(cause: Cause, blame: Blame) -> Fault {
    Fault::new(cause, blame, "simulated").retry(Retry::Safe)
}

pub(crate) fn name_of<T, E: std::fmt::Debug>(name: Result<T, E>) -> T {
    name.expect("the simulation's own names and settings follow the rules for them")
}

/// The names of all sites.
pub(crate) fn site_names() -> [SiteName; 2] {
    [SHIELDED, PLAIN].map(|site| name_of(SiteName::new(site)))
}

/// The sites of one life of a node, with the defaults of a config that says nothing.
pub(crate) fn sites(world: &World, store: &Store) -> [Site; 2] {
    site_names().map(|name| Site {
        shelf: store.shelf(&name),
        in_keys: Box::from(name.as_str()),
        name,
        origin: Origin::Servers(Arc::clone(&world.pool)),
        error_pages: ErrorPages::default(),
        functions: Arc::new(Roster::none()),
        shield: None,
        when_cut_off: WhenCutOff::default(),
        rules: Rules::default(),
        own_rules: Box::default(),
        normalise: Normalise::default(),
        keying: None,
        strip_set_cookie: false,
        redirect_to_https: false,
        tells_key: false,
        guards: Guards::default(),
    })
}

/// Nothing asks it: the world's origin answers.
fn unused_pool(clock: &Clock) -> Arc<Pool> {
    let (trust, sent) = (name_of(Trust::nobody()), seawall_origin::Metrics::default());
    Pool::new(PoolSetup {
        name: name_of(OriginName::new("unused")),
        servers: Vec::new(),
        client: ClientSetup::new(Limits::default(), trust, Blame::Origin, sent, clock.clone()),
        settings: Settings::default(),
        host_header: None,
        backup: None,
        metrics: PoolMetrics::default(),
    })
}
