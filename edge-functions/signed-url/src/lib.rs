//! Lets in whoever has a signed URL that has not expired.
//!
//! Whoever gives out URLs appends `expires` (seconds since 1970) and `signature`: the keyed BLAKE3 of
//! `<path>?expires=<expires>` in hexadecimal, see [`sign`]. The key is derived from the setting `secret`, at least 32
//! characters. What is signed is taken from the URL before the cache is asked, so all signed URLs of a path share one
//! entry. Without a secret nobody gets in.

use std::time::{SystemTime, UNIX_EPOCH};

use seawall_edge::{Error, Reply, Request, Verdict, filter};

/// Binds the key to this use (BLAKE3's key derivation).
const CONTEXT: &str = "seawall 2026-11 signed-url example v1";
/// Shortest secret, in characters.
const SECRET_MIN: usize = 32;

/// The signature of a path that is good until `expires`.
#[must_use]
pub fn sign(secret: &str, path: &str, expires: u64) -> String {
    digest(secret, path, expires).to_hex().to_string()
}

fn digest(secret: &str, path: &str, expires: u64) -> blake3::Hash {
    let key = blake3::derive_key(CONTEXT, secret.as_bytes());
    blake3::keyed_hash(&key, format!("{path}?expires={expires}").as_bytes())
}

/// Why somebody is not let in. The client sees the word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refusal {
    Unsigned,
    Expired,
    Forged,
}

impl Refusal {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Expired => "expired",
            Self::Forged => "forged",
        }
    }
}

fn judge(request: &Request, secret: &str, now: u64) -> Result<(), Refusal> {
    let expires = request.query_param("expires").and_then(|text| text.parse::<u64>().ok());
    let given = request.query_param("signature").and_then(|text| blake3::Hash::from_hex(text).ok());
    let (Some(expires), Some(given)) = (expires, given) else { return Err(Refusal::Unsigned) };
    // `Hash` compares in constant time: how long it takes does not tell how much of a guess was right.
    if digest(secret, &request.path(), expires) != given {
        return Err(Refusal::Forged);
    }
    if expires < now { Err(Refusal::Expired) } else { Ok(()) }
}

/// Lets in, or answers 403.
#[expect(clippy::disallowed_methods, reason = "a function's clock is the host's, handed out by WASI")]
pub fn on_request(request: &mut Request) -> Result<Verdict, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    admit(request, now)
}

fn admit(request: &mut Request, now: u64) -> Result<Verdict, Error> {
    let secret = request.config("secret").filter(|secret| secret.len() >= SECRET_MIN);
    let secret =
        secret.ok_or_else(|| Error::new(format!("`secret` needs {SECRET_MIN} characters or more")))?;
    if let Err(refusal) = judge(request, &secret, now) {
        request.log_field("signed_url", refusal.as_str());
        return Ok(Reply::text(403, format!("{}\n", refusal.as_str()))
            .header("cache-control", "no-store")
            .into());
    }
    let query = request.query().unwrap_or_default();
    let is_ours = |pair: &&str| pair.starts_with("expires=") || pair.starts_with("signature=");
    let left: Vec<&str> = query.split('&').filter(|pair| !is_ours(pair)).collect();
    let query = if left.is_empty() { String::new() } else { format!("?{}", left.join("&")) };
    request.set_path(&format!("{}{query}", request.path()))?;
    Ok(Verdict::Next)
}

filter! { on_request }

#[cfg(test)]
mod tests {
    use seawall_edge::mock;

    use super::*;

    const SECRET: &str = "a secret of at least 32 characters";
    const NOW: u64 = 1_800_000_000;

    fn ask(url: &str) -> (Result<Verdict, Error>, Request) {
        let mut request = mock::request("GET", url).config("secret", SECRET).build();
        (admit(&mut request, NOW), request)
    }

    #[test]
    fn a_signed_url_is_let_in_and_leaves_its_signature_behind() {
        let signature = sign(SECRET, "/film.mp4", NOW + 60);
        let url = format!("https://shop.example/film.mp4?q=hd&expires={}&signature={signature}", NOW + 60);
        let (verdict, request) = ask(&url);
        assert_eq!(verdict, Ok(Verdict::Next));
        assert_eq!((request.path().as_str(), request.query().as_deref()), ("/film.mp4", Some("q=hd")));
    }

    #[test]
    fn others_are_told_why_not() {
        let good = sign(SECRET, "/film.mp4", NOW + 60);
        let old = sign(SECRET, "/film.mp4", NOW - 1);
        let foreign = sign("another secret of 32 characters!", "/film.mp4", NOW + 60);
        for (query, word) in [
            (String::new(), "unsigned"),
            (format!("?expires={}", NOW + 60), "unsigned"),
            (format!("?expires=soon&signature={good}"), "unsigned"),
            (format!("?expires={}&signature=zz", NOW + 60), "unsigned"),
            (format!("?expires={}&signature={good}", NOW + 61), "forged"),
            (format!("?expires={}&signature={foreign}", NOW + 60), "forged"),
            (format!("?expires={}&signature={old}", NOW - 1), "expired"),
        ] {
            let (verdict, request) = ask(&format!("https://shop.example/film.mp4{query}"));
            let Ok(Verdict::Respond(reply)) = verdict else { panic!("{query}: let in") };
            assert_eq!(
                (reply.status(), reply.body_bytes()),
                (403, format!("{word}\n").as_bytes()),
                "{query}"
            );
            assert_eq!(request.recorded().fields, [("signed_url".to_owned(), word.to_owned())]);
        }
        let signed_for_another = format!("https://shop.example/other?expires={}&signature={good}", NOW + 60);
        assert!(matches!(ask(&signed_for_another).0, Ok(Verdict::Respond(_))));
    }

    /// The fixture has it, so it must not change by accident.
    #[test]
    fn a_signature_stays_what_it_is() {
        let fixture = include_str!("../fixtures/basic.json");
        assert!(
            fixture.contains(&sign(SECRET, "/film.mp4", 4_102_444_800)),
            "{}",
            sign(SECRET, "/film.mp4", 4_102_444_800)
        );
    }

    #[test]
    fn without_a_secret_nobody_gets_in() {
        for secret in ["", "short"] {
            let mut request = mock::request("GET", "https://shop.example/").config("secret", secret).build();
            assert!(admit(&mut request, NOW).is_err());
        }
    }
}
