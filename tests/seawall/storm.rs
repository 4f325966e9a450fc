//! A storm: a node that is a process, two servers behind it that fail in every way in turn, and clients that check every byte
//! all the while. No body is wrong, none that is cut passes for a whole one, and no request fails that had an alternative:
//! another server, or what is stored and may stand in.
//!
//! `cargo xtask storm --rounds N` runs it for longer; it prints what it counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::harness::{Answer, Ask, BrokenOff, Origin, Plan, Process, World, together};

/// Names how many rounds there are, where it is not one.
const ROUNDS: &str = "SEAWALL_STORM_ROUNDS";

/// Pages of each kind.
const PAGES: usize = 24;
/// Clients that ask at once.
const CLIENTS: usize = 8;
/// Requests of one phase.
const PHASE_REQUESTS: usize = 160;

/// How the first server behaves. The second is well until both are dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Well,
    Refuses,
    ResetsMidHeader,
    ResetsMidBody,
    Stalls,
    SendsGarbage,
    HalfCloses,
    Flaps,
    AllDead,
    AllBack,
}

impl Phase {
    const ALL: [Self; 10] = [
        Self::Well,
        Self::Refuses,
        Self::ResetsMidHeader,
        Self::ResetsMidBody,
        Self::Stalls,
        Self::SendsGarbage,
        Self::HalfCloses,
        Self::Flaps,
        Self::AllDead,
        Self::AllBack,
    ];
}

/// What the clients saw.
#[derive(Debug, Default)]
struct Seen {
    whole: AtomicU64,
    stale: AtomicU64,
    broken: AtomicU64,
    /// While nobody could answer, and nothing was stored.
    failed: AtomicU64,
}

/// Pages that are stored, asked about each time, and may stand in for an hour; and pages that are never stored.
#[derive(Clone, Copy)]
enum Page {
    Stored(usize),
    Passing(usize),
}

impl Page {
    fn of(nth: usize) -> Self {
        if nth.is_multiple_of(2) { Self::Stored(nth / 2 % PAGES) } else { Self::Passing(nth / 2 % PAGES) }
    }

    fn path(self) -> String {
        match self {
            Self::Stored(n) => format!("/stored/{n}"),
            Self::Passing(n) => format!("/passing/{n}"),
        }
    }

    fn body(self) -> String {
        let (Self::Stored(n) | Self::Passing(n)) = self;
        format!("{} has these bytes and no others;", self.path()).repeat(1 + n * 20)
    }

    fn answer(self) -> Answer {
        match self {
            Self::Stored(_) => Answer::new(200, &self.body())
                .field("cache-control", "max-age=0, stale-if-error=3600")
                .field("etag", "\"one\""),
            Self::Passing(_) => Answer::uncacheable(&self.body()),
        }
    }

    /// As a server in this phase answers.
    fn in_phase(self, phase: Phase, nth: usize) -> Answer {
        let half = || {
            let body = self.body();
            let half = Answer::new(200, &body[..body.len() / 2]).field("cache-control", "max-age=0");
            if nth.is_multiple_of(2) { half.chunked().breaking_off() } else { half.breaking_off() }
        };
        match phase {
            Phase::ResetsMidHeader => Answer::bare("HTTP/1.1 200 OK\r\ncache-con"),
            Phase::ResetsMidBody => half(),
            Phase::Stalls => Answer::silence(),
            Phase::SendsGarbage => Answer::bare("\u{1}\u{2}SSH-2.0-what\r\n\r\n"),
            Phase::HalfCloses => Answer::half_closed("HTTP/1.1 200 OK\r\ncontent-le"),
            Phase::Flaps if nth.is_multiple_of(3) => Answer::new(503, "busy"),
            _ => self.answer(),
        }
    }
}

fn pages() -> impl Iterator<Item = Page> {
    (0..PAGES * 2).map(Page::of)
}

/// A server whose phase is told by a number.
fn script(origin: &Origin, phase: &Arc<AtomicU8>) {
    let nth = Arc::new(AtomicUsize::new(0));
    for page in pages() {
        let (phase, nth) = (Arc::clone(phase), Arc::clone(&nth));
        origin.answers(&page.path(), move |_| {
            page.in_phase(Phase::ALL[usize::from(phase.load(Relaxed))], nth.fetch_add(1, Relaxed))
        });
    }
}

/// The servers and what they do now.
struct Servers {
    first: Origin,
    second: Origin,
    phase: Arc<AtomicU8>,
    always_well: Arc<AtomicU8>,
}

impl Servers {
    fn start() -> Self {
        let (first, second) = (Origin::start(), Origin::start());
        let (phase, always_well) = (Arc::<AtomicU8>::default(), Arc::<AtomicU8>::default());
        script(&first, &phase);
        script(&second, &always_well);
        Self { first, second, phase, always_well }
    }

    async fn first_back(&mut self) {
        self.first = Origin::back_at(self.first.address()).await;
        script(&self.first, &self.phase);
    }

    /// Changes what was, to what is to be.
    async fn enter(&mut self, phase: Phase) {
        let before = Phase::ALL[usize::from(self.phase.load(Relaxed))];
        if before == Phase::Refuses {
            self.first_back().await;
        }
        if before == Phase::AllDead {
            self.second = Origin::back_at(self.second.address()).await;
            script(&self.second, &self.always_well);
            self.first_back().await;
        }
        let number = Phase::ALL.iter().position(|other| *other == phase).unwrap_or_default();
        self.phase.store(u8::try_from(number).unwrap(), Relaxed);
        match phase {
            Phase::Refuses => self.first.dies().await,
            Phase::AllDead => {
                self.first.dies().await;
                self.second.dies().await;
            }
            _ => {}
        }
    }
}

/// Asks for one page and checks what comes. `excused`: whether nobody can answer now.
async fn visit(node: &Process, page: Page, seen: &Seen, excused: &AtomicBool) {
    let before = excused.load(Relaxed);
    let path = page.path();
    let Some(mut got) = Ask::get(&path).try_open(node.http).await else {
        panic!("{path}: the node itself broke off before a head");
    };
    if got.status != 200 {
        let excused = before || excused.load(Relaxed);
        let stored = matches!(page, Page::Stored(_));
        assert!(excused && !stored, "{path}: {} although there was another: {:?}", got.status, got.head);
        seen.failed.fetch_add(1, Relaxed);
        return;
    }
    let stale = got.head.all("cache-status").iter().any(|status| status.contains("detail=stale-if-error"));
    match got.rest().await {
        Ok(body) => {
            assert!(
                body == page.body(),
                "{path}: {} bytes that are not the page's {}",
                body.len(),
                page.body().len()
            );
            let count = if stale { &seen.stale } else { &seen.whole };
            count.fetch_add(1, Relaxed);
        }
        Err(BrokenOff) => drop(seen.broken.fetch_add(1, Relaxed)),
    }
}

#[tokio::test]
async fn a_storm_of_failing_servers_harms_nobody_who_had_an_alternative() {
    let rounds = std::env::var(ROUNDS).map_or(1, |text| text.parse().expect("a number of rounds"));
    let world = World::new();
    let mut servers = Servers::start();
    let list = [&servers.first, &servers.second].map(|server| format!("\"http://{}\"", server.address()));
    // Alternatives are allowed without a bound, so that each failure is one.
    let pool = "try_timeout = \"3s\"\nretry = { percent = 100, min_per_second = 1000 }\neject = { base = \"50ms\", max = \"200ms\" }";
    let node = Process::ready(&Plan::new("fra-1", "fra").servers(&list).origin(pool), &world).await;
    let (seen, excused) = (Seen::default(), AtomicBool::new(false));
    for page in pages() {
        visit(&node, page, &seen, &excused).await;
    }
    node.shows("seawall_cache_fills_in_flight", 0).await;
    for round in 0..rounds {
        for phase in Phase::ALL {
            if phase == Phase::AllDead {
                excused.store(true, Relaxed);
            }
            servers.enter(phase).await;
            let left = AtomicUsize::new(0);
            let client = async || {
                loop {
                    let nth = left.fetch_add(1, Relaxed);
                    if nth >= PHASE_REQUESTS {
                        return;
                    }
                    visit(&node, Page::of(nth), &seen, &excused).await;
                }
            };
            together((0..CLIENTS).map(|_| client())).await;
            if phase == Phase::AllBack {
                excused.store(false, Relaxed);
            }
        }
        println!("storm: round {}: {seen:?}", round + 1);
    }
    assert!(
        seen.stale.load(Relaxed) > 0 && seen.failed.load(Relaxed) > 0,
        "the play is about both: {seen:?}"
    );
    for page in pages() {
        visit(&node, page, &seen, &AtomicBool::new(false)).await;
    }
    node.stop();
}
