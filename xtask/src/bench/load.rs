//! The load: wrk on its own core, 64 connections kept open, every object in turn.

use std::time::Duration;

use crate::command;
use crate::failure::{Failure, Outcome};

use super::Plan;
use super::contender::{Contender, load_generator};

/// Long enough for every object to be asked for and for the machine to get up to speed.
pub(crate) const WARM_UP: Duration = Duration::from_secs(2);

/// How many such turns at most. Two are the least: one that fills the cache, one that shows it.
pub(crate) const WARM_UPS: u32 = 5;

/// Enough to keep one core busy, few enough that a request seldom waits for another.
const CONNECTIONS: u32 = 64;

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// The same objects again and again.
    Hits,
    /// Another URL each time, so that each is fetched and stored.
    Misses,
}

/// What wrk counted in one turn, and what the server spent on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    pub(crate) took: Duration,
    pub(crate) p50_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) cpu: Duration,
}

impl Load {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.requests as f64 / self.took.as_secs_f64()
    }

    /// CPU time of the server for one request, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.requests as f64
    }
}

/// One turn of one server. An answer that is not a success, or a connection that breaks, fails it.
pub(crate) fn run(plan: &Plan, contender: &Contender, kind: Kind, turn: Duration) -> Outcome<Load> {
    let script = plan.folder.join("load.lua");
    std::fs::write(&script, lua(plan, kind)).map_err(|error| Failure::file(&script, &error))?;
    let mut wrk = load_generator("wrk");
    wrk.args(["--threads", "1", "--connections", &CONNECTIONS.to_string(), "--timeout", "10s"]);
    wrk.args(["--duration", &format!("{}s", turn.as_secs())]).arg("--script").arg(&script);
    wrk.arg(format!("http://127.0.0.1:{}", contender.port()));
    let before = contender.server().cpu();
    let output = command::answer(&mut wrk);
    let cpu = contender.server().cpu().saturating_sub(before);
    let load = output.as_deref().and_then(|text| parse(text, cpu));
    load.ok_or_else(|| {
        let said = output.unwrap_or_default();
        contender.server().failure(&format!("did not stand the load without errors; wrk says:\n{said}\n"))
    })
}

/// Requests are written out once, so that the load generator costs as little as it can.
fn lua(plan: &Plan, kind: Kind) -> String {
    let request = match kind {
        Kind::Hits => {
            "  turn = (turn + 1) % count
  return ready[turn]"
        }
        // Numbers of other turns must not come again.
        Kind::Misses => {
            "  turn = turn + 1
  return wrk.format('GET', '/' .. size .. '/' .. (turn % count) .. '?' .. born .. turn)"
        }
    };
    format!(
        "local count, size = {}, '{}'
local ready, turn, born = {{}}, 0, os.time() .. 'n'
init = function(args)
  for n = 0, count - 1 do ready[n] = wrk.format('GET', '/' .. size .. '/' .. n) end
end
request = function()
{request}
end
done = function(summary, latency, requests)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format('RESULT %d %d %d %d %d\\n', summary.requests, summary.duration, errors,
    latency:percentile(50), latency:percentile(99)))
end
",
        plan.size.objects, plan.size.name
    )
}

/// Reads the line that the script writes; nothing if there were errors or no requests.
fn parse(text: &str, cpu: Duration) -> Option<Load> {
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT "))?;
    let numbers: Vec<u64> = line.split(' ').map_while(|word| word.parse().ok()).collect();
    match numbers.as_slice() {
        [requests, took_us, 0, p50_us, p99_us] if *requests > 0 && *took_us > 0 => {
            let took = Duration::from_micros(*took_us);
            Some(Load { requests: *requests, took, p50_us: *p50_us, p99_us: *p99_us, cpu })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::parse;

    #[test]
    fn the_result_line_is_read() {
        let load =
            parse("Running 10s test\nRESULT 500000 10000000 0 850 2100\n", Duration::from_secs(5)).unwrap();
        assert_eq!((load.rate(), load.cpu_us()), (50_000.0, 10.0));
        assert_eq!((load.p50_us, load.p99_us), (850, 2100));
    }

    #[test]
    fn errors_and_silence_are_no_result() {
        assert_eq!(parse("RESULT 500000 10000000 3 850 2100\n", Duration::ZERO), None);
        assert_eq!(parse("RESULT 0 10000000 0 0 0\n", Duration::ZERO), None);
        assert_eq!(parse("unable to connect\n", Duration::ZERO), None);
    }
}
