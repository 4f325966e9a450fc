//! Compiling in a process of its own: what an upload does to the compiler, it does there.
//!
//! DoS at compile time is not among the bugs that the engine's makers promise to mend, so a hostile upload may cost a
//! process, and that process has limits.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, setrlimit};
use seawall_functions::Compiler;

/// The hidden command.
pub const COMMAND: &str = "compile-function";

/// CPU time of one compilation, in seconds. A small function takes hundredths, a language runtime ten.
const CPU_MAX_S: u64 = 60;
/// Addresses of the process, in bytes: the compiler needs some hundred MiB, and the allocator reserves ahead.
const ADDRESSES_MAX_BYTES: u64 = 6 << 30;
/// Largest file that it may write, in bytes: compiled code is about five times the upload.
const FILE_MAX_BYTES: u64 = 256 << 20;
/// Files that it may have open.
const FILES_MAX: u64 = 64;
/// Bytes of its complaint that are read.
const COMPLAINT_MAX_BYTES: u64 = 4096;

/// Starts `program` for each upload.
pub(crate) struct Child {
    pub(crate) program: PathBuf,
    pub(crate) code: PathBuf,
}

impl Compiler for Child {
    fn compile(&self, bytes: &[u8]) -> Result<(), String> {
        self.run(bytes).unwrap_or_else(|error| Err(format!("the compiler's process did not run: {error}")))
    }
}

impl Child {
    fn run(&self, bytes: &[u8]) -> io::Result<Result<(), String>> {
        let mut child = Command::new(&self.program)
            .args([COMMAND.as_ref(), self.code.as_os_str()])
            // It needs nothing of ours, and is to know nothing of ours.
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            match stdin.write_all(bytes) {
                // It has ended before it read everything; how, is seen below.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                written => written?,
            }
        }
        let mut complaint = String::new();
        if let Some(stderr) = child.stderr.take() {
            let mut bytes = Vec::new();
            stderr.take(COMPLAINT_MAX_BYTES).read_to_end(&mut bytes)?;
            complaint = String::from_utf8_lossy(&bytes).trim().to_owned();
        }
        let status = child.wait()?;
        Ok(match status.code() {
            Some(0) => Ok(()),
            Some(_) if !complaint.is_empty() => Err(complaint),
            _ => Err(format!(
                "the compiler was stopped ({status}): it may use {CPU_MAX_S} s of CPU time and {} GiB of memory. Make the \
                 function smaller",
                ADDRESSES_MAX_BYTES >> 30
            )),
        })
    }
}

/// What the process does: limits itself, reads an upload from `input`, and compiles it into the folder `code`.
pub fn compile(code: &Path, input: &mut dyn Read) -> Result<(), String> {
    limit().map_err(|error| format!("the limits of the compiler's process cannot be set: {error}"))?;
    let max = seawall_functions::Config::default().any_upload_max_bytes() as u64;
    let mut bytes = Vec::new();
    // One byte more than may be, so that the check sees it.
    input.take(max + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    seawall_functions::compile_into(code, &bytes).map_err(|error| error.to_string())
}

fn limit() -> io::Result<()> {
    for (resource, most) in [
        (Resource::Cpu, CPU_MAX_S),
        (Resource::As, ADDRESSES_MAX_BYTES),
        (Resource::Fsize, FILE_MAX_BYTES),
        (Resource::Nofile, FILES_MAX),
        (Resource::Core, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}
