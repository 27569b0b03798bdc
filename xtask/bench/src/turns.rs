//! Measures several contenders with one job, interleaved, because the speed of a machine drifts.

use super::{
    contender::Contender,
    load::{Build, Programs},
    measure::Settings,
    statistics::{Summary, differences, ratio},
    table::{Row, Unit},
};
use anyhow::{Context as _, Result};

/// Bar for a build relative to the one before: two runs of the same build differ by this much on a noisy
/// machine.
const BAR_BEFORE: f64 = 1.1;

/// One sample a round, or the reason for their absence.
pub(super) type Samples = Result<Vec<f64>, String>;

/// The samples of each contender.
pub(super) struct Taken(Vec<(Contender, Samples)>);

/// Takes a sample of each contender in each round. After a failure, a contender is skipped.
pub(super) fn in_turns(
    step: &str,
    rounds: u32,
    contenders: &[Contender],
    take: impl Fn(Contender) -> Result<f64>,
) -> Taken {
    let mut taken: Vec<(Contender, Samples)> =
        contenders.iter().map(|&contender| (contender, Ok(Vec::new()))).collect();
    for round in 0..rounds {
        eprintln!("{step}: round {} of {rounds}", round + 1);
        for index in order(round as usize, contenders.len()) {
            let (contender, samples) = &mut taken[index];
            if let Ok(so_far) = samples {
                match take(*contender) {
                    Ok(sample) => so_far.push(sample),
                    Err(error) => *samples = Err(format!("{error:#}")),
                }
            }
        }
    }
    Taken(taken)
}

/// The order of a round. Each round begins with another contender and every second one runs backwards, so that
/// after-effects (a file still to be written) do not always hit the same one.
fn order(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |index| {
        let index = (index + round) % count;
        if round.is_multiple_of(2) { index } else { count - 1 - index }
    })
}

impl Taken {
    fn samples(&self, of: Contender) -> Result<&[f64], String> {
        let (_, samples) =
            self.0.iter().find(|(contender, _)| *contender == of).ok_or("it was not to be measured")?;
        samples.as_deref().map_err(Clone::clone)
    }

    /// The load's figure with a contender.
    pub(super) fn whole(&self, of: Contender) -> Result<Summary, String> {
        Summary::of(self.samples(of)?).ok_or_else(|| "no rounds".to_owned())
    }

    /// The added cost of a contender: the differences from the load alone, round by round.
    pub(super) fn added(&self, by: Contender) -> Result<Summary, String> {
        let added = differences(self.samples(by)?, self.samples(Contender::Nothing)?);
        Summary::of(&added).ok_or_else(|| "no rounds".to_owned())
    }
}

/// Takes a sample in milliseconds of each build in each round. Returns a row for each build; the bar is that of this
/// checkout's.
pub(super) fn by_build(
    programs: &Programs,
    rounds: usize,
    bar_ms: f64,
    title: impl Fn(&str) -> String,
    take_ms: impl Fn(usize, Build) -> Result<f64>,
) -> Result<Vec<Row>> {
    let builds = programs.builds();
    let mut samples: Vec<Vec<f64>> = builds.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for round in 0..rounds {
        for ((build, _), samples) in builds.iter().zip(&mut samples) {
            samples.push(take_ms(round, *build)?);
        }
    }
    let rows = builds.iter().zip(samples).map(|((build, marked), samples)| {
        let summary = Summary::of(&samples).context("no rounds")?;
        let row = Row::new(title(marked), Unit::Ms, Ok(summary));
        Ok(if *build == Build::Now { row.at_most(bar_ms) } else { row })
    });
    rows.collect()
}

#[cfg(test)]
impl Taken {
    /// A value for tests, with these samples.
    pub(super) fn of(samples: &[(Contender, Result<&[f64], &str>)]) -> Self {
        let owned = |samples: &Result<&[f64], &str>| samples.map(<[f64]>::to_vec).map_err(str::to_owned);
        Self(samples.iter().map(|(contender, samples)| (*contender, owned(samples))).collect())
    }
}

/// The contenders, and the build that `--against` names.
pub(super) fn with_build_before(settings: &Settings, contenders: &[Contender]) -> Vec<Contender> {
    let before = settings.programs.builds().into_iter().skip(1).map(|_| Contender::ProfilerBefore);
    contenders.iter().copied().chain(before).collect()
}

/// Rows for the build before: its added cost, and the ratio of this build's to it; empty if none was named.
pub(super) fn against_build_before(taken: &Taken, unit: Unit) -> Vec<Row> {
    if !taken.0.iter().any(|(contender, _)| *contender == Contender::ProfilerBefore) {
        return Vec::new();
    }
    let [now, before] =
        [Contender::Profiler, Contender::ProfilerBefore].map(|contender| taken.added(contender));
    let median = |added: &Result<Summary, String>| added.clone().map(|summary| summary.median);
    let by_before = times(median(&now), median(&before));
    vec![
        Row::new("added by `profiler run` of --against", unit, before),
        Row::single("`profiler run` / that of --against", Unit::Times, by_before).at_most(BAR_BEFORE),
    ]
}

/// The ratio of `part` to `of`.
pub(super) fn times(part: Result<f64, String>, of: Result<f64, String>) -> Result<f64, String> {
    ratio(part?, of?)
        .ok_or_else(|| "the machine was too noisy: what it is compared with added nothing".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn every_contender_has_its_turn_in_every_round() {
        for round in 0..6 {
            let mut indices: Vec<usize> = order(round, 5).collect();
            indices.sort_unstable();
            assert_eq!(indices, [0, 1, 2, 3, 4]);
        }
        assert_eq!(order(0, 3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(order(1, 3).collect::<Vec<_>>(), [1, 0, 2]);
    }

    #[test]
    fn one_that_fails_is_not_tried_again_and_disturbs_no_other() {
        let calls = RefCell::new(Vec::new());
        let taken = in_turns("test", 3, &[Contender::Nothing, Contender::Empty], |contender| {
            calls.borrow_mut().push(contender);
            if contender == Contender::Empty { Err(anyhow::anyhow!("refused")) } else { Ok(2.0) }
        });
        assert_eq!(calls.borrow().iter().filter(|it| **it == Contender::Empty).count(), 1);
        assert_eq!(taken.added(Contender::Empty), Err("refused".to_owned()));
        assert_eq!(taken.whole(Contender::Nothing).map(|summary| summary.median), Ok(2.0));
        assert!(taken.whole(Contender::Runqlat).is_err());
    }
}
