//! What a switch costs more: a pipe ping-pong alone, over empty BPF programs on the same hooks, under the
//! profiler, and beside `runqlat`.

use super::{
    beside::Beside,
    load::{Hooks, Programs},
    measure::Settings,
    table::{Row, Unit},
    turns::{Samples, Variant, added, in_turns, summary, times},
};
use anyhow::{Context as _, Result};
use std::process::Command;

/// The profiler's added time at most in relation to `runqlat`'s.
const BAR_RUNQLAT: f64 = 0.4;

/// And in relation to that of empty programs.
const BAR_EMPTY: f64 = 3.5;

/// Less than a fifth of a second: a process is fast or slow as a whole, so that many short ones tell more than few long ones.
const TRIPS: u32 = 40_000;

/// `sched_wakeup`, `sched_wakeup_new` and `sched_switch`.
const RUNQLAT_PROGRAMS: usize = 3;

const NS_PER_US: f64 = 1_000.0;

/// The lines of this step.
pub(super) fn measure(programs: &Programs, settings: &Settings) -> Vec<Row> {
    let load = ["ping-pong".to_owned(), format!("--trips={}", settings.shortened(TRIPS))];
    let load = load.as_slice();
    let microseconds = |ns: Result<f64>| ns.map(|ns| ns / NS_PER_US);
    let variants: [Variant<'_>; 4] = [
        Ok(Box::new(move || microseconds(programs.figure(load)))),
        settings.empty_programs.clone().map(|object| -> Box<dyn Fn() -> Result<f64>> {
            Box::new(move || {
                let _beside = programs.empty_probes(&object, Hooks::Switch)?;
                microseconds(programs.figure(load))
            })
        }),
        Ok(Box::new(move || microseconds(programs.profiled_figure("switch", load)))),
        settings.runqlat.clone().map(|program| -> Box<dyn Fn() -> Result<f64>> {
            Box::new(move || {
                let _beside = Beside::start(&mut Command::new(&program), RUNQLAT_PROGRAMS)
                    .with_context(|| program.display().to_string())?;
                microseconds(programs.figure(load))
            })
        }),
    ];
    rows(&in_turns("switch", settings, &variants))
}

fn rows([nothing, empty, profiler, runqlat]: &[Samples; 4]) -> Vec<Row> {
    let base = summary(nothing);
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
