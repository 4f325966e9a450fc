//! Pages under the names of pictures, scripts and styles (web cache deception).
//!
//! Owns the verdict. `/account/x.css` is the account to a server that ignores what follows, and a style to a rule that
//! keeps styles for a day: whoever follows a link to it has his account stored for the next one. No RFC has a word on it:
//! a media type is what `Content-Type` says (RFC 9110 §8.3), and a name that says otherwise is somebody's doing.

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap};

/// Extensions of what is the same for everybody, in lower case: a response under one of them is not a page.
pub const STATIC_EXTENSIONS: [&str; 33] = [
    "avif", "bmp", "bz2", "css", "eot", "flac", "gif", "gz", "ico", "jpeg", "jpg", "js", "m4a", "m4v", "map",
    "mjs", "mov", "mp3", "mp4", "ogg", "otf", "pdf", "png", "tar", "ttf", "wasm", "wav", "webm", "webp",
    "woff", "woff2", "zip", "zst",
];

/// Longest of them, in bytes.
const EXTENSION_MAX_BYTES: usize = 5;

/// Whether a response is a page, by its type, and something else by its path. Only successes are: what is missing is
/// answered with a page under any name.
pub fn is_disguised(path: &str, status: StatusCode, response: &HeaderMap) -> bool {
    status.is_success() && is_static(path) && is_page(response)
}

/// Whether the path ends as the name of something static does. What follows a `;`, and what is percent-encoded behind a
/// dot, is part of the name here: an origin that cuts it off answers for another name, and that is the point.
fn is_static(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((_, extension)) = name.rsplit_once('.') else { return false };
    extension.len() <= EXTENSION_MAX_BYTES
        && STATIC_EXTENSIONS.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// HTML: scripts, maps and pictures are of too many types to name, and JSON may be either.
fn is_page(response: &HeaderMap) -> bool {
    let Some(value) = response.get(CONTENT_TYPE) else { return false };
    let media_type = value.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    [&b"text/html"[..], b"application/xhtml+xml"].iter().any(|page| media_type.eq_ignore_ascii_case(page))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn of(path: &str, status: u16, media_type: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(media_type) = media_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        is_disguised(path, StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn a_page_is_not_a_style() {
        for path in
            ["/account.php/x.css", "/account/x.CSS", "/account;x.js", "/a/b.woff2", "/account%2Fx.css"]
        {
            assert!(of(path, 200, Some("text/html; charset=utf-8")), "{path}");
            assert!(of(path, 206, Some("Text/HTML")), "{path}");
        }
    }

    #[test]
    fn what_is_what_its_name_says_is_let_be() {
        for (path, status, media_type) in [
            ("/x.css", 200, Some("text/css")),
            ("/x.js", 200, Some("application/javascript")),
            ("/x.png", 200, None),
            ("/x.png", 404, Some("text/html")),
            ("/x.html", 200, Some("text/html")),
            ("/x", 200, Some("text/html")),
            ("/css", 200, Some("text/html")),
            ("/x.css/", 200, Some("text/html")),
            ("/v1.2.3/x", 200, Some("text/html")),
        ] {
            assert!(!of(path, status, media_type), "{path} {status} {media_type:?}");
        }
    }
}
