//! `seawall dev`: the node itself, at the desk of somebody who writes functions.
//!
//! Owns: putting a rebuilt file in the place of what runs, a clock that can be stepped past lifetimes, and the trace of
//! what each request met. Refuses: to be another node than the one that serves: cache, limits and rules are the same.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use seawall_base::Clock;
use seawall_functions::Wanted;
use seawall_pipeline::Ended;

use crate::cli::{self, DevArgs, DevCommand, Exit};
use crate::config::{AccessLog, Config, duration};
use crate::logging;
use crate::node::{Node, Running, Shared, StartError};

mod reload;
mod signals;
mod trace;

use signals::Signals;
use trace::{Request, Trace};

/// Events that wait to be shown. A load test at the desk outruns every terminal: what does not fit is counted.
const EVENTS_MAX: usize = 1024;

/// How often background work is looked for, of which no request tells.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What there is to show or to do.
enum Event {
    Ended(Box<Request>),
    Said(String),
    Typed(String),
    Stop,
}

/// Runs a node until it is told to stop, or tells one that runs to step its clock.
pub fn dev(args: DevArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    if let Some(DevCommand::Step(step)) = &args.command {
        return cli::step(step, out, err);
    }
    let mut config = match args.into_config() {
        Ok(config) => config,
        Err(problems) => return cli::report(&problems, err),
    };
    // The trace tells more.
    config.log.access = AccessLog::Off;
    logging::start_for_dev(&config.log);
    match until_told(&config, out) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            // Where standard error is closed nobody reads this, and the exit code still says it.
            let _ = writeln!(err, "seawall: {error}");
            Exit::Failed
        }
    }
}

fn until_told(config: &Config, out: &mut dyn Write) -> Result<(), StartError> {
    let signals = Signals::new()?;
    let clock = Clock::stepped();
    let (events, happened) = sync_channel(EVENTS_MAX);
    let desk = Arc::new(Desk { events: events.clone(), missed: AtomicU64::new(0) });
    let shared = Shared::of_at(config, std::env::current_exe().ok(), clock.clone())?;
    let shared = shared.traced(Arc::clone(&desk) as Arc<dyn seawall_pipeline::Trace>);
    let running = Node::start(config, &shared)?;
    let watching = running.live().now().functions.watch.begin(Wanted { changes: true, ..Wanted::default() });
    // The first watcher of a node that has just begun.
    let trace = watching.map(Trace::new).map_err(|error| StartError::Config(error.to_string()))?;
    let reloading = reload::begin(config, &running, events.clone())?;
    thread("signals", {
        let events = events.clone();
        move || {
            signals.wait();
            // Nobody listens any more where the node has ended.
            let _ = events.send(Event::Stop);
        }
    })?;
    thread("keys", move || keys(&events))?;
    let mut show = Show { trace, clock, desk, out };
    show.run(&running, &happened);
    drop(happened);
    drop(reloading);
    running.stop();
    Ok(())
}

/// A thread that ends by itself, or with the process.
fn thread(name: &'static str, body: impl FnOnce() + Send + 'static) -> Result<(), StartError> {
    let failed = |source| StartError::Io { what: "a thread of the desk", source };
    std::thread::Builder::new().name(name.to_owned()).spawn(body).map(drop).map_err(failed)
}

/// Lines of the terminal, until there are no more.
fn keys(events: &SyncSender<Event>) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if events.send(Event::Typed(line)).is_err() {
            return;
        }
    }
}

/// Is told of every request.
struct Desk {
    events: SyncSender<Event>,
    /// Requests that are not shown.
    missed: AtomicU64,
}

impl seawall_pipeline::Trace for Desk {
    fn ended(&self, ended: &Ended<'_>) {
        if self.events.try_send(Event::Ended(Box::new(Request::of(ended)))).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Shows what happens, and does what is typed.
struct Show<'a> {
    trace: Trace,
    clock: Clock,
    desk: Arc<Desk>,
    out: &'a mut dyn Write,
}

impl Show<'_> {
    /// Until the node is to stop, or nobody reads any more.
    fn run(&mut self, running: &Running, happened: &Receiver<Event>) {
        let mut shown = self.say(&greeting(running));
        while shown {
            let text = match happened.recv_timeout(LOOK_EVERY) {
                Ok(Event::Ended(request)) => self.trace.ended(&request),
                Ok(Event::Said(text)) => text,
                Ok(Event::Typed(line)) => self.typed(&line),
                Err(RecvTimeoutError::Timeout) => self.trace.meanwhile(),
                Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            };
            let missed = self.desk.missed.swap(0, Ordering::Relaxed);
            shown = self.say(&text);
            if missed > 0 {
                shown = self.say(&format!("… {missed} requests more than could be shown\n"));
            }
        }
    }

    fn say(&mut self, text: &str) -> bool {
        text.is_empty() || (self.out.write_all(text.as_bytes()).is_ok() && self.out.flush().is_ok())
    }

    /// A time steps the clock.
    fn typed(&self, line: &str) -> String {
        let line = line.trim();
        if line.is_empty() {
            return String::new();
        }
        match duration::parse(line) {
            Ok(by) if self.clock.advance(by) => {
                format!(
                    "clock: {} forward, {} in all\n",
                    duration::text(by),
                    duration::text(self.clock.ahead())
                )
            }
            Ok(_) => "clock: that would be more than ten years in all\n".to_owned(),
            Err(error) => format!("{error} It steps the clock.\n"),
        }
    }
}

fn greeting(running: &Running) -> String {
    let mut text = String::new();
    let plain = running.http().iter().map(|address| format!("http://{address}"));
    let secure = running.https().iter().map(|address| format!("https://{address}"));
    for address in plain.chain(secure) {
        text.push_str(&format!("serving {address}, admin http://{}\n", running.admin()));
    }
    text.push_str("Write a time such as 10m and Enter to step the clock; Ctrl-C ends.\n");
    text
}
