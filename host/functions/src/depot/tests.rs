use super::*;

fn deployment(name: &str, bytes: &'static [u8], at: u64) -> Deployment {
    let settings = FunctionSettings::default();
    let version = function::version(bytes, &settings);
    Deployment {
        name: name.to_owned(),
        version,
        settings,
        bytes: Bytes::from_static(bytes),
        deployed_unix_ms: at,
    }
}

fn both(test: impl Fn(&dyn Fn() -> Depot)) {
    let memory = std::sync::Arc::new(Depot::in_memory());
    // What is in memory cannot be opened again, so each opening is the first.
    drop(memory);
    let folder = tempfile::tempdir().unwrap();
    test(&|| Depot::open(&folder.path().join("functions")).unwrap());
}

#[test]
fn a_version_is_there_after_a_restart_and_gone_after_its_removal() {
    both(|open| {
        let one = deployment("front", b"one", 1);
        open().put(&one).unwrap();
        assert_eq!(open().get("front", &one.version).unwrap(), Some(one.clone()));
        assert_eq!(open().get("other", &one.version).unwrap(), None);
        open().remove("front", &one.version).unwrap();
        assert_eq!(open().get("front", &one.version).unwrap(), None);
    });
}

#[test]
fn bytes_that_were_changed_are_not_a_version() {
    let folder = tempfile::tempdir().unwrap();
    let depot = Depot::open(folder.path()).unwrap();
    let one = deployment("front", b"one", 1);
    depot.put(&one).unwrap();
    fs::write(folder.path().join("front").join(format!("{}.wasm", one.version)), b"two").unwrap();
    assert!(matches!(depot.get("front", &one.version), Err(DepotError::Damaged { .. })));
    fs::write(folder.path().join(ACTIVE_FILE), b"{").unwrap();
    assert!(matches!(Depot::open(folder.path()), Err(DepotError::Damaged { .. })), "no start without guards");
}

#[test]
fn going_back_step_by_step_and_forward_again() {
    both(|open| {
        for (position, version) in [(1, "a"), (2, "b"), (3, "c"), (3, "late"), (4, "b")] {
            open().activated("front", version, Position(position)).unwrap();
        }
        let history = open().history("front");
        assert_eq!((history.active(), history.previous()), (Some("b"), Some("a")), "c was left");
        open().activated("front", "a", Position(5)).unwrap();
        assert_eq!(open().history("front").previous(), None);
    });
    let mut history = History::default();
    for number in 0..100 {
        history.take(&number.to_string(), Position(number + 1));
    }
    assert_eq!((history.versions.len(), history.active()), (HISTORY_KEPT, Some("99")));
}

#[test]
fn old_versions_go_but_never_one_that_a_rollback_wants() {
    let depot = Depot::in_memory();
    let first = deployment("front", b"first", 0);
    depot.put(&first).unwrap();
    depot.activated("front", &first.version, Position(1)).unwrap();
    for number in 0..VERSIONS_KEPT as u64 + 5 {
        let settings = FunctionSettings {
            config: BTreeMap::from([("n".to_owned(), number.to_string())]),
            ..FunctionSettings::default()
        };
        let version = function::version(b"x", &settings);
        let next = Deployment { version, settings, ..deployment("front", b"x", number + 1) };
        depot.put(&next).unwrap();
        assert!(depot.get("front", &next.version).unwrap().is_some());
    }
    assert_eq!(depot.versions("front").len(), VERSIONS_KEPT);
    assert!(depot.get("front", &first.version).unwrap().is_some());
}
