//! A purge: one order to any node, applied by every node, and what the next requests find.

use serde_json::{Value, json};

use super::{Tour, Visit};
use crate::demo::error::DemoError;
use crate::demo::narrator::Narrator;
use crate::demo::origin::{Counts, Page};

/// Waits for every node, and answers with the time each took.
pub(in crate::demo) const PURGE_PATH: &str = "/v1/purge?wait=all&timeout=5s";

pub(super) fn order(tour: &Tour<'_>, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
    let nodes = tour.nodes;
    for edge in [&nodes.fra, &nodes.nyc] {
        tour.visitor.get(&tour.shop(edge, Page::Product8))?;
    }
    narrator.tell("(Both edges also have /product/8 now, which is tagged `product-8 products`.)", "")?;

    let body = json!({ "tags": ["product-7"] });
    narrator.act(&format!("POST {PURGE_PATH}   {body}   at {}'s admin API", nodes.fra.name))?;
    let before = tour.origin.counts();
    let answer = tour.visitor.post(&nodes.fra, &nodes.token, PURGE_PATH, &body)?;
    let asked = tour.origin.counts().since(&before);
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let shown = format!("{}", answer.status);
    narrator.check(&shown, &answer.status.as_u16(), &200, "202 if a node were late")?;
    let position = number(&json, "position");
    narrator.tell(&format!("position {position} in the control log"), "the order that all nodes follow")?;

    narrator.tell("NODE   REGION  STATE    APPLIED AFTER  DROPPED", "")?;
    let rows = json.get("nodes").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for row in rows {
        let after = row.get("applied_after_us").and_then(Value::as_u64);
        let after = after.map_or_else(|| "-".to_owned(), |us| format!("{}.{:03} ms", us / 1000, us % 1000));
        let (name, region, state) = (text(row, "name"), text(row, "region"), text(row, "state"));
        let matched = number(row, "matched");
        let shown = format!("{name:<5}  {region:<6}  {state:<7}  {after:>13}  {matched:>7}");
        narrator.check(&shown, &format!("{state}, {matched}"), &"applied, 1".to_owned(), "")?;
    }
    let all = nodes.all().len();
    narrator.check(&format!("{} nodes", rows.len()), &rows.len(), &all, "every node there is")?;
    narrator.check(&format!("origin: {asked}"), &asked, &Counts::only(&[]), "")
}

pub(super) fn aftermath(tour: &Tour<'_>, narrator: &mut Narrator<'_>) -> Result<(), DemoError> {
    let first = Visit {
        caches: &[
            ("ams-1; fwd=uri-miss; stored", "gone at the shield"),
            ("fra-1; fwd=uri-miss; stored", "gone at the edge"),
        ],
        body: Some(("Product 7, answer 2 of the origin", "new")),
        origin: &[(Page::Product7, 1)],
        origin_note: "asked once more",
        ..Visit::new(tour.shop(&tour.nodes.fra, Page::Product7))
    };
    tour.visit(narrator, &first)?;
    let second = Visit {
        caches: &[
            ("ams-1; hit", "refilled by fra's miss"),
            ("nyc-1; fwd=uri-miss; stored", "gone here as well"),
        ],
        body: Some(("Product 7, answer 2 of the origin", "the new one, not the old one")),
        ..Visit::new(tour.shop(&tour.nodes.nyc, Page::Product7))
    };
    tour.visit(narrator, &second)?;
    let edges = [
        (&tour.nodes.fra, "ams-1; fwd=uri-miss; stored", "fra-1; hit"),
        (&tour.nodes.nyc, "ams-1; hit", "nyc-1; hit"),
    ];
    for (edge, shield, own) in edges {
        let untouched = Visit {
            caches: &[(shield, ""), (own, "another tag: it stayed")],
            body: Some(("Product 8, answer 1 of the origin", "")),
            ..Visit::new(tour.shop(edge, Page::Product8))
        };
        tour.visit(narrator, &untouched)?;
    }
    Ok(())
}

fn text<'j>(json: &'j Value, key: &str) -> &'j str {
    json.get(key).and_then(Value::as_str).unwrap_or("-")
}

fn number(json: &Value, key: &str) -> String {
    json.get(key).and_then(Value::as_u64).map_or_else(|| "-".to_owned(), |number| number.to_string())
}
