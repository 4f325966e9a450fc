//! Two variants of a site, split by cookie.
//!
//! A visitor without the cookie `ab` is put into group `a` or `b` and keeps it. Group `b` sees what lies under the path
//! that the setting `b_prefix` names (`/b` where it is not set); its own path makes it a cache entry of its own, so
//! neither group ever gets the other's pages. `b_percent` says how many of a hundred new visitors join it (50).

use std::hash::{BuildHasher, RandomState};

use seawall_edge::{Error, Request, Response, Verdict, filter};

/// The cookie that holds the group.
pub const COOKIE: &str = "ab";
/// Where `on_request` notes the group for `on_response`, if the visitor is new.
const JOINED: &str = "ab-joined";

/// Puts the visitor into a group, and group `b` onto its own path.
pub fn on_request(request: &mut Request) -> Result<Verdict, Error> {
    let group = match request.cookie(COOKIE).as_deref() {
        Some("a") => "a",
        Some("b") => "b",
        _ => {
            let group = draw(request)?;
            request.set_var(JOINED, group)?;
            group
        }
    };
    if group == "b" {
        let prefix = request.config("b_prefix").unwrap_or_else(|| "/b".to_owned());
        let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
        request.set_path(&format!("{prefix}{}{query}", request.path()))?;
    }
    request.log_field("ab_group", group);
    Ok(Verdict::Next)
}

/// Lets a new visitor remember the group.
pub fn on_response(request: &Request, response: &mut Response) -> Result<(), Error> {
    if let Some(group) = request.var(JOINED) {
        let group = String::from_utf8(group)?;
        response
            .add_header("set-cookie", format!("{COOKIE}={group}; Path=/; Max-Age=2592000; SameSite=Lax"))?;
    }
    Ok(())
}

fn draw(request: &Request) -> Result<&'static str, Error> {
    let percent: u64 = request.config("b_percent").as_deref().unwrap_or("50").parse()?;
    // Every instance is new, and so is the seed of its hashes.
    let number = RandomState::new().hash_one(request.client().ip()) % 100;
    Ok(if number < percent { "b" } else { "a" })
}

filter! { on_request, on_response }

#[cfg(test)]
mod tests {
    use seawall_edge::mock;

    use super::*;

    #[test]
    fn a_known_visitor_stays_in_the_group_and_gets_no_second_cookie() {
        for (cookie, path) in [("ab=a", "/x"), ("ab=b", "/b/x")] {
            let mut request =
                mock::request("GET", "https://shop.example/x?y=1").header("cookie", cookie).build();
            assert_eq!(on_request(&mut request), Ok(Verdict::Next));
            assert_eq!((request.path().as_str(), request.query().as_deref()), (path, Some("y=1")));

            let mut response = mock::response(&request, 200).build();
            on_response(&request, &mut response).unwrap();
            assert_eq!(response.header("set-cookie"), None);
        }
    }

    #[test]
    fn a_new_visitor_joins_a_group_and_is_told() {
        for (percent, group, path) in [("0", "a", "/"), ("100", "b", "/beta/")] {
            let mut request = mock::request("GET", "https://shop.example/")
                .config("b_percent", percent)
                .config("b_prefix", "/beta")
                .build();
            on_request(&mut request).unwrap();
            assert_eq!(request.path(), path);

            let mut response = mock::response(&request, 200).header("set-cookie", "sid=1").build();
            on_response(&request, &mut response).unwrap();
            let cookies = response.header_values("set-cookie");
            assert_eq!(cookies.len(), 2, "the origin's cookie stays");
            assert!(cookies[1].starts_with(format!("ab={group};").as_bytes()));
        }
    }

    #[test]
    fn a_broken_setting_is_an_error_and_not_a_guess() {
        let mut request = mock::request("GET", "https://shop.example/").config("b_percent", "half").build();
        assert!(on_request(&mut request).is_err());
    }
}
