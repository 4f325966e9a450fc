use super::*;

fn rule(paths: &[&str], statuses: &[&str]) -> SiteRule {
    SiteRule {
        paths: paths.iter().map(|path| Glob::new(path).unwrap()).collect(),
        statuses: statuses.iter().map(|statuses| statuses.parse().unwrap()).collect(),
        ..SiteRule::default()
    }
}

/// Whether the rule speaks of it, and whether it names the status.
fn speaks(rule: &SiteRule, path: &str, status: u16) -> Option<bool> {
    rule.ruling(path, StatusCode::from_u16(status).unwrap()).map(|ruling| ruling.names_status)
}

#[test]
fn a_rule_speaks_of_its_paths_and_statuses() {
    let images = rule(&["/img/*", "*.png"], &[]);
    for (path, status, spoken) in [
        ("/img/a", 200, Some(false)),
        ("/x.png", 302, Some(false)),
        ("/img/a", 404, None),
        ("/img/a", 500, None),
        ("/x", 200, None),
    ] {
        assert_eq!(speaks(&images, path, status), spoken, "{path} {status}");
    }
    let errors = rule(&[], &["404", "5xx"]);
    for (status, spoken) in
        [(404, Some(true)), (500, Some(true)), (599, Some(true)), (403, None), (200, None)]
    {
        assert_eq!(speaks(&errors, "/", status), spoken, "{status}");
    }
}

#[test]
fn what_is_no_status_says_why() {
    for text in ["", "4", "4x", "4xxx", "abc", "600", "6xx", "40x", "+40", "4040"] {
        assert!(matches!(text.parse::<Statuses>(), Err(StatusesError::Malformed(_))), "{text}");
    }
    for text in ["100", "1xx", "206", "304"] {
        assert!(matches!(text.parse::<Statuses>(), Err(StatusesError::NeverStored(_))), "{text}");
    }
}
