//! The results as SVG charts: text stays text, no meaning depends on colour, and output is reproducible.

mod bars;
mod lines;
mod style;

use super::results::{Measured, Results};
use crate::{contender::Contender, job::Event};
use anyhow::Result;
use lines::Axes;

/// The texts of a chart.
struct Words<'a> {
    title: &'a str,
    /// A note for the reader.
    subtitle: String,
    /// The time and the machine of the measurement.
    measured: &'a str,
}

/// The charts, with the names of their files.
pub(super) fn all(results: &Results) -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("switch.svg", switch(results)?),
        ("fault.svg", fault(results)?),
        ("threads.svg", threads(results)?),
        ("rate.svg", rate(results)?),
    ])
}

fn switch(results: &Results) -> Result<String> {
    let bars = bars::each_and_sum(watching(results, Event::Switch), |measured| &measured.switch_ns);
    bars::draw(&words(results, "Time added to a context switch, ns", of_rounds(results)), &bars)
}

fn fault(results: &Results) -> Result<String> {
    let bars = bars::each(watching(results, Event::Fault), |measured| &measured.fault_ns);
    bars::draw(&words(results, "Time added to a minor page fault, ns", of_rounds(results)), &bars)
}

fn of_rounds(results: &Results) -> String {
    format!("Medians of {} interleaved rounds; the lines hold the middle half of them.", results.rounds)
}

fn threads(results: &Results) -> Result<String> {
    let axes = Axes { across: "threads that take turns on one CPU", up: "ns" };
    let lines = lines::of(results, |measured| &measured.threads, NOISE_NS, |_threads, added_ns| added_ns);
    let title = "Time added to a context switch, by the number of threads";
    lines::draw(&words(results, title, of_places(results)), &axes, &lines)
}

fn rate(results: &Results) -> Result<String> {
    let axes = Axes { across: "switches per second without a profiler", up: "% of its time" };
    let percent = |per_second: f64, added_ns: f64| added_ns * per_second / NS_PER_PERCENT;
    let lines = lines::of(results, |measured| &measured.rates, NOISE_PERCENT, percent);
    lines::draw(
        &words(results, "Time added to a program, by how often it switches", of_places(results)),
        &axes,
        &lines,
    )
}

fn of_places(results: &Results) -> String {
    let rounds = results.rounds_of_a_place;
    format!(
        "Medians of {rounds} interleaved rounds. Both axes are logarithmic; what is lost in the noise is left out."
    )
}

fn words<'a>(results: &'a Results, title: &'a str, subtitle: String) -> Words<'a> {
    Words { title, subtitle, measured: &results.measured }
}

/// Figures below this are noise and left out of logarithmic axes.
const NOISE_NS: f64 = 10.0;
const NOISE_PERCENT: f64 = 0.05;

/// 1 % of a second, in nanoseconds.
const NS_PER_PERCENT: f64 = 1e7;

/// The contenders that hook this event.
fn watching(results: &Results, event: Event) -> impl Iterator<Item = &Measured> {
    results.contenders.iter().filter(move |measured| measured.contender.watches(event))
}

fn is_ours(contender: Contender) -> bool {
    contender == Contender::Profiler
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_same_figures_give_the_same_charts() {
        assert_eq!(all(&Results::sample()).unwrap(), all(&Results::sample()).unwrap());
    }

    #[test]
    fn each_chart_names_those_who_watch_what_it_is_about() {
        for (file, chart) in all(&Results::sample()).unwrap() {
            let event = if file == "fault.svg" { Event::Fault } else { Event::Switch };
            for contender in Contender::ALL.into_iter().filter(|it| *it != Contender::ProfilerOfItself) {
                let named = chart.contains(&format!("\n{}\n", contender.name()));
                assert_eq!(named, contender.watches(event), "{file}: {}", contender.name());
            }
            assert!(chart.contains("today, here"), "{file}");
        }
    }

    #[test]
    fn what_was_not_measured_is_said_or_left_out() {
        let mut results = Results::sample();
        for measured in &mut results.contenders {
            measured.switch_ns = Err("refused".to_owned());
            measured.threads.clear();
            measured.rates.clear();
        }
        let charts = all(&results).unwrap();
        assert!(charts[0].1.contains("not measured"));
    }
}
