//! `cargo xtask bench readers`: what a node holds while many slow clients read one large object that is being filled.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::failure::{Failure, Outcome};
use crate::loopback;
use crate::repository::Repository;
use crate::server::{self, Memory, Server};

use super::Plan;

/// Clients at once.
const CLIENTS: u64 = 1000;

/// The object of `bench/src/bin/readers.rs`, in KiB.
const OBJECT_KIB: u64 = 64 << 10;

/// Descriptors that the node and the clients need, and some to spare.
const DESCRIPTORS: &str = "4096";

/// Origin and clients, in a process of their own.
struct Readers {
    child: Child,
    words: BufReader<ChildStdout>,
    go_on: ChildStdin,
}

/// One row of the table.
struct Row {
    when: String,
    memory: Memory,
}

/// Runs the play and prints the node's memory at each of its steps.
pub(crate) fn run(repository: &Repository, plan: &Plan) -> Outcome {
    let (origin, port) = (loopback::free_port()?, loopback::free_port()?);
    let mut readers = Readers::start(&repository.release_binary("readers"), origin, port)?;
    readers.hear()?;
    let built = repository.release_binary("seawall");
    let mut command = with_descriptors(plan.binary.as_ref().unwrap_or(&built));
    command.current_dir(&plan.folder).args(["run", "--threads", "1", "--memory", "256MiB"]);
    command.arg("--origin").arg(format!("http://127.0.0.1:{origin}"));
    command.arg("--listen").arg(format!("127.0.0.1:{port}"));
    command.args(["--admin", "127.0.0.1:0"]).env("SEAWALL_ADMIN_TOKEN", server::ADMIN_TOKEN);
    command.arg("--data-dir").arg(server::data_dir(&plan.folder, "readers")?);
    let node = Server::start("seawall", command, &plan.folder, port)?;

    let mut rows = vec![Row { when: "before".to_owned(), memory: node.memory()? }];
    for _ in 0..3 {
        let when = readers.go_on()?;
        println!("    {when}");
        rows.push(Row { when, memory: node.memory()? });
    }
    println!("\n{}", render(&rows));
    Ok(())
}

impl Readers {
    fn start(program: &Path, origin: u16, node: u16) -> Outcome<Self> {
        let mut command = with_descriptors(program);
        command.arg(format!("127.0.0.1:{origin}")).arg(format!("127.0.0.1:{node}")).arg(CLIENTS.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let failed = || Failure::new("the clients could not be started", "read bench/src/bin/readers.rs");
        let mut child = command.spawn().map_err(|_| failed())?;
        match (child.stdout.take(), child.stdin.take()) {
            (Some(words), Some(go_on)) => Ok(Self { child, words: BufReader::new(words), go_on }),
            _ => Err(failed()),
        }
    }

    /// The next line; it comes when the clients have done what they were told to.
    fn hear(&mut self) -> Outcome<String> {
        let mut line = String::new();
        let heard = self.words.read_line(&mut line);
        if heard.is_ok_and(|bytes| bytes > 0) {
            return Ok(line.trim_end().to_owned());
        }
        Err(Failure::new("the clients ended early", "see what they say above"))
    }

    fn go_on(&mut self) -> Outcome<String> {
        let told = self.go_on.write_all(b"\n").and_then(|()| self.go_on.flush());
        told.map_err(|_| Failure::new("the clients ended early", "see what they say above"))?;
        self.hear()
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A shell that raises its limit of open files as far as it may and then becomes the program.
fn with_descriptors(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -n {DESCRIPTORS}; exec \"$0\" \"$@\"")).arg(program);
    command
}

fn render(rows: &[Row]) -> String {
    let before = rows.first().map_or(0, |row| row.memory.resident_kib);
    let mut lines = vec![
        format!(
            "{CLIENTS} slow clients of one object of {} MiB that is being filled; one thread",
            OBJECT_KIB >> 10
        ),
        String::new(),
        "| when | resident MiB | peak MiB |".to_owned(),
        "|---|---:|---:|".to_owned(),
    ];
    let mib = |kib: u64| kib as f64 / 1024.0;
    for Row { when, memory } in rows {
        lines.push(format!("| {when} | {:.1} | {:.1} |", mib(memory.resident_kib), mib(memory.peak_kib)));
    }
    let peak = rows.iter().map(|row| row.memory.peak_kib).max().unwrap_or_default();
    lines.push(String::new());
    lines.push(format!(
        "At its peak beyond what it had before and one copy of the object: {:.1} KiB a client.",
        per_client(before, peak)
    ));
    lines.join("\n")
}

/// What each client costs beyond one copy of the object, in KiB.
fn per_client(before_kib: u64, peak_kib: u64) -> f64 {
    (peak_kib as f64 - before_kib as f64 - OBJECT_KIB as f64) / CLIENTS as f64
}

#[cfg(test)]
mod tests {
    use super::{CLIENTS, OBJECT_KIB, per_client};

    #[test]
    fn one_copy_is_not_the_clients() {
        assert!((per_client(20_000, 20_000 + OBJECT_KIB + 7 * CLIENTS) - 7.0).abs() < 1e-9);
    }
}
