//! `GET /v1/purges` and `GET /v1/purges/{id}`: the audit trail, read from the control log. Every node tells the same, and
//! for as long as the log reaches back.

use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::{Extension, Json};
use seawall_base::{Depth, Position, Purge, Scope, Selector};
use seawall_cluster::{Entry, LogError, Order, Record};
use serde::Serialize;
use utoipa::ToSchema;

use super::TrailQuery;
use super::answer::{NodeAnswer, matched, missing};
use crate::auth::Actor;
use crate::problem::{Kind, Problem};
use crate::state::AdminState;

/// Orders of one page where the client does not say.
pub const PAGE_DEFAULT: usize = 100;

/// Most orders of one page; a page ends earlier where its records are large.
pub const PAGE_MAX: usize = 1000;

/// Most selectors of one order that a page shows; the order itself shows all.
pub const SELECTORS_SHOWN: usize = 10;

/// A page of the audit trail, in the log's order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Trail {
    /// The node that answers.
    pub answered_by: String,
    /// The log holds nothing up to and including this position any more.
    pub before: u64,
    /// Where the log ends.
    pub head: u64,
    /// `since` of the next page, where there is more.
    pub next: Option<u64>,
    /// The orders.
    pub orders: Vec<OrderView>,
}

/// One order, as it stands in the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderView {
    /// Its name, for `GET /v1/purges/{id}`.
    pub id: String,
    /// Its place in the log.
    pub position: u64,
    /// `purge`, `activation`, or what a newer build wrote.
    pub kind: String,
    /// Who gave it: the name of a token, or `site NAME` where an origin's response asked for it.
    pub actor: String,
    /// The node that took it.
    pub accepted_by: String,
    /// When, by that node's clock, in milliseconds since 1970. Orders follow each other by position, not by this.
    pub at_unix_ms: u64,
    /// Whether it came with an `Idempotency-Key`.
    pub keyed: bool,
    /// The one site it speaks of; null for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Of a purge: it makes stale and drops nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub soft: Option<bool>,
    /// Of a purge: what it selects; of many selectors a page shows ten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selects: Option<Selects>,
    /// Of a purge: how many selectors it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selectors: Option<u64>,
    /// Of an activation: the function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// Of an activation: the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How many stored responses it matched, where this process remembers that.
    pub matched: Option<u64>,
}

/// What a purge selects, as in the order that gave it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Selects {
    /// URLs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Beginnings of URLs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<String>,
    /// Hosts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Everything.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

/// One order and what the nodes made of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderAnswer {
    /// The order.
    #[serde(flatten)]
    pub order: OrderView,
    /// Nodes that have not applied it as far as is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Every node there is.
    pub nodes: Vec<NodeAnswer>,
}

impl Selects {
    fn of(purge: &Purge, most: usize) -> Self {
        let mut all = Self::default();
        for selector in purge.selectors.iter().take(most) {
            match selector {
                Selector::Url(text) => all.urls.push(text.clone()),
                Selector::Tag(text) => all.tags.push(text.clone()),
                Selector::Prefix(text) => all.prefixes.push(text.clone()),
                Selector::Host(text) => all.hosts.push(text.clone()),
                Selector::All => all.all = true,
            }
        }
        all
    }
}

impl OrderView {
    fn of(record: &Record, matched: Option<u64>, most_selectors: usize) -> Self {
        let mut view = Self {
            id: record.position.to_string(),
            position: record.position.0,
            kind: String::new(),
            actor: record.actor.clone(),
            accepted_by: record.accepted_by.to_string(),
            at_unix_ms: record.at_unix_ms,
            keyed: record.once.is_some(),
            site: None,
            soft: None,
            selects: None,
            selectors: None,
            function: None,
            version: None,
            matched,
        };
        match &record.entry {
            Entry::Purge(purge) => {
                "purge".clone_into(&mut view.kind);
                view.site = match &purge.scope {
                    Scope::AllSites => None,
                    Scope::Site(site) => Some(site.to_string()),
                };
                view.soft = Some(purge.depth == Depth::Soft);
                view.selects = Some(Selects::of(purge, most_selectors));
                view.selectors = Some(purge.selectors.len() as u64);
            }
            Entry::Activation(activation) => {
                "activation".clone_into(&mut view.kind);
                view.function = Some(activation.function.clone());
                view.version = Some(activation.version.clone());
            }
            Entry::Unknown { kind, .. } => kind.clone_into(&mut view.kind),
        }
        view
    }
}

/// The orders that the control log holds: who, what, when, where in the log.
#[utoipa::path(
    get, path = "/v1/purges", tag = "purge",
    params(TrailQuery),
    responses(
        (status = 200, description = "A page of orders, in the log's order.", body = Trail),
        (status = 400, description = "A bad query.", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The control log cannot be read.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn trail(
    State(state): State<Arc<AdminState>>,
    Extension(actor): Extension<Actor>,
    query: Result<Query<TrailQuery>, QueryRejection>,
) -> Result<Json<Trail>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::new(Kind::InvalidQuery, rejection.body_text()))?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::new(Kind::InvalidQuery, format!("`limit` is a number from 1 to {PAGE_MAX}.")));
    }
    let page = state.cluster.orders(query.since.map(Position), limit).await.map_err(unread)?;
    let last = page.records.last().map(|record| record.position);
    let shown = page.records.iter().filter(|record| may_see(&actor, record));
    let view = |record: &Arc<Record>| OrderView::of(record, state.cluster.matched(record), SELECTORS_SHOWN);
    Ok(Json(Trail {
        answered_by: state.cluster.name().to_string(),
        before: page.before.0,
        head: page.head.0,
        next: last.filter(|last| *last < page.head).map(|last| last.0),
        orders: shown.map(view).collect(),
    }))
}

/// One order, and what every node has made of it.
#[utoipa::path(
    get, path = "/v1/purges/{id}", tag = "purge",
    params(("id" = String, Path, description = "The order's name: its position.")),
    responses(
        (status = 200, description = "The order, and what every node has made of it.", body = OrderAnswer),
        (status = 401, description = "No good token.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The log holds no such order.", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The control log cannot be read.", body = Problem, content_type = "application/problem+json"),
    ),
    security(("token" = [])),
)]
pub(crate) async fn one(
    State(state): State<Arc<AdminState>>,
    Extension(actor): Extension<Actor>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<OrderAnswer>, Problem> {
    let unknown = |id: &str| {
        let detail =
            format!("`{id}` is no order that the control log holds: an id is a position, see /v1/purges.");
        Problem::new(Kind::UnknownPurge, detail)
    };
    let Path(id) = id.map_err(|rejection| Problem::new(Kind::UnknownPurge, rejection.body_text()))?;
    let shown: String = id.chars().take(40).collect();
    let position = id.parse().map(Position).map_err(|_| unknown(&shown))?;
    let order = state.cluster.order(position).await.map_err(unread)?;
    let Some(Order { record, nodes }) = order.filter(|order| may_see(&actor, &order.record)) else {
        return Err(unknown(&shown));
    };
    let remembered = nodes.iter().any(|node| node.matched.is_some());
    Ok(Json(OrderAnswer {
        order: OrderView::of(&record, remembered.then(|| matched(&nodes)), usize::MAX),
        missing: missing(&nodes),
        nodes: nodes.into_iter().map(NodeAnswer::from).collect(),
    }))
}

/// A token that is for some sites sees what was ordered for those.
fn may_see(actor: &Actor, record: &Record) -> bool {
    match &record.entry {
        Entry::Purge(Purge { scope: Scope::Site(site), .. }) => actor.is_for(site),
        _ => actor.is_for_all_sites(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed to map_err")]
fn unread(error: LogError) -> Problem {
    Problem::new(Kind::LogUnavailable, error.to_string())
}
