//! `simulate`: seeds by the thousand, one seed again, or seeds until the time is up. `cargo xtask simulate` runs it.
#![expect(clippy::print_stdout, reason = "a command-line tool speaks on its standard output")]
#![expect(clippy::print_stderr, reason = "and complains on its standard error")]

use std::process::ExitCode;
use std::time::Duration;

use seawall_base::Clock;
use seawall_simulation::{Count, Counters, Sabotage, run};

const USAGE: &str = "\
simulate [--seeds N] [--from S] [--seconds N] [--sabotage RULE]
simulate --seed S [--sabotage RULE]
  --seeds N         how many seeds (default 1000)
  --from S          the first of them (default 0)
  --seconds N       go on until so many seconds have passed, whatever --seeds says
  --seed S          this one only, with the digest of its trace
  --sabotage RULE   break a rule on purpose; the run should then find it";

struct Orders {
    from: u64,
    seeds: u64,
    limit: Option<Duration>,
    sabotage: Option<Sabotage>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match orders(&words) {
        Ok(orders) => simulate(&orders),
        Err(problem) => {
            let rules: Vec<&str> = Sabotage::ALL.iter().map(|rule| rule.as_str()).collect();
            eprintln!("{problem}\n\n{USAGE}\n                    one of {}", rules.join(", "));
            ExitCode::FAILURE
        }
    }
}

fn orders(words: &[String]) -> Result<Orders, String> {
    let mut orders = Orders { from: 0, seeds: 1000, limit: None, sabotage: None };
    let mut words = words.iter();
    while let Some(flag) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{flag}` wants a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("`{flag} {value}`: not a number"));
        match flag.as_str() {
            "--seeds" => orders.seeds = number()?,
            "--from" => orders.from = number()?,
            "--seed" => (orders.from, orders.seeds) = (number()?, 1),
            "--seconds" => orders.limit = Some(Duration::from_secs(number()?)),
            "--sabotage" => {
                let rule = Sabotage::named(value).ok_or_else(|| format!("there is no rule `{value}`"))?;
                orders.sabotage = Some(rule);
            }
            _ => return Err(format!("there is no flag `{flag}`")),
        }
    }
    Ok(orders)
}

fn simulate(orders: &Orders) -> ExitCode {
    let clock = Clock::system();
    let mut total = Counters::default();
    let mut done = 0_u64;
    let mut seed = orders.from;
    loop {
        let go_on = match orders.limit {
            Some(limit) => clock.ticks() < limit,
            None => done < orders.seeds,
        };
        if !go_on {
            break;
        }
        let outcome = run(seed, orders.sabotage);
        if let Some(breach) = outcome.breach {
            println!("{breach}");
            println!("found after {} seeds, in {:.1} s", done + 1, clock.ticks().as_secs_f64());
            return ExitCode::FAILURE;
        }
        if orders.limit.is_none() && orders.seeds == 1 {
            println!("seed {seed}: digest {:016x}", outcome.digest);
        }
        total += &outcome.counters;
        (done, seed) = (done + 1, seed.wrapping_add(1));
    }
    let seconds = clock.ticks().as_secs_f64();
    print!("{total}");
    let purges = total.get(Count::HardPurges) + total.get(Count::SoftPurges);
    println!(
        "{done} seeds from {}, {:.1} s, {:.0} seeds/s; {purges} purges, {} answers judged, no promise broken",
        orders.from,
        seconds,
        done as f64 / seconds,
        total.get(Count::Judged)
    );
    ExitCode::SUCCESS
}
