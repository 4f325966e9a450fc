use super::*;

fn request(lines: &[&str]) -> HeaderMap {
    lines.iter().map(|line| (COOKIE, HeaderValue::from_str(line).unwrap())).collect()
}

fn stripped(lines: &[&str], rule: &StripCookies, keyed: &[&str]) -> Option<String> {
    let mut headers = request(lines);
    let keyed: Vec<Box<str>> = keyed.iter().map(|name| Box::from(*name)).collect();
    strip(&mut headers, rule, &keyed);
    assert!(headers.get_all(COOKIE).iter().count() <= lines.len());
    headers.get(COOKIE).map(|value| value.to_str().unwrap().to_owned())
}

#[test]
fn all_go_but_those_of_the_key() {
    let cookies = ["a=1; currency=EUR;b=2", "currency=USD"];
    assert_eq!(
        stripped(&cookies, &StripCookies::All, &["currency"]).as_deref(),
        Some("currency=EUR; currency=USD")
    );
    assert_eq!(stripped(&cookies, &StripCookies::All, &["Currency"]), None);
    assert_eq!(stripped(&[";;"], &StripCookies::All, &[]).as_deref(), Some(";;"), "nothing is there to take");
}

#[test]
fn named_ones_go_and_the_rest_is_left_alone() {
    let rule = StripCookies::Named([Glob::new("_ga*").unwrap()].into());
    assert_eq!(stripped(&["_ga=1; sid=x=y; _ga_2=1"], &rule, &[]).as_deref(), Some("sid=x=y"));
    assert_eq!(stripped(&["sid=1;  b"], &rule, &[]).as_deref(), Some("sid=1;  b"), "as it came");
    assert_eq!(stripped(&["_ga =1"], &rule, &[]), None);
}

#[test]
fn every_value_of_a_cookie_counts() {
    let headers = request(&["a=1; b=2; a=3", "a"]);
    let found: Vec<&[u8]> = values(&headers, "a").collect();
    assert_eq!(found, [&b"1"[..], b"3", b""]);
    assert_eq!(values(&headers, "c").count(), 0);
}
