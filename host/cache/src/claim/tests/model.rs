//! Thousands of random steps against what a child would do with a list: look at everything, and compare.
//!
//! After every step, whatever it was and whatever moka evicted on its own, the index names exactly what is held: nothing
//! leaks, nothing is stranded. What a purge matches is what reading every stored response says that it matches.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// Seeds of each kind of cache.
const SEEDS: u64 = 60;

/// Steps of a seed.
const STEPS: usize = 300;

const TAGS: [&str; 6] = ["a", "b", "c", "d", "shared", "rare"];
const LANGUAGES: [&str; 3] = ["de", "fr", "en"];

/// Memory for some dozen responses: moka evicts all the time.
const TIGHT_BYTES: u64 = 40 << 10;

struct Play {
    stage: Stage,
    random: fastrand::Rng,
    position: u64,
    /// Fills under way, and their paths.
    open: Vec<(Lead, usize)>,
    steps: BTreeMap<&'static str, usize>,
}

/// What is held, as a list.
struct Line {
    key: Key,
    url: String,
    entry: Arc<Entry>,
}

fn path(number: usize) -> String {
    format!("/{}/{number}", ["shoes", "hats"][number % 2])
}

impl Play {
    fn new(seed: u64, memory_bytes: u64) -> Self {
        let stage = Stage::with(Config { memory_bytes, ..Config::default() });
        let random = fastrand::Rng::with_seed(seed);
        Self { stage, random, position: 0, open: Vec::new(), steps: BTreeMap::new() }
    }

    fn held(&self) -> Vec<Line> {
        let all = self.stage.store.everything().into_iter();
        all.flat_map(|(key, held)| {
            let url = held.resource.url.to_string();
            let lines = held.resource.variants.iter().map(|entry| Line {
                key,
                url: url.clone(),
                entry: Arc::clone(entry),
            });
            lines.collect::<Vec<_>>()
        })
        .collect()
    }

    fn alive(&self) -> Vec<Line> {
        self.held().into_iter().filter(|line| self.stage.shelf.holds(&line.entry)).collect()
    }

    /// One to four tags, drawn from few, so that sets grow and shrink; some of one response alone.
    fn tags(&mut self, number: usize) -> Vec<Box<str>> {
        let mut tags: Vec<Box<str>> =
            (0..self.random.usize(0..4)).map(|_| TAGS[self.random.usize(0..TAGS.len())].into()).collect();
        if self.random.bool() {
            tags.push(format!("own-{number}").into());
        }
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    fn client(&mut self) -> Stage {
        let language = LANGUAGES[self.random.usize(0..LANGUAGES.len())];
        self.stage.client(language)
    }

    fn lead(&mut self, number: usize) -> Option<Lead> {
        let mut client = self.client();
        client.may_follow = false;
        // Whatever is stored, this one fetches.
        client.directives.no_cache = true;
        match client.claim(&path(number)) {
            Claim::Lead(lead) => Some(lead),
            _ => None,
        }
    }

    fn draft(&mut self, lead: &Lead, number: usize) -> Draft {
        let client = self.client();
        let fields: &[(&'static str, &'static str)] = match number % 3 {
            0 => &[("cache-control", "max-age=60"), ("vary", "accept-language")],
            _ => &[("cache-control", "max-age=60")],
        };
        let mut draft = client.draft(lead, fields, &[]);
        draft.tags = self.tags(number).into();
        draft
    }

    fn store(&mut self, lead: Lead, number: usize) {
        let draft = self.draft(&lead, number);
        let body = vec![b'x'; self.random.usize(1..600)];
        let _ = stream(lead.store(draft), &body);
    }

    fn refresh(&mut self, lead: Lead, number: usize) {
        let Some(prior) = lead.prior().map(Arc::clone) else { return self.store(lead, number) };
        let draft = self.draft(&lead, number);
        let _ = lead.refresh(&prior, draft);
    }

    fn fill_part(&mut self, number: usize) {
        let mut client = self.stage.client("en");
        client.headers.insert("range", HeaderValue::from_static("bytes=-4"));
        if let Claim::Lead(lead) = client.claim(&path(number)) {
            let mut draft = self.draft(&lead, number);
            draft.status = StatusCode::PARTIAL_CONTENT;
            draft.headers.insert("content-range", HeaderValue::from_static("bytes 6-9/10"));
            draft.part = seawall_policy::Part::from_headers(&draft.headers);
            let _ = stream(lead.store(draft), b"6789");
        }
    }

    fn step(&mut self) {
        let number = self.random.usize(0..30);
        let what = match self.random.u32(0..100) {
            0..=39 => {
                if let Some(lead) = self.lead(number) {
                    self.store(lead, number);
                }
                "store"
            }
            40..=54 => {
                if let Some(lead) = self.lead(number) {
                    self.refresh(lead, number);
                }
                "refresh"
            }
            55..=62 => {
                self.fill_part(number);
                "part"
            }
            63..=69 => {
                if let Some(lead) = self.lead(number) {
                    self.open.push((lead, number));
                }
                "begin"
            }
            70..=75 if !self.open.is_empty() => {
                let (lead, number) = self.open.swap_remove(self.random.usize(0..self.open.len()));
                if self.random.bool() {
                    self.store(lead, number);
                } else {
                    self.refresh(lead, number);
                }
                "end"
            }
            76..=79 => {
                let url = seawall_base::purge::url_text(AUTHORITY, &path(number));
                self.stage.store.invalidate(&self.stage.shelf, &url);
                "invalidate"
            }
            80..=84 => {
                self.stage.store.housekeep();
                "sweep"
            }
            _ => {
                self.purge(number);
                "purge"
            }
        };
        *self.steps.entry(what).or_default() += 1;
    }

    fn selector(&mut self, number: usize) -> Selector {
        let url = format!("{AUTHORITY}{}", path(number));
        match self.random.u32(0..20) {
            0..=9 => Selector::Tag(TAGS[self.random.usize(0..TAGS.len())].to_owned()),
            10..=12 => Selector::Tag(format!("own-{number}")),
            13..=16 => Selector::Url(url),
            17 => Selector::Prefix(format!("{AUTHORITY}/shoes/{}", number % 3)),
            18 => Selector::Host(AUTHORITY.to_owned()),
            _ => Selector::All,
        }
    }

    /// Purges, and compares with what reading everything says.
    fn purge(&mut self, number: usize) {
        let selector = self.selector(number);
        let depth = if self.random.u32(0..3) == 0 { Depth::Soft } else { Depth::Hard };
        let before = self.alive();
        let (named, rest): (Vec<Line>, Vec<Line>) =
            before.into_iter().partition(|line| is_named(&selector, line));
        let fresh = |line: &&Line| !line.entry.is_marked_soft();
        let counted = match (depth, &selector) {
            (Depth::Hard, _) | (Depth::Soft, Selector::All) => named.len(),
            (Depth::Soft, _) => named.iter().filter(fresh).count(),
        };
        self.position += 1;
        let matched = self.stage.purge(self.position, selector.clone(), depth);
        assert_eq!(matched, counted as u64, "{selector:?} {depth:?}");
        let shelf = &self.stage.shelf;
        for line in &named {
            let is_gone = !shelf.holds(&line.entry);
            assert_eq!(is_gone, depth == Depth::Hard, "{selector:?} names {}", line.url);
            assert!(is_gone || shelf.is_soft_purged(&line.entry), "{selector:?} makes {} stale", line.url);
        }
        assert!(rest.iter().all(|line| shelf.holds(&line.entry)), "{selector:?} takes nothing else");
    }

    /// The index, the count and the weight are those of what is held.
    fn check(&self) {
        let held = self.held();
        let (mut tags, mut urls) = (BTreeMap::new(), BTreeMap::new());
        for line in &held {
            for tag in &line.entry.head.tags {
                tags.entry(tag.to_string()).or_insert_with(BTreeSet::new).insert(line.key);
            }
            urls.entry(line.url.clone()).or_insert_with(BTreeSet::new).insert(line.key);
        }
        let index = self.stage.shelf.index.lock();
        assert_eq!(index.listed(), (tags, urls), "the index names what is held, and nothing else");
        let alive = held.iter().filter(|line| self.stage.shelf.holds(&line.entry)).count() as u64;
        assert_eq!(index.alive, alive, "so many are counted as there");
        drop(index);
        let weight = self
            .stage
            .store
            .everything()
            .iter()
            .map(|(_, held)| u64::from(held.resource.weight()))
            .sum::<u64>();
        assert_eq!(self.stage.store.metrics.bytes.get(), i64::try_from(weight).unwrap());
    }

    /// Purges all that is left, in one of two ways.
    fn empty(mut self) -> BTreeMap<&'static str, usize> {
        self.open.clear();
        self.position += 1;
        if self.random.bool() {
            self.stage.purge(self.position, Selector::All, Depth::Hard);
        } else {
            self.stage.purge(self.position, Selector::Host(AUTHORITY.to_owned()), Depth::Hard);
        }
        while self.stage.store.housekeep() {}
        self.stage.store.measure();
        let metrics = &self.stage.store.metrics;
        assert!(self.stage.shelf.index.lock().is_empty(), "nothing is left in the index");
        assert_eq!((metrics.bytes.get(), metrics.resources.get()), (0, 0), "to the byte");
        assert_eq!((self.stage.shelf.index.lock().alive, metrics.in_flight.get()), (0, 0));
        self.steps
    }
}

fn is_named(selector: &Selector, line: &Line) -> bool {
    match selector {
        Selector::Tag(tag) => line.entry.head.tags.iter().any(|own| **own == **tag),
        Selector::Url(url) => line.url == *url,
        Selector::Prefix(prefix) => line.url.starts_with(prefix),
        Selector::Host(host) => line.url.split('/').next() == Some(host),
        Selector::All => true,
    }
}

fn run(seeds: std::ops::Range<u64>, memory_bytes: u64) -> BTreeMap<&'static str, usize> {
    let mut total = BTreeMap::new();
    for seed in seeds {
        let mut play = Play::new(seed, memory_bytes);
        for _ in 0..STEPS {
            play.step();
            play.check();
        }
        *total.entry("evicted").or_default() +=
            usize::try_from(play.stage.store.metrics.evicted.get()).unwrap();
        for (what, count) in play.empty() {
            *total.entry(what).or_default() += count;
        }
    }
    total
}

#[test]
fn the_index_is_what_is_held_after_every_step() {
    let met = run(0..SEEDS, Config::default().memory_bytes);
    for what in ["store", "refresh", "part", "begin", "end", "invalidate", "sweep", "purge"] {
        assert!(met.get(what).is_some_and(|count| *count > 100), "{what}: {met:?}");
    }
}

#[test]
fn the_index_is_what_is_held_while_moka_evicts() {
    let met = run(SEEDS..2 * SEEDS, TIGHT_BYTES);
    assert!(met["evicted"] > 1000, "{met:?}");
}

#[test]
fn a_tag_of_many_shrinks_again() {
    let stage = Stage::new();
    for number in 0..5000 {
        stage.fill(&format!("/{number}"), &["all", &format!("t{number}")]);
    }
    for number in 0..4999 {
        let gone = stage.purge(number + 1, Selector::tag(&format!("t{number}")).unwrap(), Depth::Hard);
        assert_eq!(gone, 1, "{number}");
    }
    while stage.store.housekeep() {}
    let index = stage.shelf.index.lock();
    assert_eq!((index.tagged("all").len(), index.listed().0.len()), (1, 2));
    assert!(index.tags_capacity() < 1024, "{}", index.tags_capacity());
}
