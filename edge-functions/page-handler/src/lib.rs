//! Renders a page at the edge: `/hello/NAME` greets, everything else is not found.
//!
//! A handler is any component that exports `wasi:http/incoming-handler@0.2`. It stands where an origin stands, so what it
//! says about caching counts as an origin's word: this page is kept for a minute, by every node, and rendered once for all
//! who want it at the same time.

#[cfg(target_family = "wasm")]
mod guest;

/// A response, before it is written. Made without WebAssembly, so that it can be tested without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// The fields.
    pub fields: Vec<(&'static str, String)>,
    /// What is written, a piece at a time: a browser shows the first while the last is on its way.
    pub pieces: Vec<String>,
}

/// The page at a path, which may have a query.
#[must_use]
pub fn page(method: &str, path: &str) -> Page {
    let path = path.split('?').next().unwrap_or_default();
    if !["GET", "HEAD"].contains(&method) {
        let allow = vec![("allow", "GET, HEAD".to_owned())];
        return Page { status: 405, fields: allow, pieces: vec!["only GET\n".to_owned()] };
    }
    match path.strip_prefix("/hello/") {
        Some(name) if !name.is_empty() && !name.contains('/') => hello(name),
        _ => Page { status: 404, fields: html("max-age=10"), pieces: vec!["<h1>Not here</h1>\n".to_owned()] },
    }
}

fn hello(name: &str) -> Page {
    let name = escaped(&decoded(name));
    let mut fields = html("max-age=60, stale-while-revalidate=600");
    // All pages go with `seawall purge --tag greetings`.
    fields.push(("surrogate-key", "greetings".to_owned()));
    let pieces = vec![
        format!("<!doctype html>\n<title>Hello, {name}</title>\n"),
        format!("<h1>Hello, {name}</h1>\n"),
        "<p>Rendered at the edge, once a minute.</p>\n".to_owned(),
    ];
    Page { status: 200, fields, pieces }
}

fn html(cache_control: &str) -> Vec<(&'static str, String)> {
    vec![("content-type", "text/html; charset=utf-8".to_owned()), ("cache-control", cache_control.to_owned())]
}

/// RFC 3986 section 2.1; what is not UTF-8 then is replaced.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let hex = |at: usize| after.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.extend(u8::try_from(high * 16 + low));
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A name is what a stranger wrote into a URL.
fn escaped(text: &str) -> String {
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        '\'' => "&#39;".to_owned(),
        c => c.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_greets() {
        let page = page("GET", "/hello/Ann%20Lee?utm_source=x");
        assert_eq!(page.status, 200);
        assert!(page.pieces[1].contains("<h1>Hello, Ann Lee</h1>"), "{page:?}");
        assert!(page.fields.contains(&("surrogate-key", "greetings".to_owned())));
    }

    #[test]
    fn a_name_is_not_markup() {
        for path in ["/hello/<script>", "/hello/%3Cscript%3E"] {
            let page = page("GET", path);
            assert!(page.pieces[1].contains("&lt;script&gt;"), "{page:?}");
        }
        assert!(page("GET", "/hello/%").pieces[1].contains("Hello, %"));
        assert!(page("GET", "/hello/%ff").pieces[1].contains('\u{fffd}'));
    }

    #[test]
    fn other_paths_and_methods_are_refused() {
        for path in ["/", "/hello", "/hello/", "/hello/a/b"] {
            assert_eq!(page("GET", path).status, 404, "{path}");
        }
        assert_eq!(page("POST", "/hello/Ann").status, 405);
    }
}
