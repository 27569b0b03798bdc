//! The added cost of a switch: a pipe ping-pong alone, with empty BPF programs on the same hooks, under the
//! profiler, while the profiler records another program, and with `runqlat`.

use super::{
    contender::Contender,
    job::Job,
    measure::Settings,
    run,
    statistics::Summary,
    table::{Row, Unit},
    turns::{Taken, against_build_before, in_turns, times, with_build_before},
};

/// The contenders.
pub(super) const CONTENDERS: [Contender; 6] = [
    Contender::Nothing,
    Contender::Empty,
    Contender::Profiler,
    Contender::ProfilerOfOthers,
    Contender::ProfilerOfMany,
    Contender::Runqlat,
];

/// Bar: the profiler's added time, relative to `runqlat`'s.
const BAR_RUNQLAT: f64 = 0.4;

/// Bar: the same, relative to empty programs.
const BAR_EMPTY: f64 = 3.5;

/// Round trips of a run, a fifth of a second: a process is fast or slow as a whole, so many short runs tell
/// more than few long ones.
pub(super) const TRIPS: u32 = 40_000;

const NS_PER_US: f64 = 1_000.0;

/// Measures this step.
pub(super) fn measure(settings: &Settings) -> Vec<Row> {
    let job = Job::ping_pong(settings.shortened(TRIPS), 0);
    let microseconds =
        |contender| run::figure_ns(contender, settings, &job).map(|figure_ns| figure_ns / NS_PER_US);
    let contenders = with_build_before(settings, &CONTENDERS);
    let taken = in_turns("switch", settings.rounds(), &contenders, microseconds);
    let mut rows = rows(&taken);
    rows.extend(against_build_before(&taken, Unit::Us));
    rows
}

fn rows(taken: &Taken) -> Vec<Row> {
    let [empty, profiler, runqlat] =
        [Contender::Empty, Contender::Profiler, Contender::Runqlat].map(|contender| taken.added(contender));
    let median = |added: &Result<Summary, String>| added.clone().map(|summary| summary.median);
    let by_runqlat = times(median(&profiler), median(&runqlat));
    let by_empty = times(median(&profiler), median(&empty));
    vec![
        Row::new("pipe round trip on one CPU", Unit::Us, taken.whole(Contender::Nothing)),
        Row::new("added by empty BPF programs on the same hooks", Unit::Us, empty),
        Row::new("added by `profiler run`", Unit::Us, profiler),
        Row::new(
            "added outside the target by `profiler run`",
            Unit::Us,
            taken.added(Contender::ProfilerOfOthers),
        ),
        Row::new(
            "the same with collisions in the table of states",
            Unit::Us,
            taken.added(Contender::ProfilerOfMany),
        ),
        Row::new("added by `runqlat-libbpf`", Unit::Us, runqlat),
        Row::single("`profiler run` / `runqlat-libbpf`", Unit::Times, by_runqlat).at_most(BAR_RUNQLAT),
        Row::single("`profiler run` / empty BPF programs", Unit::Times, by_empty).at_most(BAR_EMPTY),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{markdown, unmet};

    #[test]
    fn ratios_are_those_of_the_medians_of_the_differences() {
        let taken = Taken::of(&[
            (Contender::Nothing, Ok(&[2.0, 4.0, 3.0])),
            (Contender::Empty, Ok(&[2.1, 4.1, 3.1])),
            (Contender::Profiler, Ok(&[2.3, 4.3, 9.0])),
            (Contender::ProfilerOfOthers, Ok(&[2.2, 4.2, 3.2])),
            (Contender::ProfilerOfMany, Ok(&[2.7, 4.7, 3.7])),
            (Contender::Runqlat, Ok(&[3.0, 5.0, 4.0])),
        ]);
        let rows = rows(&taken);
        let table = markdown(&rows);
        assert!(table.contains("| 0.300 µs (0.300 µs to 6.000 µs) |"), "{table}");
        let added = |what| {
            table.lines().find(|line| line.contains(what)).is_some_and(|line| line.contains("| 0.200 µs "))
        };
        assert!(added("outside the target"), "{table}");
        assert!(!added("with collisions"), "{table}");
        assert!(table.contains("| 0.700 µs "), "{table}");
        assert!(table.contains("| 0.30 × "), "{table}");
        assert!(table.contains("| 3.00 × "), "{table}");
        assert_eq!(unmet(&rows), 0);
    }

    #[test]
    fn a_peer_that_is_not_there_leaves_its_bar_unmet() {
        let taken = Taken::of(&[
            (Contender::Nothing, Ok(&[2.0])),
            (Contender::Empty, Ok(&[2.1])),
            (Contender::Profiler, Ok(&[2.3])),
            (Contender::Runqlat, Err("libbpf-tools is not there")),
        ]);
        let rows = rows(&taken);
        assert_eq!(unmet(&rows), 1);
        assert!(markdown(&rows).contains("not measured: libbpf-tools is not there"));
    }
}
