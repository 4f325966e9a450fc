//! Lifetime and tags from a JSON field of the origin.
//!
//! An application knows how long its page is good and what is on it, and says so in one field, `x-edge-policy`:
//!
//! ```text
//! x-edge-policy: {"ttl": 300, "stale_while_revalidate": 60, "tags": ["product-7", "sale"]}
//! ```
//!
//! This applies it once for each fetch and takes the field away. A field that cannot be read is told in the log, and the
//! response is stored as its other fields say. `max_ttl` bounds what the application may ask for (a day unless it is set).

use seawall_edge::{EditError, Error, Level, OriginRequest, OriginResponse, StoreVerdict, filter};
use serde::Deserialize;

/// Where the application says it.
pub const FIELD: &str = "x-edge-policy";
const DAY_S: u32 = 24 * 60 * 60;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Policy {
    ttl: Option<u32>,
    stale_while_revalidate: Option<u32>,
    stale_if_error: Option<u32>,
    tags: Vec<String>,
    store: Option<bool>,
}

/// Applies the field.
pub fn on_origin_response(
    request: &OriginRequest,
    response: &mut OriginResponse,
) -> Result<StoreVerdict, Error> {
    let Some(field) = response.header_bytes(FIELD) else { return Ok(StoreVerdict::Store) };
    response.remove_header(FIELD)?;
    let policy: Policy = match serde_json::from_slice(&field) {
        Ok(policy) => policy,
        Err(error) => {
            response.log(Level::Warn, format_args!("{FIELD} cannot be read: {error}"));
            return Ok(StoreVerdict::Store);
        }
    };
    if policy.store == Some(false) {
        return Ok(StoreVerdict::DeliverOnly);
    }
    let max = request.config("max_ttl").map_or(Ok(DAY_S), |text| text.parse::<u32>())?;
    if let Some(ttl) = policy.ttl {
        match response.set_ttl(ttl.min(max)) {
            // `private` and `no-store` are the origin's word as well, and the stronger one.
            Err(EditError::Forbidden) => return Ok(StoreVerdict::DeliverOnly),
            set => set?,
        }
    }
    if let Some(seconds) = policy.stale_while_revalidate {
        response.set_stale_while_revalidate(seconds.min(max))?;
    }
    if let Some(seconds) = policy.stale_if_error {
        response.set_stale_if_error(seconds.min(max))?;
    }
    response.add_tags(policy.tags)?;
    Ok(StoreVerdict::Store)
}

filter! { on_origin_response }

#[cfg(test)]
mod tests {
    use seawall_edge::mock;

    use super::*;

    fn apply(fields: &[(&str, &str)]) -> (Result<StoreVerdict, Error>, mock::Recorded, Option<String>) {
        let request = mock::origin_request("https://shop.example/p/7").config("max_ttl", "600").build();
        let builder = mock::origin_response(&request, 200);
        let mut response =
            fields.iter().fold(builder, |builder, (name, value)| builder.header(name, value)).build();
        let verdict = on_origin_response(&request, &mut response);
        (verdict, request.recorded(), response.header(FIELD))
    }

    #[test]
    fn the_field_is_applied_and_taken_away() {
        let (verdict, recorded, field) = apply(&[(
            FIELD,
            r#"{"ttl": 300, "stale_while_revalidate": 9999, "tags": ["product-7", "sale"]}"#,
        )]);
        assert_eq!((verdict, field), (Ok(StoreVerdict::Store), None));
        assert_eq!((recorded.store.ttl, recorded.store.stale_while_revalidate), (Some(300), Some(600)));
        assert_eq!(recorded.store.tags, ["product-7", "sale"]);
    }

    #[test]
    fn what_is_wrong_is_told_and_changes_nothing() {
        for broken in ["", "{", r#"{"tll": 5}"#, r#"{"ttl": -5}"#] {
            let (verdict, recorded, field) = apply(&[(FIELD, broken)]);
            assert_eq!((verdict, field), (Ok(StoreVerdict::Store), None), "{broken}");
            assert_eq!((recorded.store, recorded.lines.len()), (mock::Store::default(), 1), "{broken}");
        }
        let (_, recorded, _) = apply(&[]);
        assert!(recorded.lines.is_empty());
    }

    #[test]
    fn an_application_may_forbid_storing_in_either_way() {
        assert_eq!(apply(&[(FIELD, r#"{"store": false}"#)]).0, Ok(StoreVerdict::DeliverOnly));
        let private = [(FIELD, r#"{"ttl": 300}"#), ("cache-control", "private")];
        assert_eq!(apply(&private).0, Ok(StoreVerdict::DeliverOnly));
    }
}
