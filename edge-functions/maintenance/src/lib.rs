//! Answers by itself while the site is closed.
//!
//! With the setting `closed = "yes"` everybody gets a page with status 503, except from the addresses in `allow`
//! (separated by spaces). `retry_after` is in seconds, and tells crawlers that this will pass.

use seawall_edge::{Error, Reply, Request, Verdict, filter};

const PAGE: &str = "<!doctype html><meta charset=utf-8><title>Closed</title>\n\
    <h1>Back soon</h1><p>We are working on the site.</p>\n";

/// Answers, or lets the request pass.
pub fn on_request(request: &mut Request) -> Result<Verdict, Error> {
    if request.config("closed").as_deref() != Some("yes") || allowed(request) {
        return Ok(Verdict::Next);
    }
    let retry_after = request.config("retry_after").unwrap_or_else(|| "600".to_owned());
    Ok(Reply::html(503, PAGE).header("retry-after", retry_after).header("cache-control", "no-store").into())
}

fn allowed(request: &Request) -> bool {
    let (Some(allow), Some(ip)) = (request.config("allow"), request.client().ip()) else {
        return false;
    };
    allow.split_whitespace().any(|address| address == ip)
}

filter! { on_request }

#[cfg(test)]
mod tests {
    use seawall_edge::mock;

    use super::*;

    #[test]
    fn a_closed_site_answers_by_itself() {
        let mut request = mock::request("GET", "https://shop.example/").config("closed", "yes").build();
        let Ok(Verdict::Respond(reply)) = on_request(&mut request) else { panic!("the request went on") };
        assert_eq!((reply.status(), reply.body_bytes()), (503, PAGE.as_bytes()));
    }

    #[test]
    fn those_who_work_on_it_come_in() {
        let request =
            || mock::request("GET", "https://shop.example/").config("allow", "192.0.2.7 2001:db8::1");
        let mut closed = request().config("closed", "yes").client_ip("2001:db8::1").build();
        assert_eq!(on_request(&mut closed), Ok(Verdict::Next));
        let mut open = request().build();
        assert_eq!(on_request(&mut open), Ok(Verdict::Next));
    }
}
