//! What the system knows of this process, under the names that every Prometheus exporter gives it.
//!
//! Read from `/proc` when somebody asks, and at no other time. What cannot be read is left out.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// The collector.
#[derive(Debug)]
pub(crate) struct ProcessMetrics;

/// What `/proc/self/stat` says, of the fields that are wanted (proc_pid_stat(5)).
#[derive(Debug, PartialEq)]
struct Stat {
    cpu_ticks: u64,
    threads: i64,
    started_ticks: u64,
    virtual_bytes: i64,
    resident_pages: i64,
}

impl Stat {
    /// The second field is the program's name in parentheses, and may itself have spaces and parentheses.
    fn parse(text: &str) -> Option<Self> {
        let (_, after_name) = text.rsplit_once(')')?;
        // The first of these is field 3.
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3);
        let (user, system): (u64, u64) = (field(14)?.parse().ok()?, field(15)?.parse().ok()?);
        Some(Self {
            cpu_ticks: user + system,
            threads: field(20)?.parse().ok()?,
            started_ticks: field(22)?.parse().ok()?,
            virtual_bytes: field(23)?.parse().ok()?,
            resident_pages: field(24)?.parse().ok()?,
        })
    }
}

/// When the machine started, in seconds since 1970.
fn booted(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: Option<i64>) -> fmt::Result {
    let Some(value) = value else { return Ok(()) };
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let encoder = &mut encoder;
        let stat = fs::read_to_string("/proc/self/stat").ok().and_then(|text| Stat::parse(&text));
        if let Some(stat) = &stat {
            let per_second = rustix::param::clock_ticks_per_second() as f64;
            let cpu = ConstCounter::new(stat.cpu_ticks as f64 / per_second);
            let help = "Processor time that the process has used, in the system and outside";
            cpu.encode(encoder.encode_descriptor("cpu_seconds", help, None, MetricType::Counter)?)?;
            let started = fs::read_to_string("/proc/stat").ok().and_then(|text| booted(&text));
            let started = started.map(|boot| boot as f64 + stat.started_ticks as f64 / per_second);
            let help = "When the process started, in seconds since 1970";
            gauge(encoder, "start_time_seconds", help, started.map(|seconds| seconds as i64))?;
        }
        let page = rustix::param::page_size() as i64;
        let stat = stat.as_ref();
        let resident = stat.map(|stat| stat.resident_pages.saturating_mul(page));
        gauge(encoder, "resident_memory_bytes", "Memory that the process has in RAM", resident)?;
        let virtually = stat.map(|stat| stat.virtual_bytes);
        gauge(encoder, "virtual_memory_bytes", "Address space that the process has", virtually)?;
        gauge(encoder, "threads", "Threads of the process", stat.map(|stat| stat.threads))?;
        // The folder that is read is open itself.
        let open = fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count().saturating_sub(1) as i64);
        gauge(encoder, "open_fds", "Open file descriptors, sockets included", open)?;
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let limit = limit.map(|limit| i64::try_from(limit).unwrap_or(i64::MAX));
        gauge(encoder, "max_fds", "File descriptors that the process may have open", limit)
    }
}

#[cfg(test)]
mod tests {
    use super::{Stat, booted};

    #[test]
    fn the_wanted_fields_are_found_behind_any_name() {
        let text = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 5 0 1234 1048576 256 \
                    18446744073709551615 1 1 0";
        let stat = Stat::parse(text).unwrap();
        let expected = Stat {
            cpu_ticks: 300,
            threads: 5,
            started_ticks: 1234,
            virtual_bytes: 1_048_576,
            resident_pages: 256,
        };
        assert_eq!(stat, expected);
        assert_eq!(Stat::parse("7 (a) S 1"), None);
        assert_eq!(booted("cpu 1 2\nbtime 1780000000\nprocesses 1\n"), Some(1_780_000_000));
    }
}
