use std::time::Duration;

use parking_lot::Mutex;

use super::*;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[derive(Default)]
struct Kept(Mutex<Vec<Ended>>);

impl Spans for Kept {
    fn take(&self, span: Ended) {
        self.0.lock().push(span);
    }
}

fn tracer(share: f64, trusts_clients: bool) -> (Tracer, Arc<Kept>, Clock) {
    let (kept, clock) = (Arc::new(Kept::default()), Clock::manual(SystemTime::UNIX_EPOCH));
    let to = Arc::clone(&kept) as Arc<dyn Spans>;
    (Tracer::new(clock.clone(), to, share, trusts_clients), kept, clock)
}

#[test]
fn a_traceparent_is_read_as_it_is_written() {
    let given = Given::parse(TRACE.as_bytes()).unwrap();
    assert!(given.sampled);
    assert_eq!(given.place.traceparent(), TRACE);
    assert_eq!(given.place.trace_hex(), "0af7651916cd43dd8448eb211c80319c");
    let zero =
        |from: usize, to: usize| format!("{}{}{}", &TRACE[..from], "0".repeat(to - from), &TRACE[to..]);
    for (text, sampled) in [
        (TRACE.replace("-01", "-00"), Some(false)),
        (TRACE.replace("-01", "-03"), Some(true)),
        (TRACE.replace("00-0af", "cc-0af"), Some(true)),
        (format!("{}-what-will-be", TRACE.replace("00-0af", "cc-0af")), Some(true)),
        (format!("{}x", TRACE.replace("00-0af", "cc-0af")), None),
        (format!("{TRACE}-more"), None),
        (TRACE.replace("00-0af", "ff-0af"), None),
        (TRACE.to_uppercase(), None),
        (TRACE[..54].to_owned(), None),
        (TRACE.replace("-b7", "_b7"), None),
        (zero(3, 35), None),
        (zero(36, 52), None),
        (String::new(), None),
    ] {
        assert_eq!(Given::parse(text.as_bytes()).map(|given| given.sampled), sampled, "{text}");
    }
}

#[test]
fn a_child_knows_its_parent_and_both_their_trace() {
    let (tracer, kept, clock) = tracer(1.0, false);
    let mut root = tracer.of_client("request", || None).unwrap();
    let mut child = root.parent().child("fill", Kind::Internal);
    assert!(clock.advance(Duration::from_secs(2)));
    child.fail("no answer");
    drop(child);
    root.note("status", 502);
    drop(root);
    let spans = kept.0.lock();
    let [child, root] = spans.as_slice() else { panic!("{spans:?}") };
    assert_eq!((child.place.trace, child.parent), (root.place.trace, Some(root.place.span)));
    assert_ne!(child.place.span, root.place.span);
    assert_eq!((root.parent, root.link, root.kind), (None, None, Kind::Server));
    assert_eq!(child.ended.duration_since(child.began).unwrap(), Duration::from_secs(2));
    assert_eq!((child.failure.as_deref(), &root.fields[0].1), (Some("no answer"), &Value::Number(502)));
}

#[test]
fn who_is_not_trusted_begins_a_trace_of_ours_and_is_linked() {
    let (tracer, kept, _) = tracer(1.0, false);
    let given = Given::parse(TRACE.as_bytes());
    drop(tracer.of_client("request", || given));
    let spans = kept.0.lock();
    assert_ne!(spans[0].place.trace, given.unwrap().place.trace);
    assert_eq!((spans[0].parent, spans[0].link), (None, given.map(|given| given.place)));
}

#[test]
fn who_is_trusted_and_every_peer_says_whether_it_is_sampled() {
    let sampled = Given::parse(TRACE.as_bytes()).unwrap();
    let unsampled = Given { sampled: false, ..sampled };
    let (never, kept, _) = tracer(0.0, true);
    drop(never.of_client("request", || Some(sampled)));
    assert!(never.of_client("request", || None).is_none());
    drop(never.of_peer("request", Some(sampled)));
    for span in kept.0.lock().iter() {
        assert_eq!((span.place.trace, span.parent), (sampled.place.trace, Some(sampled.place.span)));
        assert!(span.parent_is_remote);
    }
    assert_eq!(kept.0.lock().len(), 2);
    let (always, _, _) = tracer(1.0, true);
    assert!(always.of_client("request", || Some(unsampled)).is_none());
    assert!(always.of_peer("request", Some(unsampled)).is_none());
    assert!(always.of_peer("request", None).is_none(), "a shield begins no traces");
    assert!(always.of_client("request", || None).is_some());
}
