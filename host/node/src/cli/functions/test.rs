//! `seawall functions test`: a built function on fixtures, and what it costs there.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::scratch::Scratch;
use super::{complain, fixture};
use crate::cli::Exit;
use crate::cli::table::plain;

/// `seawall functions test`.
#[derive(Clone, Debug, Args)]
pub struct TestArgs {
    /// What cargo built
    pub file: PathBuf,
    /// Files with fixtures, or folders of them
    #[arg(long, value_name = "PATH", default_value = "fixtures", num_args = 1..)]
    pub fixtures: Vec<PathBuf>,
    /// Print the instructions that each hook executed: the same on every machine
    #[arg(long)]
    pub fuel: bool,
    /// Fail where a hook executed more than this many; with --fuel. A fixture's own `max_fuel` comes first
    #[arg(long, value_name = "N", requires = "fuel")]
    pub max_fuel: Option<u64>,
}

pub(super) fn test(args: &TestArgs, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    match run_fixtures(args, out) {
        Ok(0) => Exit::Ok,
        Ok(_) => Exit::Failed,
        Err(why) => complain(err, &why),
    }
}

/// `seawall functions test`: how many fixtures did not come out as expected.
pub fn run_fixtures(args: &TestArgs, out: &mut dyn Write) -> Result<usize, String> {
    let wasm = std::fs::read(&args.file).map_err(|error| format!("`{}`: {error}", args.file.display()))?;
    let fixtures = fixture::read(&args.fixtures)?;
    if fixtures.is_empty() {
        return Err("there is no fixture: write one into fixtures/, see docs/FUNCTIONS.md".to_owned());
    }
    // Counting makes functions slower, so only where somebody asks for the counts.
    let counts = args.fuel || fixtures.iter().any(|fixture| fixture.max_fuel.is_some());
    // Each fixture has settings of its own, so each prepares the function; only the first compiles it.
    let code = Scratch::make().map_err(|error| format!("no folder for compiled code: {error}"))?;
    let runtime = fixture::runtime(counts, code.path())?;
    let executor = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let executor = executor.map_err(|error| error.to_string())?;
    let mut failed = 0;
    for fixture in &fixtures {
        let ran = executor.block_on(fixture::run(&runtime, &wasm, fixture))?;
        let max = fixture.max_fuel.or(args.max_fuel);
        let mut lines = ran.differences;
        for (hook, used) in &ran.instructions {
            if let Some(max) = max.filter(|max| used > max) {
                lines.push(format!("{hook}: {used} instructions, and at most {max} are allowed"));
            }
        }
        let word = if lines.is_empty() { "ok" } else { "FAILED" };
        failed += usize::from(!lines.is_empty());
        let mut shown = format!("{word:<7}{}\n", plain(&fixture.name));
        lines.iter().for_each(|line| shown.push_str(&format!("  {line}\n")));
        if args.fuel {
            ran.instructions
                .iter()
                .for_each(|(hook, used)| shown.push_str(&format!("  {hook:<19}{used:>9} instructions\n")));
        }
        out.write_all(shown.as_bytes()).map_err(|error| error.to_string())?;
    }
    let total = fixtures.len();
    let shown = format!("{} of {total} as expected\n", total - failed);
    out.write_all(shown.as_bytes()).map_err(|error| error.to_string())?;
    Ok(failed)
}
