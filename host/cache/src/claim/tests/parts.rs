//! Requests for a part: who leads what, who may follow, and which part answers.

use seawall_policy::Part;

use super::*;

const TEN: &[(&str, &str)] = &[("cache-control", "max-age=60"), ("etag", "\"a\"")];

impl Stage {
    fn wants(&self, range: &'static str) -> Self {
        let mut other = self.client("en");
        other.headers.clear();
        other.headers.insert("range", HeaderValue::from_static(range));
        other
    }

    /// Leads a fill of a part from start to end.
    fn fill_part(&self, path: &str, content_range: &'static str, body: &[u8]) -> Settled {
        let lead = self.lead(path);
        let mut draft = self.draft(&lead, TEN, &["t"]);
        draft.status = StatusCode::PARTIAL_CONTENT;
        draft.headers.insert("content-range", HeaderValue::from_static(content_range));
        draft.part = Part::from_headers(&draft.headers);
        let mut filling = lead.store(draft);
        filling.push(body);
        filling.finish(None)
    }

    fn hits(&self, path: &str) -> Option<Vec<u8>> {
        match self.claim(path) {
            Claim::Fresh(entry, _) => Some(entry.body.pieces().concat()),
            _ => None,
        }
    }
}

#[test]
fn a_range_far_in_is_asked_for_by_itself_and_a_near_one_with_the_whole() {
    let stage = Stage::new();
    assert!(stage.wants("bytes=0-9").lead("/near").range().is_none());
    assert!(stage.wants("bytes=-5").lead("/end").range().is_some());
    assert!(stage.wants("bytes=9999999-").lead("/far").range().is_some());
    let mut strict = stage.wants("bytes=-5");
    strict.rules.store_partial = false;
    assert!(strict.lead("/off").range().is_none());
}

#[test]
fn who_leads_for_what_nobody_keeps_knows_it() {
    let stage = Stage::new();
    let lead = stage.lead("/u");
    assert!(!lead.is_uncacheable());
    lead.decline(epoch(), None);
    let lead = stage.wants("bytes=-5").lead("/u");
    assert!(lead.is_uncacheable());
    assert!(lead.range().is_none(), "its request goes on as it came");
}

#[test]
fn a_part_that_came_later_does_not_outdate_the_whole() {
    let stage = Stage::new();
    let whole = stage.lead("/p");
    assert_eq!(stage.wants("bytes=-4").fill_part("/p", "bytes 6-9/10", b"6789"), Settled::Stored);
    let draft = stage.draft(&whole, TEN, &[]);
    let mut filling = whole.store(draft);
    filling.push(b"0123456789");
    assert_eq!(filling.finish(None), Settled::Stored);
    assert_eq!(stage.hits("/p").unwrap(), b"0123456789");
}

#[test]
fn a_part_that_cannot_be_completed_is_let_go() {
    let stage = Stage::new();
    stage.wants("bytes=-6").fill_part("/p", "bytes 0-5/10", b"012345");
    let lead = stage.lead("/p");
    let part = Arc::clone(lead.part().unwrap());
    let mut draft = stage.draft(&lead, TEN, &[]);
    draft.length = Some(10);
    let mut filling = lead.complete(&part, draft);
    filling.push(b"67890123");
    assert_eq!(filling.finish(None), Settled::WrongLength);
    assert!(stage.lead("/p").part().is_none(), "the next request asks for the whole");
}

#[test]
fn all_fills_together_keep_no_more_than_they_may() {
    let config = Config { memory_bytes: 2000, object_max_bytes: 600, ..Config::default() };
    let stage = Stage::with(config);
    let begin = |path: &str| {
        let lead = stage.lead(path);
        let draft = stage.draft(&lead, TEN, &[]);
        lead.store(draft)
    };
    let (mut one, mut two, mut three) = (begin("/1"), begin("/2"), begin("/3"));
    one.push(&[1; 500]);
    two.push(&[2; 500]);
    three.push(&[3; 1]);
    assert_eq!(three.finish(None), Settled::TooLarge, "two keep all that there is for fills");
    drop(one);
    let mut four = begin("/4");
    four.push(&[4; 400]);
    assert_eq!(four.finish(None), Settled::Stored, "what ended keeps nothing");
    assert_eq!(two.finish(None), Settled::Stored);
}

#[test]
fn a_fill_for_a_part_is_followed_by_those_who_want_that_part() {
    let stage = Stage::new();
    let lead = stage.wants("bytes=-5").lead("/p");
    let _same = stage.wants("bytes=-5").follow("/p");
    let other = stage.wants("bytes=-6").lead("/p");
    let whole = stage.lead("/p");
    assert!(other.range().is_some() && whole.range().is_none());
    drop(stage.wants("bytes=0-1").follow("/p"));
    drop((lead, other, whole));
}

#[test]
fn a_fill_for_a_part_that_brings_the_whole_is_everybodys() {
    let stage = Stage::new();
    let lead = stage.wants("bytes=-5").lead("/p");
    let draft = stage.draft(&lead, TEN, &[]);
    let mut filling = lead.store(draft);
    drop(stage.follow("/p"));
    filling.push(b"0123456789");
    assert_eq!(filling.finish(None), Settled::Stored);
    assert_eq!(stage.hits("/p").unwrap(), b"0123456789");
}

#[test]
fn a_part_answers_what_it_holds_and_nothing_else() {
    let stage = Stage::new();
    assert_eq!(stage.wants("bytes=-6").fill_part("/p", "bytes 4-9/10", b"456789"), Settled::Stored);
    assert_eq!(stage.wants("bytes=5-6").hits("/p").unwrap(), b"456789");
    assert!(stage.wants("bytes=3-6").hits("/p").is_none());
    let whole = stage.lead("/p");
    assert_eq!(whole.miss(), Miss::Partial);
    assert!(whole.part().is_some(), "it may be completed");
}

#[test]
fn parts_join_into_the_whole_and_a_purge_takes_what_they_became() {
    let stage = Stage::new();
    stage.wants("bytes=-4").fill_part("/p", "bytes 6-9/10", b"6789");
    assert_eq!(stage.wants("bytes=-10").fill_part("/p", "bytes 0-5/10", b"012345"), Settled::Stored);
    assert_eq!(stage.hits("/p").unwrap(), b"0123456789");
    stage.purge(1, Selector::Tag("t".to_owned()), Depth::Hard);
    assert!(stage.hits("/p").is_none());
}

/// The bytes that were stored before are from before the purge, whatever the newer ones are.
#[test]
fn a_purge_between_two_parts_keeps_them_apart() {
    let stage = Stage::new();
    stage.wants("bytes=-4").fill_part("/p", "bytes 6-9/10", b"6789");
    let wants = stage.wants("bytes=-10");
    let lead = wants.lead("/p");
    assert!(lead.part().is_some());
    stage.purge(1, Selector::Tag("t".to_owned()), Depth::Hard);
    let mut draft = wants.draft(&lead, TEN, &[]);
    draft.status = StatusCode::PARTIAL_CONTENT;
    draft.headers.insert("content-range", HeaderValue::from_static("bytes 0-5/10"));
    draft.part = Part::from_headers(&draft.headers);
    let mut filling = lead.store(draft);
    filling.push(b"012345");
    assert_eq!(filling.finish(None), Settled::Sealed);
    assert!(stage.hits("/p").is_none());
    assert_eq!(stage.wants("bytes=-4").hits("/p"), None);
}

#[test]
fn a_stored_part_and_the_rest_are_the_whole() {
    let stage = Stage::new();
    stage.wants("bytes=-6").fill_part("/p", "bytes 0-5/10", b"012345");
    let lead = stage.lead("/p");
    let part = Arc::clone(lead.part().unwrap());
    let mut draft = stage.draft(&lead, TEN, &["t"]);
    draft.length = Some(10);
    let mut filling = lead.complete(&part, draft);
    filling.push(b"6789");
    assert_eq!(filling.finish(None), Settled::Stored);
    assert_eq!(stage.hits("/p").unwrap(), b"0123456789");
}

#[test]
fn a_body_that_breaks_off_leaves_what_can_be_completed() {
    let stage = Stage::new();
    let lead = stage.lead("/p");
    let mut draft = stage.draft(&lead, TEN, &[]);
    draft.length = Some(200_000);
    let mut filling = lead.store(draft);
    filling.push(&[7; 100_000]);
    filling.abort(Fault::new(Cause::ResponseIncomplete, Blame::Origin, "cut"));
    assert!(!stage.is_hit("/p"), "it is not the whole");
    assert_eq!(stage.wants("bytes=0-99999").hits("/p").unwrap().len(), 100_000);
    assert!(stage.lead("/p").part().is_some());
}

/// The refresh keeps alive what the purge named, though its new head no longer says so.
#[test]
fn who_asks_after_a_purge_is_not_given_what_a_fill_before_it_keeps_alive() {
    let mut stage = Stage::new();
    stage.fill("/p", &["old"]);
    stage.now += Duration::from_secs(100);
    let lead = stage.lead("/p");
    let prior = Arc::clone(lead.prior().unwrap());
    let before = stage.follow("/p");
    stage.purge(1, Selector::Tag("old".to_owned()), Depth::Hard);
    assert!(matches!(stage.claim("/p"), Claim::Lead(_)), "known before the head is");
    let draft = stage.draft(&lead, TEN, &["new"]);
    lead.refresh(&prior, draft);
    assert!(matches!(stage.told(before, "/p"), Some(Followed::Settled(..))), "it asked before");
    assert!(!stage.is_hit("/p"));
}

/// Another node that is sent it would keep it under the new head's tags, where the purge does not find it.
#[test]
fn a_refresh_that_a_purge_overtook_is_marked_for_those_who_are_sent_it() {
    for (tag, overtaken) in [("old", true), ("else", false)] {
        let mut stage = Stage::new();
        stage.fill("/p", &["old"]);
        stage.now += Duration::from_secs(100);
        let lead = stage.lead("/p");
        let prior = Arc::clone(lead.prior().unwrap());
        stage.purge(1, Selector::Tag(tag.to_owned()), Depth::Hard);
        let draft = stage.draft(&lead, TEN, &["new"]);
        let (entry, settled) = lead.refresh(&prior, draft);
        assert_eq!(settled == Settled::Sealed, overtaken, "{tag}");
        assert_eq!(stage.shelf.is_soft_purged(&entry), overtaken, "{tag}");
    }
}

#[test]
fn a_head_freshens_what_is_stored_unless_a_purge_came_between() {
    let stage = Stage::new();
    stage.fill("/p", &["t"]);
    let stored = |stage: &Stage| stage.store.peek(&stage.ask("/p")).map(|(entry, _)| entry);
    let prior = stored(&stage).unwrap();
    let newer = |lead: &Lead| {
        let mut draft = stage.draft(lead, &[("cache-control", "max-age=600")], &["t"]);
        draft.position = Position::START;
        draft
    };
    let any = stage.lead("/other");
    let update = stage.store.begin_update();
    assert_eq!(stage.store.freshen(update, &stage.ask("/p"), &prior, newer(&any)), Settled::Stored);
    let fresher = stored(&stage).unwrap();
    assert_eq!(fresher.head.headers["cache-control"], "max-age=600");
    assert_eq!(fresher.body.pieces().concat(), prior.body.pieces().concat());

    let late = stage.store.begin_update();
    assert_eq!(
        stage.store.freshen(late, &stage.ask("/p"), &prior, newer(&any)),
        Settled::Older,
        "what it speaks of is not stored any more"
    );
    let late = stage.store.begin_update();
    stage.purge(1, Selector::Tag("t".to_owned()), Depth::Soft);
    stage.store.freshen(late, &stage.ask("/p"), &fresher, newer(&any));
    assert!(!stage.is_hit("/p"), "a purge that came since the question stands");
}

#[test]
fn a_head_of_another_representation_makes_the_stored_one_stale() {
    let stage = Stage::new();
    stage.fill("/p", &[]);
    let (entry, _) = stage.store.peek(&stage.ask("/p")).unwrap();
    stage.store.outdate(&entry);
    assert_eq!(stage.lead("/p").miss(), Miss::Stale);
}
