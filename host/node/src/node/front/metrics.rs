//! What is counted of connections. Every label is a closed set, but for the certificates' files, which are the
//! configuration's.

use std::path::Path;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::census::Refusal;
use super::pulse::Cut;

/// What comes in at a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Http,
    Https,
    Peers,
}

impl Way {
    /// The word in the metrics.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Peers => "peers",
        }
    }
}

/// How a TLS handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// With keys of its own.
    Full,
    /// By a ticket.
    Resumed,
    /// Not TLS, nothing in common, or broken off.
    Failed,
    /// `handshake_timeout` passed.
    TimedOut,
    /// There were `max_handshakes`, and it was the oldest.
    Cut,
}

impl Handshake {
    /// The word in the metric.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Resumed => "resumed",
            Self::Failed => "failed",
            Self::TimedOut => "timed-out",
            Self::Cut => "cut",
        }
    }
}

/// Counters of one node's listeners.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    open: Family<WayLabel, Gauge>,
    accepted: Family<WayLabel, Counter>,
    refused: Family<WhyLabel, Counter>,
    cut: Family<WhyLabel, Counter>,
    handshakes: Family<OutcomeLabel, Counter>,
    not_after: Family<FileLabel, Gauge>,
    pub(crate) certificate_reloads: Counter,
    pub(crate) certificate_reload_failures: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WayLabel {
    listener: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WhyLabel {
    why: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FileLabel {
    file: String,
}

/// One connection, in the gauge until dropped.
#[derive(Debug)]
pub(crate) struct Counted(Gauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Registers everything under `registry`.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let Self { open, accepted, refused, cut, handshakes, not_after, .. } = self;
        registry.register("connections", "Connections now, by listener", open.clone());
        registry.register("connections_accepted", "Connections taken, by listener", accepted.clone());
        registry.register("connections_refused", "Connections not taken, by limit", refused.clone());
        registry.register("connections_cut", "Connections that a limit ended, by limit", cut.clone());
        registry.register("tls_handshakes", "TLS handshakes with clients, by outcome", handshakes.clone());
        registry.register(
            "tls_certificate_not_after_seconds",
            "When a certificate ends to be valid, in Unix time",
            not_after.clone(),
        );
        registry.register(
            "tls_certificate_reloads",
            "Certificates that were read again",
            self.certificate_reloads.clone(),
        );
        registry.register(
            "tls_certificate_reload_failures",
            "Changed certificates that cannot be used, so that the old ones stay",
            self.certificate_reload_failures.clone(),
        );
    }

    /// One more connection.
    pub(crate) fn accept(&self, way: Way) -> Counted {
        let label = WayLabel { listener: way.as_str() };
        self.accepted.get_or_create(&label).inc();
        let open = self.open.get_or_create(&label).clone();
        open.inc();
        Counted(open)
    }

    pub(crate) fn refuse(&self, why: Refusal) {
        self.refused.get_or_create(&WhyLabel { why: why.as_str() }).inc();
    }

    pub(crate) fn cut(&self, why: Cut) {
        self.cut.get_or_create(&WhyLabel { why: why.as_str() }).inc();
    }

    pub(crate) fn shook_hands(&self, outcome: Handshake) {
        self.handshakes.get_or_create(&OutcomeLabel { outcome: outcome.as_str() }).inc();
    }

    /// Other certificates are shown from now on.
    pub(crate) fn forget_expiry(&self) {
        self.not_after.clear();
    }

    pub(crate) fn tell_not_after(&self, file: &Path, unix_s: i64) {
        self.not_after.get_or_create(&FileLabel { file: file.display().to_string() }).set(unix_s);
    }
}
