//! The one place of this crate that reads a clock or waits.

use std::fmt;
use std::time::{Duration, Instant};

/// How long something took, for the person who waits for it.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[expect(clippy::disallowed_methods, reason = "xtask is no part of the node: its times are only shown")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl fmt::Display for Stopwatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed().as_secs_f64();
        if seconds < 60.0 {
            write!(f, "{seconds:.1} s")
        } else {
            write!(f, "{:.0} min {:02.0} s", (seconds / 60.0).floor(), seconds % 60.0)
        }
    }
}

/// Asks until `ready` says yes or `patience` has run out. For other programs that cannot tell us when they are ready.
#[expect(clippy::disallowed_methods, reason = "a foreign program's port can only be asked again")]
pub(crate) fn ask_until(patience: Duration, mut ready: impl FnMut() -> bool) -> bool {
    let watch = Stopwatch::start();
    loop {
        if ready() {
            return true;
        }
        if watch.elapsed() > patience {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
