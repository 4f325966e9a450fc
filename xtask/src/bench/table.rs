//! The table that a benchmark ends with.

use super::Plan;
use super::contender::Contender;
use super::load::Load;

/// Medians over the rounds; ratios are to the first row.
pub(crate) fn render(plan: &Plan, results: &[(Contender, Vec<Load>)]) -> String {
    let first = results
        .first()
        .map(|(contender, loads)| (contender.name(), middle(loads, Load::rate)));
    let (reference, rate) = first.unwrap_or(("", 1.0));
    let mut lines = vec![
        format!(
            "{} objects of {}, every request a hit, 64 connections, one server core; medians of {} rounds of {} s",
            plan.size.objects,
            plan.size.name,
            plan.rounds,
            plan.round.as_secs()
        ),
        String::new(),
        format!("| server | req/s | to {reference} | CPU µs a request | p50 µs | p99 µs |"),
        "|---|---:|---:|---:|---:|---:|".to_owned(),
    ];
    for (contender, loads) in results {
        let own = middle(loads, Load::rate);
        lines.push(format!(
            "| {} | {own:.0} | {:.2} | {:.1} | {:.0} | {:.0} |",
            contender.name(),
            own / rate,
            middle(loads, Load::cpu_us),
            middle(loads, |load| load.p50_us as f64),
            middle(loads, |load| load.p99_us as f64),
        ));
    }
    lines.join("\n")
}

/// The median of one figure.
fn middle(loads: &[Load], figure: impl Fn(&Load) -> f64) -> f64 {
    let mut values: Vec<f64> = loads.iter().map(figure).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::middle;
    use crate::bench::load::Load;

    #[test]
    fn the_middle_round_counts() {
        let load = |p50_us| Load {
            requests: 1,
            took: Duration::from_secs(1),
            p50_us,
            p99_us: 0,
            cpu: Duration::ZERO,
        };
        let loads = [load(90), load(10), load(20)];
        assert!((middle(&loads, |load| load.p50_us as f64) - 20.0).abs() < f64::EPSILON);
    }
}
