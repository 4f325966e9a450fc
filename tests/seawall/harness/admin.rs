//! The operator: purges, metrics, and whatever else the admin API has.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::client::Ask;
use super::node::Node;

/// Who may change.
pub(crate) const OPERATOR: &str = "the-token-of-the-operator-of-this-play";

/// Who may look.
pub(crate) const READER: &str = "the-token-of-the-reader-of-this-play";

impl Node {
    /// Sends a request to the admin API: its status, and its JSON, where it is some.
    pub(crate) async fn operate(&self, ask: Ask) -> (u16, Value) {
        let got = ask.send(self.admin).await;
        (got.status, serde_json::from_str(&got.body).unwrap_or_default())
    }

    /// Purges everywhere, and waits until every node has applied it.
    pub(crate) async fn purge(&self, order: Value) -> Value {
        let (status, answer) = self.operate(purge("?wait=all", &order).bearing(OPERATOR)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// Orders something, and waits until every node has done it.
    pub(crate) async fn order(&self, method: &str, path: &str, order: &Value) -> (u16, Value) {
        let ask = Ask::new(method, path).field("content-type", "application/json").bearing(OPERATOR);
        self.operate(ask.body(&order.to_string())).await
    }

    /// Deploys a version of a function: its name.
    pub(crate) async fn deploy(&self, name: &str, wasm: &std::path::Path, mut settings: Value) -> String {
        settings["wasm"] = BASE64_STANDARD.encode(std::fs::read(wasm).unwrap()).into();
        let (status, answer) = self.order("PUT", &format!("/v1/functions/{name}"), &settings).await;
        assert_eq!(status, 200, "{answer}");
        answer["version"].as_str().unwrap().to_owned()
    }

    /// Activates a version of a function everywhere.
    pub(crate) async fn activate(&self, name: &str, version: &str) {
        let path = format!("/v1/functions/{name}/activate?wait=all");
        let (status, answer) = self.order("POST", &path, &json!({ "version": version })).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// A counter or gauge, by its name and labels as they are exposed; zero where it is not.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        metric(self.admin, name).await
    }

    /// Waits until a counter is at least `least`.
    pub(crate) async fn counts(&self, name: &str, least: u64) {
        super::bounded(name, async {
            while self.metric(name).await < least {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    /// Waits until no fill is in flight.
    pub(crate) async fn is_idle(&self) {
        super::bounded("no fill is in flight", async {
            while self.metric("seawall_cache_fills_in_flight").await > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

impl Ask {
    /// With a bearer token.
    pub(crate) fn bearing(self, token: &str) -> Self {
        self.field("authorization", &format!("Bearer {token}"))
    }
}

/// A counter or gauge of the node whose operator goes to `door`.
pub(crate) async fn metric(door: SocketAddr, name: &str) -> u64 {
    let text = Ask::get("/metrics").bearing(READER).send(door).await.body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map_or(0, |value| value.parse().unwrap())
}

/// `POST /v1/purge`, without a token yet.
pub(crate) fn purge(query: &str, order: &Value) -> Ask {
    Ask::new("POST", &format!("/v1/purge{query}"))
        .field("content-type", "application/json")
        .body(&order.to_string())
}
