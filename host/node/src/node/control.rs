//! The control thread: the log's follower, the operator's door, the checks of origins, and the cache's housekeeping. Away from the workers, so
//! that a purge of 100,000 objects delays nobody's hit.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use seawall_admin::{AdminState, Matched};
use seawall_base::{Position, Purge};
use seawall_cache::Store;
use seawall_cluster::{Applied, Apply, Cluster, Entry, Record, Start};
use seawall_pipeline::Edge;
use tokio::sync::watch;

use super::assemble::Parts;
use super::front::Front;
use super::functions::Switchboard;
use super::listen::Bound;
use super::{StartError, origins, told};

/// How often evicted entries leave the indexes and the gauges are brought up to date.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(1);

/// The cache and the functions as the log sees them, and the cache as the operator's door does: purges speak of URLs as
/// people write them, and each site's settings say which of them are one.
pub(crate) struct Sink {
    pub(crate) edge: Arc<Edge>,
    pub(crate) functions: Arc<Switchboard>,
}

impl Apply for Sink {
    fn apply(&self, record: &Record) -> Applied {
        match &record.entry {
            Entry::Purge(purge) => {
                let purge = self.edge.sites.in_keys(purge);
                Applied { matched: self.edge.store.apply(record.position, &purge).objects }
            }
            Entry::Activation(activation) => {
                // First the version, then the position: who has the position runs the version.
                self.functions.apply(activation, record.position);
                self.edge.store.advance(record.position);
                Applied::default()
            }
            Entry::Unknown { .. } => {
                self.edge.store.advance(record.position);
                Applied::default()
            }
        }
    }

    fn empty(&self, at: Position) {
        self.edge.store.empty(at);
        self.functions.catch_up();
    }

    fn caught_up(&self, _: Position) {
        self.functions.catch_up();
    }
}

impl seawall_admin::Store for Sink {
    fn dry_run(&self, purge: &Purge) -> Matched {
        let seawall_cache::Matched { objects, bytes } =
            self.edge.store.dry_run(&self.edge.sites.in_keys(purge));
        Matched { objects, bytes }
    }
}

/// Starts the thread.
pub(crate) fn spawn(
    parts: Parts,
    admin: Bound,
    stopped: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, StartError> {
    let failed = |source| StartError::Io { what: "the control thread", source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let body = move || runtime.block_on(control(parts, admin, stopped));
    std::thread::Builder::new().name("control".to_owned()).spawn(body).map_err(failed)
}

async fn control(parts: Parts, admin: Bound, stopped: watch::Receiver<bool>) {
    let Parts { edge, front, follower, admin: state, functions } = parts;
    let store = Arc::clone(&edge.store);
    let sink = Sink { edge: Arc::clone(&edge), functions: Arc::clone(&functions) };
    let following = follower.run(Arc::new(sink), Start::Empty, stopped.clone());
    let cluster = Arc::clone(&edge.cluster);
    let watching = watch_others(&edge, &front, stopped.clone());
    let housekeeping = housekeep(store, cluster, stopped.clone());
    tokio::join!(following, door(state, admin, stopped), housekeeping, watching);
    drop(functions);
}

/// The active checks of all origins, and the files of certificates.
async fn watch_others(edge: &Edge, front: &Front, stopped: watch::Receiver<bool>) {
    let watching = async { tokio::join!(origins::watch(edge.origins.values().cloned()), front.watch()) };
    tokio::select! {
        () = told(stopped) => {}
        _ = watching => {}
    }
}

async fn door(state: AdminState, admin: Bound, stopped: watch::Receiver<bool>) {
    let router = seawall_admin::router(state);
    for socket in admin.sockets {
        let listener = match tokio::net::TcpListener::from_std(socket) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "the admin listener could not be used"),
        };
        if let Err(error) = seawall_admin::serve(listener, router.clone(), told(stopped.clone())).await {
            tracing::error!(%error, "the admin listener ended");
        }
    }
}

async fn housekeep(store: Arc<Store>, cluster: Arc<Cluster>, stopped: watch::Receiver<bool>) {
    let mut every = tokio::time::interval(HOUSEKEEPING_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let stop = told(stopped);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = every.tick() => {
                store.measure();
                cluster.measure();
                // What a purge of everything left behind; a step at a time, so that the log is followed meanwhile.
                while store.housekeep() {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
}
