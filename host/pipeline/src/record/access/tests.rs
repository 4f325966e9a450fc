use parking_lot::Mutex;

use super::*;

#[derive(Default)]
struct Kept(Mutex<Vec<String>>);

impl Lines for Kept {
    fn take(&self, line: &[u8]) {
        self.0.lock().push(String::from_utf8_lossy(line).into_owned());
    }
}

fn at(unix_ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(unix_ms)
}

#[test]
fn times_are_rfc_3339() {
    for (unix_ms, text) in [
        (0, "1970-01-01T00:00:00.000Z"),
        (951_782_399_999, "2000-02-28T23:59:59.999Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"),
        (951_868_800_000, "2000-03-01T00:00:00.000Z"),
        (1_780_000_000_123, "2026-05-28T20:26:40.123Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        (1_798_761_599_000, "2026-12-31T23:59:59.000Z"),
    ] {
        assert_eq!(rfc3339(at(unix_ms)), text);
    }
}

/// Every field that there is, so that the table of the documentation misses none.
#[test]
fn a_line_has_the_documented_fields_in_their_order() {
    let entry = Entry {
        time: rfc3339(at(0)),
        node: "fra-1",
        site: Some("shop"),
        method: Some("GET"),
        scheme: Some("http"),
        host: Some("shop.example"),
        path: Some("/a\"b\n"),
        protocol: Some("HTTP/1.1"),
        client: Some(IpAddr::from([192, 0, 2, 1])),
        peer: false,
        status: 503,
        way: "fault",
        detail: Some("x"),
        stale_left_s: Some(7),
        cause: Some("x"),
        blame: Some("origin"),
        error: Some("all of it"),
        function: Some("f"),
        fields: BTreeMap::from([("cart", "3")]),
        request: Some("fra-1-1"),
        trace: Some("0af7".to_owned()),
        elapsed_us: 12,
    };
    let clock = Clock::manual(at(0));
    let kept = Arc::new(Kept::default());
    let mut pending =
        Pending::new(&entry, Arc::clone(&kept) as Arc<dyn Lines>, clock.clone(), Duration::ZERO).unwrap();
    pending.begin(Some(10), false);
    pending.sent(4);
    assert!(clock.advance(Duration::from_micros(99)));
    drop(pending);
    let line = kept.0.lock().remove(0);
    assert!(line.ends_with("\"sent_bytes\":4,\"complete\":false,\"total_us\":99}\n"), "{line}");
    assert_eq!(line.matches('\n').count(), 1, "a line is a line, whatever stands in it");
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(value["path"], "/a\"b\n");
    assert_eq!(value.as_object().unwrap().len(), FIELDS.len());
    let places: Vec<_> = FIELDS.iter().map(|(name, _)| line.find(&format!("\"{name}\":"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{line}");
}

#[test]
fn a_body_is_complete_where_it_says_so_or_has_its_length() {
    for (length, sent, ended, complete) in [
        (Some(4), 4, false, true),
        (Some(4), 3, false, false),
        (None, 3, false, false),
        (None, 3, true, true),
        (Some(0), 0, true, true),
    ] {
        let kept = Arc::new(Kept::default());
        let to = Arc::clone(&kept) as Arc<dyn Lines>;
        let mut pending = Pending::new(&Entry::default(), to, Clock::manual(at(0)), Duration::ZERO).unwrap();
        pending.begin(length, false);
        pending.sent(sent);
        if ended {
            pending.ended();
        }
        drop(pending);
        let says = format!("\"complete\":{complete}");
        assert!(kept.0.lock()[0].contains(&says), "{length:?} {sent} {ended}");
    }
}

#[test]
fn what_failed_is_written_whatever_the_sample() {
    let log = AccessLog { which: Which::All, sample: Some(0.0), ..AccessLog::default() };
    assert!(log.takes(true) && !log.takes(false));
    let log = AccessLog { sample: Some(1.0), ..log };
    assert!((0..100).all(|_| log.takes(false)));
    let log = AccessLog { which: Which::Off, ..log };
    assert!(!log.takes(true));
    let log = AccessLog { omits_query: true, ..log };
    assert_eq!((log.path("/a?b=c"), log.path("/a")), ("/a", "/a"));
}
