//! Redirects from a table.
//!
//! The setting `table` has a line for each: what is asked for, where it is now, and, if it is not 301, a status.
//!
//! ```text
//! /old            /new
//! /sale           https://sale.shop.example/     302
//! /blog/*         /journal/*                     308
//! ```
//!
//! A `*` at the end of both stands for the rest of the path. The first line that fits counts; the query goes along. A
//! line that makes no sense fails the request, so that it is found at once and not when somebody misses a page.

use seawall_edge::{Error, Reply, Request, Verdict, filter};

/// The statuses that redirect (RFC 9110 section 15.4).
const STATUSES: [u16; 4] = [301, 302, 307, 308];

/// Answers what has moved.
pub fn on_request(request: &mut Request) -> Result<Verdict, Error> {
    let (path, query) = (request.path(), request.query());
    let table = request.config("table").unwrap_or_default();
    for line in table.lines().filter(|line| !line.trim().is_empty()) {
        let Some((to, status)) = moved(line, &path)? else { continue };
        let location = query.map_or_else(|| to.clone(), |query| format!("{to}?{query}"));
        return Ok(Reply::redirect(status, &location).header("cache-control", "max-age=3600").into());
    }
    Ok(Verdict::Next)
}

/// Where a line sends this path.
fn moved(line: &str, path: &str) -> Result<Option<(String, u16)>, Error> {
    let wrong = || Error::new(format!("not a redirect: {line:?}"));
    let mut words = line.split_whitespace();
    let (from, to) = (words.next().ok_or_else(wrong)?, words.next().ok_or_else(wrong)?);
    let status = words.next().map_or(Ok(301), str::parse::<u16>).map_err(|_| wrong())?;
    if !STATUSES.contains(&status) || words.next().is_some() || !from.starts_with('/') {
        return Err(wrong());
    }
    Ok(match (from.strip_suffix('*'), to.strip_suffix('*')) {
        (Some(from), Some(to)) => path.strip_prefix(from).map(|rest| (format!("{to}{rest}"), status)),
        (None, None) => (path == from).then(|| (to.to_owned(), status)),
        _ => return Err(wrong()),
    })
}

filter! { on_request }

#[cfg(test)]
mod tests {
    use seawall_edge::mock;

    use super::*;

    const TABLE: &str =
        "/old /new\n/sale https://sale.shop.example/ 302\n\n/blog/* /journal/* 308\n/blog/x /never";

    fn ask(url: &str, table: &str) -> Result<Verdict, Error> {
        on_request(&mut mock::request("GET", url).config("table", table).build())
    }

    #[test]
    fn what_has_moved_is_sent_on() {
        for (path, status, location) in [
            ("/old", 301, "/new"),
            ("/old?a=b", 301, "/new?a=b"),
            ("/sale", 302, "https://sale.shop.example/"),
            ("/blog/2026/x", 308, "/journal/2026/x"),
            ("/blog/x", 308, "/journal/x"),
        ] {
            let expected = Reply::redirect(status, location).header("cache-control", "max-age=3600");
            assert_eq!(ask(&format!("https://shop.example{path}"), TABLE), Ok(expected.into()), "{path}");
        }
        for path in ["/", "/old/", "/older", "/blog"] {
            assert_eq!(ask(&format!("https://shop.example{path}"), TABLE), Ok(Verdict::Next), "{path}");
        }
    }

    #[test]
    fn a_line_that_makes_no_sense_is_not_passed_over() {
        for line in ["/a", "/a /b 200", "/a /b 301 x", "a /b", "/a/* /b", "/a /b soon"] {
            assert!(ask("https://shop.example/other", line).is_err(), "{line}");
        }
    }
}
