//! Adds the security fields that an origin forgot, and removes those that tell too much.
//!
//! What the origin sets itself is kept: it knows its pages better. `hsts` (for instance `max-age=31536000`) is off
//! unless it is set, since browsers do not forget it.

use seawall_edge::{Error, Request, Response, filter};

const DEFAULTS: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("x-frame-options", "SAMEORIGIN"),
];
const TELLTALES: [&str; 3] = ["server", "x-powered-by", "x-aspnet-version"];

/// Adds and removes fields.
pub fn on_response(request: &Request, response: &mut Response) -> Result<(), Error> {
    for (name, value) in DEFAULTS {
        if response.header_bytes(name).is_none() {
            response.set_header(name, value)?;
        }
    }
    if let Some(hsts) = request.config("hsts").filter(|_| request.scheme() == "https") {
        response.set_header("strict-transport-security", hsts)?;
    }
    for name in TELLTALES {
        response.remove_header(name)?;
    }
    Ok(())
}

filter! { on_response }

#[cfg(test)]
mod tests {
    use seawall_edge::mock;

    use super::*;

    fn fields_after(url: &str, own: &[(&str, &str)]) -> Response {
        let request = mock::request("GET", url).config("hsts", "max-age=60").build();
        let builder = mock::response(&request, 200);
        let mut response =
            own.iter().fold(builder, |builder, (name, value)| builder.header(name, value)).build();
        on_response(&request, &mut response).unwrap();
        response
    }

    #[test]
    fn what_is_missing_is_added_and_what_is_there_is_kept() {
        let response =
            fields_after("https://shop.example/", &[("X-Frame-Options", "DENY"), ("Server", "x/1.2")]);
        assert_eq!(response.header("x-frame-options").as_deref(), Some("DENY"));
        assert_eq!(response.header("x-content-type-options").as_deref(), Some("nosniff"));
        assert_eq!(response.header("strict-transport-security").as_deref(), Some("max-age=60"));
        assert_eq!(response.header("server"), None);
    }

    #[test]
    fn plain_http_promises_no_https() {
        assert_eq!(fields_after("http://shop.example/", &[]).header("strict-transport-security"), None);
    }
}
