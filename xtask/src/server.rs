//! Servers started for a while: ended with their owner, their output kept in a file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::command;
use crate::failure::{Failure, Outcome};
use crate::loopback;
use crate::stopwatch::ask_until;

/// How long a server may take to open its port: a cold dev build of the node compiles functions first.
const START_LIMIT: Duration = Duration::from_secs(30);

/// How long a server may take to stop when asked, before it is made to.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// The kernel reports CPU time to user space in hundredths of a second on every architecture (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// For a node that is measured for a minute on loopback; it refuses a token that could be guessed by its length.
pub(crate) const ADMIN_TOKEN: &str = "measured-on-loopback-for-a-minute";

/// A data directory for one node: empty, and not the user's own.
pub(crate) fn data_dir(folder: &Path, node: &str) -> Outcome<PathBuf> {
    let path = folder.join(format!("{}-data", node.replace(' ', "-")));
    if path.is_dir() {
        std::fs::remove_dir_all(&path).map_err(|error| Failure::file(&path, &error))?;
    }
    std::fs::create_dir_all(&path).map_err(|error| Failure::file(&path, &error))?;
    Ok(path)
}

/// One running server that is ours to end.
pub(crate) struct Server {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts `command` with its output in `folder` and waits until it listens on `port`.
    pub(crate) fn start(name: &str, mut command: Command, folder: &Path, port: u16) -> Outcome<Self> {
        let log = folder.join(format!("{}.log", name.replace(' ', "-")));
        let output = File::create(&log).map_err(|error| Failure::file(&log, &error))?;
        let errors = output.try_clone().map_err(|error| Failure::file(&log, &error))?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        println!("    $ {} &", command::shown(&command));
        let child = command.spawn().map_err(|error| {
            Failure::new(
                format!("{name} could not be started: {error}"),
                format!("look for `{}`", command.get_program().to_string_lossy()),
            )
        })?;
        let mut server = Self { name: name.to_owned(), child, log };
        let mut alive = true;
        let open = ask_until(START_LIMIT, || {
            alive = server.is_alive();
            !alive || loopback::listens(port)
        });
        if open && alive { Ok(server) } else { Err(server.failure(&format!("did not open port {port}"))) }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Why it cannot be used, with the end of its log.
    pub(crate) fn failure(&self, what: &str) -> Failure {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(15)..).unwrap_or_default().join("\n      ");
        Failure::new(
            format!("{} {what}", self.name),
            format!("read {}; it ends with\n      {tail}", self.log.display()),
        )
    }

    /// What it has in memory.
    pub(crate) fn memory(&self) -> Outcome<Memory> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        Memory::parse(&text).ok_or_else(|| self.failure("has no memory that `/proc` tells of"))
    }

    /// How many file descriptors it has open.
    pub(crate) fn descriptors(&self) -> u64 {
        let folder = format!("/proc/{}/fd", self.child.id());
        std::fs::read_dir(folder).map_or(0, |entries| entries.count() as u64)
    }

    /// CPU time, user and system, of the server and of the processes that it started.
    pub(crate) fn cpu(&self) -> Duration {
        let own = self.child.id();
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let stats = all.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
        stats
            .filter_map(|text| Stat::parse(&text))
            .filter(|stat| stat.pid == own || stat.parent == own)
            .map(|stat| TICK * stat.ticks)
            .sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !self.is_alive() {
            return;
        }
        // Asked first: a server with workers ends them only when it is not killed outright.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if !ask_until(STOP_LIMIT, || !self.is_alive()) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// What `/proc/PID/status` says of a process's memory, in KiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) resident_kib: u64,
    /// The most it ever had.
    pub(crate) peak_kib: u64,
}

impl Memory {
    fn parse(text: &str) -> Option<Self> {
        let kib = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            value.trim().strip_suffix(" kB")?.parse().ok()
        };
        Some(Self { resident_kib: kib("VmRSS")?, peak_kib: kib("VmHWM")? })
    }
}

/// The fields we need of `/proc/PID/stat`.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    pid: u32,
    parent: u32,
    ticks: u32,
}

impl Stat {
    /// The second field is the program's name in brackets and may hold anything, so reading starts behind its end.
    fn parse(text: &str) -> Option<Self> {
        let pid = text.split_once(' ')?.0.parse().ok()?;
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let number = |index: usize| fields.get(index)?.parse::<u32>().ok();
        Some(Self { pid, parent: number(1)?, ticks: number(11)? + number(12)? })
    }
}

#[cfg(test)]
mod tests {
    use super::{Memory, Stat};

    #[test]
    fn memory_is_read_by_name() {
        let text = "Name:\tseawall\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!(Memory::parse(text), Some(Memory { resident_kib: 10240, peak_kib: 20480 }));
        assert_eq!(Memory::parse("Name:\tseawall\n"), None, "a process that has ended");
    }

    #[test]
    fn stat_is_read_behind_a_hostile_program_name() {
        let text = "42 (a) R 9 (b) S 7 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 1 1 1";
        assert_eq!(Stat::parse(text), Some(Stat { pid: 42, parent: 7, ticks: 300 }));
    }
}
