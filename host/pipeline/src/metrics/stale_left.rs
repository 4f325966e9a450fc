//! How long a site's stale content still lasts, while it stands in for a failing origin: the least of what was left in
//! the last minutes, so that an alert comes before the content runs out, and not with the first 5xx.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use seawall_base::{Clock, SiteName};

/// How long an answer is remembered at least; at most twice as long. Two scrapes of the usual interval fall into it.
const WINDOW: Duration = Duration::from_secs(60);

/// The least time left of what stood in, site by site. Its label has as many values as the config has sites.
#[derive(Clone, Default)]
pub struct StaleLeft(Arc<Mutex<BTreeMap<SiteName, Windows>>>);

/// The least in this window, and in the one before.
#[derive(Clone, Copy)]
struct Windows {
    began: Duration,
    least: Duration,
    before: Option<Duration>,
}

/// What a scrape reads.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) of: StaleLeft,
    pub(super) clock: Clock,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SiteLabel {
    site: String,
}

impl StaleLeft {
    /// Something stood in, and may for so much longer. Only failing origins' answers come here.
    pub(crate) fn note(&self, site: &SiteName, left: Duration, now: Duration) {
        let mut sites = self.0.lock();
        let fresh = Windows { began: now, least: left, before: None };
        let Some(windows) = sites.get_mut(site) else {
            sites.insert(site.clone(), fresh);
            return;
        };
        let age = now.saturating_sub(windows.began);
        if age < WINDOW {
            windows.least = windows.least.min(left);
        } else {
            *windows = Windows { before: (age < WINDOW * 2).then_some(windows.least), ..fresh };
        }
    }

    /// The least time left of what stood in of late, site by site.
    #[must_use]
    pub fn of_late(&self, now: Duration) -> Vec<(SiteName, Duration)> {
        let late = |windows: &Windows| {
            let age = now.saturating_sub(windows.began);
            let before = windows.before.filter(|_| age < WINDOW).unwrap_or(windows.least);
            (age < WINDOW * 2).then_some(windows.least.min(before))
        };
        let sites = self.0.lock();
        sites.iter().filter_map(|(site, windows)| Some((site.clone(), late(windows)?))).collect()
    }
}

impl fmt::Debug for StaleLeft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaleLeft")
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt(f)
    }
}

impl Collector for Reader {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let sites = self.of.of_late(self.clock.ticks());
        if sites.is_empty() {
            return Ok(());
        }
        let help = "How much longer stale content may stand in for a failing origin: the least in the last one to two minutes";
        let mut family = encoder.encode_descriptor("stale_left_seconds", help, None, MetricType::Gauge)?;
        for (site, left) in sites {
            let label = SiteLabel { site: site.to_string() };
            let left = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
            ConstGauge::new(left).encode(family.encode_family(&label)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_least_of_the_last_minutes_is_told_and_then_forgotten() {
        let (left, shop) = (StaleLeft::default(), SiteName::new("shop").unwrap());
        let late = |now| left.of_late(seconds(now)).first().map(|(_, left)| left.as_secs());
        assert_eq!(late(0), None);
        left.note(&shop, seconds(300), seconds(10));
        left.note(&shop, seconds(40), seconds(20));
        left.note(&shop, seconds(290), seconds(30));
        assert_eq!(late(30), Some(40));
        // Another object, in the next window: what was seen a minute ago still counts.
        left.note(&shop, seconds(200), seconds(80));
        assert_eq!((late(80), late(139)), (Some(40), Some(40)));
        assert_eq!((late(140), late(199)), (Some(200), Some(200)));
        assert_eq!(late(200), None, "the origin has not failed for a while");
        left.note(&shop, seconds(5), seconds(1000));
        assert_eq!(late(1000), Some(5));
    }
}
