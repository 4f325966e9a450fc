use crate::config::RunFlags;

use super::*;

const ENV: &str = "0123456789abcdef-env";

fn config(data_dir: &Path) -> Config {
    let flags = RunFlags {
        origin: Some("http://127.0.0.1:3000".parse().unwrap()),
        data_dir: Some(data_dir.to_owned()),
        ..RunFlags::default()
    };
    Config::for_origin(flags).unwrap()
}

#[test]
fn a_token_is_made_once_kept_for_this_user_only_and_found_by_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("made/here");
    let config = config(&data_dir);
    let first = resolve_for_server(&config, None).unwrap();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].role, Role::Write);
    assert_eq!(first[0].secret.expose().len(), 2 * RANDOM_BYTES);
    assert_eq!(resolve_for_server(&config, None).unwrap(), first, "a second start finds the first one's");
    assert_eq!(resolve_for_client(Some(&data_dir), None).unwrap(), first[0].secret);

    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data_dir.join(ADMIN_TOKEN_FILE)), 0o600);
    assert_eq!(mode(&data_dir), 0o700);
    assert_eq!(std::fs::read_dir(&data_dir).unwrap().count(), 1, "no draft is left");
}

#[test]
fn nodes_that_start_together_agree_on_one_token() {
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path());
    let tokens: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| resolve_for_server(&config, None).unwrap())).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]));
}

#[test]
fn the_config_comes_before_the_environment_and_that_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    assert_eq!(resolve_for_server(&config, Some(ENV)).unwrap()[0].secret.expose(), ENV);
    assert_eq!(resolve_for_client(Some(folder.path()), Some(ENV)).unwrap().expose(), ENV);
    assert!(!folder.path().join(ADMIN_TOKEN_FILE).exists(), "nothing is made that nobody needs");

    let own = Token {
        name: "ops".into(),
        role: Role::Read,
        sites: Vec::new(),
        secret: Secret::new("0123456789abcdef-ops").unwrap(),
    };
    config.admin.tokens = vec![own.clone()];
    assert_eq!(resolve_for_server(&config, Some(ENV)).unwrap(), [own]);
}

#[test]
fn a_token_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(ADMIN_TOKEN_FILE);
    std::fs::write(&file, "0123456789abcdef\n").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = resolve_for_server(&config(folder.path()), None).unwrap_err().to_string();
    assert!(said.contains("mode 0644") && said.contains("chmod 600"), "{said}");
}

#[test]
fn what_is_no_token_is_refused_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let said = resolve_for_client(Some(folder.path()), Some("hunter2")).unwrap_err().to_string();
    assert!(
        said.starts_with("SEAWALL_ADMIN_TOKEN has fewer than 16 bytes") && !said.contains("hunter2"),
        "{said}"
    );

    let missing = resolve_for_client(Some(folder.path()), None).unwrap_err();
    assert!(matches!(missing, TokenError::NotFound { .. }));
    assert!(missing.to_string().contains("--data-dir"), "{missing}");

    let file = folder.path().join(ADMIN_TOKEN_FILE);
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let empty = resolve_for_server(&config(folder.path()), None).unwrap_err();
    assert!(matches!(empty, TokenError::Content { wrong: SecretError::Short, .. }), "{empty}");
}
