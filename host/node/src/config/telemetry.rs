//! `[telemetry]`: traces, and where they go.

use serde::{Serialize, Serializer};

use super::check::Check;
use super::raw::RawTelemetry;
use super::share::Share;
use super::{Scheme, ServerUrl};

/// Default of [`Telemetry::sample`]: enough to see what is slow, and too few to be.
pub const DEFAULT_SAMPLE: f64 = 0.01;

/// `[telemetry]`: traces. Without a collector there are none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Telemetry {
    /// The collector: OTLP over HTTP, in protobuf. Default: none, and nothing is traced.
    #[serde(serialize_with = "url")]
    pub otlp: Option<ServerUrl>,
    /// The share of clients' requests that begin a trace. Default [`DEFAULT_SAMPLE`].
    pub sample: Share,
    /// Whether clients' traces are continued, sampled as they say. Default: they are not; whoever can reach the node could
    /// have everything traced.
    pub trust_clients: bool,
}

impl Default for Telemetry {
    fn default() -> Self {
        let sample = Share::new(DEFAULT_SAMPLE).unwrap_or(Share::ALL);
        Self { otlp: None, sample, trust_clients: false }
    }
}

impl Telemetry {
    pub(super) fn from_raw(check: &Check<'_>, raw: RawTelemetry) -> Self {
        let RawTelemetry { at: _, otlp, sample, trust_clients } = raw;
        let default = Self::default();
        Self {
            otlp: check.optional("otlp", otlp, collector).map(|spot| spot.value),
            sample: Share::from_raw(check, "sample", &sample).unwrap_or(default.sample),
            trust_clients: trust_clients.or(default.trust_clients),
        }
    }
}

fn collector(text: &str) -> Result<ServerUrl, String> {
    let url: ServerUrl = text.parse().map_err(|wrong: super::ServerUrlError| wrong.to_string())?;
    match url.scheme() {
        Scheme::Http => Ok(url),
        Scheme::Https => Err(format!(
            "`{text}`: spans are sent in plain http. Write `http://host:4318` of a collector near by, and let that one \
             send them on over TLS."
        )),
    }
}

fn url<S: Serializer>(url: &Option<ServerUrl>, serializer: S) -> Result<S::Ok, S::Error> {
    match url {
        Some(url) => serializer.collect_str(url),
        None => serializer.serialize_none(),
    }
}
