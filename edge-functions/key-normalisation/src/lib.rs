//! One cache entry for each kind of device and each language, instead of one for each browser.
//!
//! `user-agent` and `accept-language` have thousands of values, and a site has a handful of answers. This reduces the one
//! to `phone` or `desktop` and the other to a language that the site has (`languages`, such as `en de fr`; the first is
//! for everybody else), tells the origin by `x-device` and `accept-language`, and makes both a part of the key. So an
//! origin's `Vary` on what the browser sent is not needed: it is taken from the response before that is stored.

use seawall_edge::{Error, OriginRequest, OriginResponse, Request, StoreVerdict, Verdict, filter};

/// Words that phones have in their `user-agent`.
const PHONES: [&str; 3] = ["mobile", "iphone", "android"];
/// What the key answers for, so that `Vary` need not.
const NORMALISED: [&str; 2] = ["user-agent", "accept-language"];

/// Reduces what the browser says, and splits the cache by it.
pub fn on_request(request: &mut Request) -> Result<Verdict, Error> {
    let agent = request.header("user-agent").unwrap_or_default().to_ascii_lowercase();
    let device = if PHONES.iter().any(|word| agent.contains(word)) { "phone" } else { "desktop" };
    let languages = request.config("languages").unwrap_or_else(|| "en".to_owned());
    let wanted = request.header("accept-language").unwrap_or_default();
    let language = choose(&wanted, &languages).ok_or_else(|| Error::new("`languages` is empty"))?;

    request.add_key_part("device", device)?;
    request.add_key_part("language", language)?;
    request.set_header("x-device", device)?;
    request.set_header("accept-language", language)?;
    Ok(Verdict::Next)
}

/// Takes from `vary` what the key holds already.
pub fn on_origin_response(_: &OriginRequest, response: &mut OriginResponse) -> Result<StoreVerdict, Error> {
    let Some(vary) = response.header("vary") else { return Ok(StoreVerdict::Store) };
    let left = vary.split(',').map(|name| name.trim().to_ascii_lowercase());
    let left: Vec<String> = left.filter(|name| !NORMALISED.contains(&name.as_str())).collect();
    if left.iter().all(|name| name != "*") {
        response.set_vary(left)?;
    }
    Ok(StoreVerdict::Store)
}

/// The language of the site that the client likes best (RFC 9110 section 12.5.4), else the site's first.
fn choose<'a>(wanted: &str, languages: &'a str) -> Option<&'a str> {
    let mut best: Option<(&str, f32)> = None;
    for range in wanted.split(',') {
        let mut halves = range.split(";q=");
        let tag = halves.next().unwrap_or_default().trim().to_ascii_lowercase();
        let weight: f32 = halves.next().map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
        let primary = tag.split('-').next().unwrap_or_default();
        let known = languages.split_whitespace().find(|known| **known == tag || **known == *primary);
        if let Some(known) = known.filter(|_| weight > best.map_or(0.0, |(_, best)| best)) {
            best = Some((known, weight));
        }
    }
    best.map(|(language, _)| language).or_else(|| languages.split_whitespace().next())
}

filter! { on_request, on_origin_response }

#[cfg(test)]
mod tests {
    use seawall_edge::mock;

    use super::*;

    fn key(agent: &str, languages: &str) -> Vec<(String, String)> {
        let mut request = mock::request("GET", "https://shop.example/")
            .header("user-agent", agent)
            .header("accept-language", languages)
            .config("languages", "en de fr")
            .build();
        on_request(&mut request).unwrap();
        let parts = request.recorded().key_parts.into_iter();
        parts.map(|(name, value)| (name, String::from_utf8(value).unwrap())).collect()
    }

    #[test]
    fn many_browsers_share_few_keys() {
        let pair = |device: &str, language: &str| {
            vec![("device".to_owned(), device.to_owned()), ("language".to_owned(), language.to_owned())]
        };
        for (agent, languages, expected) in [
            ("Mozilla/5.0 (iPhone; CPU)", "de-AT, en;q=0.5", pair("phone", "de")),
            ("Mozilla/5.0 (Linux; Android 15) Mobile", "fr;q=0.3, en;q=0.8", pair("phone", "en")),
            ("Mozilla/5.0 (X11; Linux x86_64)", "ja, ko;q=0.9", pair("desktop", "en")),
            ("", "de;q=0, fr;q=nonsense", pair("desktop", "en")),
        ] {
            assert_eq!(key(agent, languages), expected, "{agent} {languages}");
        }
    }

    #[test]
    fn vary_keeps_what_the_key_does_not_hold() {
        let request = mock::origin_request("https://shop.example/").build();
        for (vary, left) in [
            ("User-Agent, Accept-Encoding, accept-language", Some(vec!["accept-encoding".to_owned()])),
            ("user-agent", Some(Vec::new())),
            ("*", None),
        ] {
            let mut response = mock::origin_response(&request, 200).header("vary", vary).build();
            on_origin_response(&request, &mut response).unwrap();
            if left.is_some() {
                assert_eq!(request.recorded().store.vary, left, "{vary}");
            } else {
                assert_eq!(response.header("vary").as_deref(), Some("*"));
            }
        }
    }
}
