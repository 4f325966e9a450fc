use clap::CommandFactory;
use clap::error::ErrorKind;

use super::*;

fn parse(line: &str) -> Result<Command, clap::Error> {
    Cli::try_parse_from(line.split(' ')).map(|cli| cli.command)
}

#[test]
fn the_grammar_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn run_takes_a_file_or_an_origin() {
    let Command::Run(args) =
        parse("seawall run --origin http://127.0.0.1:3000 --memory 1GiB --threads 2").unwrap()
    else {
        panic!("not run")
    };
    let (config, file) = args.into_config().unwrap();
    assert!(file.is_none());
    assert_eq!(config.cache.memory.to_string(), "1GiB");
    assert_eq!(config.node.threads.get(), 2);

    for (line, kind) in [
        ("seawall run", ErrorKind::MissingRequiredArgument),
        ("seawall run --config a --origin http://a", ErrorKind::ArgumentConflict),
        ("seawall run --config a --function f.wasm", ErrorKind::ArgumentConflict),
        ("seawall run --origin http://a/path", ErrorKind::ValueValidation),
        ("seawall run --origin http://a --memory 1", ErrorKind::ValueValidation),
        ("seawall run --origin http://a --threads 0", ErrorKind::ValueValidation),
        ("seawall run --origin http://a --listen :80", ErrorKind::ValueValidation),
    ] {
        assert_eq!(parse(line).unwrap_err().kind(), kind, "{line}");
    }
}

#[test]
fn a_flag_that_cannot_be_read_says_what_to_write() {
    let said = parse("seawall run --origin http://a --listen :80").unwrap_err().to_string();
    assert!(said.contains("such as `0.0.0.0:80`"), "{said}");
}

#[test]
fn purge_must_say_what() {
    for (line, kind) in [
        ("seawall purge", ErrorKind::MissingRequiredArgument),
        ("seawall purge --site shop --soft", ErrorKind::MissingRequiredArgument),
        ("seawall purge --all --tag a", ErrorKind::ArgumentConflict),
        ("seawall purge --all --wait some", ErrorKind::InvalidValue),
        ("seawall purge --all --timeout 5", ErrorKind::ValueValidation),
        ("seawall purge --all --admin https://a", ErrorKind::ValueValidation),
    ] {
        assert_eq!(parse(line).unwrap_err().kind(), kind, "{line}");
    }
    let Command::Purge(args) =
        parse("seawall purge --tag a --tag b --url shop.example/x --admin 127.0.0.1:1").unwrap()
    else {
        panic!("not purge")
    };
    assert_eq!(args.tags, ["a", "b"]);
    assert_eq!(args.wait, WaitFor::All);
    assert_eq!(args.admin.admin.to_string(), "http://127.0.0.1:1");
}

#[test]
fn check_reports_every_problem_and_exits_as_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("seawall.toml");
    std::fs::write(&file, "[node]\nthreads = 0\ncolour = 1\n").unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(check(&CheckArgs { config: file.clone() }, &mut out, &mut err), Exit::Config);
    let err = String::from_utf8(err).unwrap();
    assert!(out.is_empty());
    assert!(err.contains("seawall.toml:2:11: ") && err.contains("seawall.toml:3:1: "), "{err}");
    assert!(err.ends_with("3 problems in the configuration\n"), "{err}");

    let good = "[[origins]]\nname = 'a'\nservers = ['http://a']\n[[sites]]\nname = 'a'\nhosts = ['*']\norigin = 'a'\n";
    std::fs::write(&file, good).unwrap();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    assert_eq!(check(&CheckArgs { config: file }, &mut out, &mut err), Exit::Ok);
    assert!(String::from_utf8(out).unwrap().ends_with("ok: 1 site, 1 origin, 0 functions\n"));
    assert!(err.is_empty());
}
