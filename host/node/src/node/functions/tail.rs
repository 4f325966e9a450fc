//! What functions do, as the operator's door tells it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use futures_core::Stream;
use seawall_admin::functions::tail::TailLog;
use seawall_admin::functions::{Refusal, Tail, TailCall, TailLine};
use seawall_functions::{FunctionError, Report, Seen, Wanted, Watch, Watching};

/// Begins to watch. What a call changed is not told: values may be secrets, and this goes over the network.
pub(super) fn begin(watch: &Arc<Watch>, name: &str, site: Option<&str>) -> Result<Tail, Refusal> {
    let wanted = Wanted { function: Some(name.to_owned()), site: site.map(str::to_owned), changes: false };
    let watching = watch.begin(wanted).map_err(|error| Refusal::Busy(error.to_string()))?;
    Ok(Box::pin(Following(watching)))
}

struct Following(Watching);

impl Stream for Following {
    type Item = TailLine;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<TailLine>> {
        self.0.poll_next(cx).map(|seen| seen.map(line))
    }
}

fn line(seen: Seen) -> TailLine {
    match seen {
        Seen::Missed(calls) => TailLine::Missed { calls },
        Seen::Call(report) => TailLine::Call(Box::new(call(&report))),
    }
}

fn call(report: &Report) -> TailCall {
    let us = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let since = report.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let log = report.lines.iter();
    TailCall {
        at_unix_ms: us(since) / 1000,
        site: report.site.to_string(),
        function: report.function.name().to_owned(),
        version: report.function.version().to_owned(),
        hook: report.hook.as_str().to_owned(),
        request: report.request_id.to_string(),
        target: report.request.clone(),
        outcome: report.outcome.to_owned(),
        code: report.error.as_ref().map(|error| FunctionError::code(error).to_owned()),
        detail: report.error.as_ref().map(|error| error.detail.clone()),
        cpu_us: us(report.cpu),
        wall_us: us(report.wall),
        log: log
            .map(|line| TailLog { level: line.level.as_str().to_owned(), text: line.text.clone() })
            .collect(),
        log_dropped: report.lines_dropped,
    }
}
