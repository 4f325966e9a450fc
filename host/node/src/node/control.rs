//! The control thread: the log's follower, the operator's door, the checks of origins, and the cache's housekeeping. Away from the workers, so
//! that a purge of 100,000 objects delays nobody's hit.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use seawall_admin::{AdminState, NotReloaded, Reloaded};
use seawall_base::{Position, Purge};
use seawall_cache::Store;
use seawall_cluster::{Applied, Apply, Cluster, Entry, Footprint, Record, Start, Survey};
use tokio::sync::{mpsc, oneshot, watch};

use super::assemble::Parts;
use super::functions::retreat;
use super::listen::Bound;
use super::live::Live;
use super::origins::Watches;
use super::reload::watching::watch as watch_file;
use super::reload::{Reloader, Trigger};
use super::{StartError, told};

/// How often evicted entries leave the indexes and the gauges are brought up to date.
const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(1);

/// The cache and the functions as the log sees them, and the cache as the operator's door does: purges speak of URLs as
/// people write them, and each site's settings say which of them are one.
struct Sink {
    live: Live,
}

impl Apply for Sink {
    fn apply(&self, record: &Record) -> Applied {
        let now = self.live.now();
        match &record.entry {
            Entry::Purge(purge) => {
                let purge = now.edge.sites.in_keys(purge);
                Applied { matched: now.edge.store.apply(record.position, &purge).objects }
            }
            Entry::Activation(activation) => {
                // First the version, then the position: who has the position runs the version.
                now.functions.apply(activation, record.position);
                now.edge.store.advance(record.position);
                Applied::default()
            }
            Entry::Unknown { .. } => {
                now.edge.store.advance(record.position);
                Applied::default()
            }
        }
    }

    fn empty(&self, at: Position) {
        let now = self.live.now();
        now.edge.store.empty(at);
        now.functions.catch_up();
    }

    fn caught_up(&self, _: Position) {
        self.live.now().functions.catch_up();
    }
}

impl Survey for Sink {
    fn footprint(&self, purge: &Purge) -> Footprint {
        let edge = self.live.edge();
        let found = edge.store.footprint(&edge.sites.in_keys(purge));
        let seawall_cache::Footprint { objects, bytes, recent_hits, recent_hits_all } = found;
        Footprint { objects, bytes, recent_hits, recent_hits_all }
    }
}

/// A reload that was asked for, and where to say how it went.
pub(crate) struct Order(pub(crate) Trigger, pub(crate) oneshot::Sender<Result<Reloaded, NotReloaded>>);

/// Starts the thread.
pub(crate) fn spawn(
    parts: Parts,
    admin: Bound,
    orders: mpsc::UnboundedReceiver<Order>,
    stopped: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, StartError> {
    let failed = |source| StartError::Io { what: "the control thread", source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let body = move || runtime.block_on(control(parts, admin, orders, stopped));
    std::thread::Builder::new().name("control".to_owned()).spawn(body).map_err(failed)
}

async fn control(
    parts: Parts,
    admin: Bound,
    orders: mpsc::UnboundedReceiver<Order>,
    stopped: watch::Receiver<bool>,
) {
    let Parts { live, front, follower, admin: state, reloader, .. } = parts;
    let edge = live.edge();
    let sink = Arc::new(Sink { live: live.clone() });
    // For as long as this thread runs: the table of nodes would keep the cache alive.
    let answering = edge.cluster.answering(Arc::clone(&sink) as _);
    let following = follower.run(sink, Start::Empty, stopped.clone());
    let housekeeping = housekeep(Arc::clone(&edge.store), Arc::clone(&edge.cluster), stopped.clone());
    drop(edge);
    let watches = end_watches(&live, stopped.clone());
    let changing = until(stopped.clone(), async {
        let file = watch_file(Arc::clone(&reloader));
        tokio::join!(
            watch_origins(&reloader),
            front.watch(),
            obey(&reloader, orders),
            file,
            retreat(&reloader)
        );
    });
    tokio::join!(following, door(state, admin, stopped), housekeeping, changing, watches);
    drop(answering);
}

/// Whoever watches functions does so until the node stops, and must not hold that up.
async fn end_watches(live: &Live, stopped: watch::Receiver<bool>) {
    told(stopped).await;
    live.now().functions.watch.end_all();
}

async fn until(stopped: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        () = told(stopped) => {}
        () = work => {}
    }
}

/// The active checks of the origins in force.
async fn watch_origins(reloader: &Reloader) {
    let mut changed = reloader.changed();
    let mut watches = Watches::default();
    loop {
        watches.follow(&reloader.live().now().pools);
        if changed.changed().await.is_err() {
            return;
        }
    }
}

/// Reloads when told to.
async fn obey(reloader: &Arc<Reloader>, mut orders: mpsc::UnboundedReceiver<Order>) {
    while let Some(Order(trigger, tell)) = orders.recv().await {
        // Whoever asked may have gone.
        let _ = tell.send(reloader.reload(trigger).await);
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
