//! What a switch costs more: a pipe ping-pong alone, over empty BPF programs on the same hooks, under the
//! profiler, and beside `runqlat`.

use super::{
    beside::Beside,
    load::Programs,
    measure::Settings,
    statistics::{Summary, differences, ratio},
    table::{Row, Unit},
};
use anyhow::{Context as _, Result};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The profiler's added time at most in relation to `runqlat`'s.
const BAR_RUNQLAT: f64 = 0.4;

/// And in relation to that of empty programs.
const BAR_EMPTY: f64 = 3.5;

const TRIPS: u32 = 100_000;

/// `sched_switch` and `sched_waking`.
const EMPTY_PROGRAMS: usize = 2;

/// `sched_wakeup`, `sched_wakeup_new` and `sched_switch`.
const RUNQLAT_PROGRAMS: usize = 3;

const NS_PER_US: f64 = 1_000.0;

/// What the ping-pong runs with.
#[derive(Clone, Copy)]
enum With<'a> {
    Nothing,
    EmptyPrograms(&'a Path),
    Profiler,
    Runqlat(&'a Path),
}

/// The microseconds of a round trip, one a round, or why there are none.
type Samples = Result<Vec<f64>, String>;

/// The lines of this step.
pub(super) fn measure(programs: &Programs, settings: &Settings) -> Vec<Row> {
    let variants = [
        Ok(With::Nothing),
        variant(&settings.empty_programs, With::EmptyPrograms),
        Ok(With::Profiler),
        variant(&settings.runqlat, With::Runqlat),
    ];
    let trips = settings.shortened(TRIPS);
    let mut samples: [Samples; 4] = variants.clone().map(|variant| variant.map(|_| Vec::new()));
    for round in 0..settings.rounds() {
        eprintln!("switch: round {} of {}", round + 1, settings.rounds());
        // Each round begins with another, so that none always follows the same.
        for place in 0..variants.len() {
            let index = (place + round as usize) % variants.len();
            if let (Ok(variant), Ok(taken)) = (&variants[index], &mut samples[index]) {
                match run(programs, *variant, trips) {
                    Ok(sample) => taken.push(sample),
                    Err(error) => samples[index] = Err(format!("{error:#}")),
                }
            }
        }
    }
    rows(&samples)
}

fn variant<'a>(
    program: &'a Result<PathBuf, String>,
    with: fn(&'a Path) -> With<'a>,
) -> Result<With<'a>, String> {
    program.as_deref().map(with).map_err(Clone::clone)
}

fn run(programs: &Programs, with: With<'_>, trips: u32) -> Result<f64> {
    let load = ["ping-pong".to_owned(), format!("--trips={trips}")];
    let ns = match with {
        With::Nothing => programs.figure(&load),
        With::EmptyPrograms(object) => {
            let _beside = Beside::start(&mut programs.empty_probes(object), EMPTY_PROGRAMS)
                .context("the empty BPF programs")?;
            programs.figure(&load)
        }
        With::Profiler => programs.profiled_figure("switch", &load),
        With::Runqlat(program) => {
            let _beside = Beside::start(&mut Command::new(program), RUNQLAT_PROGRAMS)
                .with_context(|| program.display().to_string())?;
            programs.figure(&load)
        }
    };
    ns.map(|ns| ns / NS_PER_US)
}

fn rows([nothing, empty, profiler, runqlat]: &[Samples; 4]) -> Vec<Row> {
    let base = nothing.as_deref().map_err(Clone::clone).and_then(summary);
    let [empty, profiler, runqlat] = [empty, profiler, runqlat].map(|samples| added(samples, nothing));
    let by_runqlat = times(&profiler, &runqlat);
    let by_empty = times(&profiler, &empty);
    vec![
        Row::new("pipe round trip on one CPU", Unit::Us, base),
        Row::new("added by empty BPF programs on the same hooks", Unit::Us, empty),
        Row::new("added by `profiler run`", Unit::Us, profiler),
        Row::new("added by `runqlat-libbpf`", Unit::Us, runqlat),
        Row::single("`profiler run` / `runqlat-libbpf`", Unit::Times, by_runqlat).at_most(BAR_RUNQLAT),
        Row::single("`profiler run` / empty BPF programs", Unit::Times, by_empty).at_most(BAR_EMPTY),
    ]
}

/// What a variant takes more than nothing, round by round.
pub(super) fn added(samples: &Samples, base: &Samples) -> Result<Summary, String> {
    match (samples, base) {
        (Ok(samples), Ok(base)) => summary(&differences(samples, base)),
        (Err(why), _) | (_, Err(why)) => Err(why.clone()),
    }
}

fn summary(samples: &[f64]) -> Result<Summary, String> {
    Summary::of(samples).ok_or_else(|| "no rounds".to_owned())
}

fn times(part: &Result<Summary, String>, of: &Result<Summary, String>) -> Result<f64, String> {
    match (part, of) {
        (Ok(part), Ok(of)) => ratio(part.median, of.median)
            .ok_or_else(|| "the machine was too noisy: what it is compared with added nothing".to_owned()),
        (Err(why), _) | (_, Err(why)) => Err(why.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::table::{markdown, unmet};

    #[test]
    fn ratios_are_those_of_the_medians_of_the_differences() {
        let [nothing, empty, profiler, runqlat] =
            [[2.0, 4.0, 3.0], [2.1, 4.1, 3.1], [2.3, 4.3, 9.0], [3.0, 5.0, 4.0]];
        let samples = [nothing, empty, profiler, runqlat].map(|rounds| Ok(rounds.to_vec()));
        let rows = rows(&samples);
        let table = markdown(&rows);
        assert!(table.contains("| 0.300 µs (0.300 µs to 6.000 µs) |"), "{table}");
        assert!(table.contains("| 0.30 × "), "{table}");
        assert!(table.contains("| 3.00 × "), "{table}");
        assert_eq!(unmet(&rows), 0);
    }

    #[test]
    fn a_peer_that_is_not_there_leaves_its_bar_unmet() {
        let samples =
            [Ok(vec![2.0]), Ok(vec![2.1]), Ok(vec![2.3]), Err("libbpf-tools is not there".to_owned())];
        let rows = rows(&samples);
        assert_eq!(unmet(&rows), 1);
        assert!(markdown(&rows).contains("not measured: libbpf-tools is not there"));
    }
}
