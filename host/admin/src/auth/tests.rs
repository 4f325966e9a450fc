//! Whose token is good for what.

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::{Role, Token, TokenError, Tokens, Verdict};

fn token(name: &str, secret: &str, role: Role) -> Token {
    Token { name: name.to_owned(), secret: secret.to_owned(), role, sites: None }
}

fn headers(authorization: &str) -> HeaderMap {
    HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap())])
}

#[test]
fn a_token_is_judged_by_its_secret_and_role() {
    let tokens = Tokens::new(vec![
        token("reader", "reader-secret-0123", Role::Read),
        token("writer", "writer-secret-0123", Role::Write),
    ])
    .unwrap();
    for (sent, needed, expected) in [
        ("Bearer reader-secret-0123", Role::Read, "reader"),
        ("bearer   writer-secret-0123 ", Role::Write, "writer"),
        ("Bearer writer-secret-0123", Role::Read, "writer"),
        ("Bearer reader-secret-0123", Role::Write, "may only read"),
        ("Bearer writer-secret-012", Role::Read, "wrong"),
        ("Bearer writer-secret-01234", Role::Read, "wrong"),
        ("Bearer ", Role::Read, "wrong"),
        ("Bearer", Role::Read, "none"),
        ("Basic writer-secret-0123", Role::Read, "none"),
        ("writer-secret-0123", Role::Read, "none"),
    ] {
        let verdict = match tokens.judge(&headers(sent), needed) {
            Verdict::Allowed(actor) => actor.name.to_string(),
            Verdict::MayOnlyRead => "may only read".to_owned(),
            Verdict::WrongToken => "wrong".to_owned(),
            Verdict::NoToken => "none".to_owned(),
        };
        assert_eq!(verdict, expected, "{sent:?} for {needed:?}");
    }
    assert!(matches!(tokens.judge(&HeaderMap::new(), Role::Read), Verdict::NoToken));
}

#[test]
fn no_tokens_let_nobody_in() {
    let nobody = Tokens::default();
    assert!(matches!(nobody.judge(&headers("Bearer x"), Role::Read), Verdict::WrongToken));
    assert!(matches!(nobody.judge(&headers("Bearer "), Role::Read), Verdict::WrongToken));
}

#[test]
fn all_that_is_wrong_with_a_list_is_said_at_once_and_no_secret_with_it() {
    let good = "a-good-secret-0123";
    let errors = Tokens::new(vec![
        token("a", good, Role::Read),
        token("a", "another-good-secret", Role::Read),
        token("b", good, Role::Write),
        token("c", "short", Role::Read),
        token("d", "with white space inside", Role::Read),
    ])
    .unwrap_err();
    let expected = [
        TokenError::NameTwice("a".to_owned()),
        TokenError::SecretTwice("b".to_owned()),
        TokenError::Secret("c".to_owned()),
        TokenError::Secret("d".to_owned()),
    ];
    assert_eq!(errors, expected);
    let shown = format!("{:?}", Tokens::new(vec![token("a", good, Role::Read)]).unwrap());
    assert!(shown.contains("Read") && !shown.contains(good), "{shown}");
}
