//! The table that a benchmark ends with.

use super::Plan;
use super::contender::Contender;
use super::load::Load;

/// Rounds of one server that differ by more than this were not alone on the machine.
const QUIET: f64 = 0.1;

/// Medians over the rounds; ratios are to the first row.
pub(crate) fn render(plan: &Plan, what: &str, results: &[(Contender, Vec<Load>)]) -> String {
    let first = results.first().map(|(contender, loads)| (contender.name(), middle(loads, Load::rate)));
    let (reference, rate) = first.unwrap_or(("", 1.0));
    let mut lines = vec![
        format!(
            "{} objects of {}, {what}, 64 connections, one server core; medians of {} rounds of {} s",
            plan.size.objects,
            plan.size.name,
            plan.rounds,
            plan.round.as_secs()
        ),
        String::new(),
        format!("| server | req/s | spread | to {reference} | CPU µs a request | p50 µs | p99 µs |"),
        "|---|---:|---:|---:|---:|---:|---:|".to_owned(),
    ];
    let mut quiet = true;
    for (contender, loads) in results {
        let own = middle(loads, Load::rate);
        let spread = spread(loads);
        quiet &= spread <= QUIET;
        lines.push(format!(
            "| {} | {own:.0} | {:.0} % | {:.2} | {:.1} | {:.0} | {:.0} |",
            contender.name(),
            spread * 100.0,
            own / rate,
            middle(loads, Load::cpu_us),
            middle(loads, |load| load.p50_us as f64),
            middle(loads, |load| load.p99_us as f64),
        ));
    }
    if !quiet {
        lines.push(String::new());
        lines.push("The rounds differ by more than a tenth: something else used this machine.".to_owned());
        lines.push(
            "Measure again on a quiet one; of this table only the CPU time means something.".to_owned(),
        );
    }
    lines.join("\n")
}

/// How far the fastest and the slowest round are apart, relative to the median.
fn spread(loads: &[Load]) -> f64 {
    let rates = || loads.iter().map(Load::rate);
    let (low, high) = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
    (high - low) / middle(loads, Load::rate)
}

/// The median of one figure.
pub(crate) fn middle(loads: &[Load], figure: impl Fn(&Load) -> f64) -> f64 {
    let mut values: Vec<f64> = loads.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{middle, spread};
    use crate::bench::load::Load;

    fn load(requests: u64) -> Load {
        Load { requests, took: Duration::from_secs(1), p50_us: 0, p99_us: 0, cpu: Duration::ZERO }
    }

    #[test]
    fn the_middle_round_counts_and_the_spread_is_around_it() {
        let loads = [load(90), load(110), load(100)];
        assert!((middle(&loads, Load::rate) - 100.0).abs() < f64::EPSILON);
        assert!((spread(&loads) - 0.2).abs() < 1e-9);
    }
}
