//! Measures several contenders with one thing in turns, because a machine is never equally fast twice.

use super::{
    contender::Contender,
    measure::Settings,
    statistics::{Summary, differences, ratio},
    table::{Row, Unit},
};
use anyhow::Result;

/// A build is no worse than the one before up to here: what two runs of the same build differ by on a noisy machine.
const BAR_BEFORE: f64 = 1.1;

/// One sample a round, or why there are none.
pub(super) type Samples = Result<Vec<f64>, String>;

/// The samples of each contender.
pub(super) struct Taken(Vec<(Contender, Samples)>);

/// Takes a sample of each contender in each round. One that fails once is not tried again.
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
        for place in order(round as usize, contenders.len()) {
            let (contender, samples) = &mut taken[place];
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

/// Each round begins with another, and every second one goes backwards: what a contender leaves for the next one to
/// bear (a file still to be written) does not always meet the same.
fn order(round: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |place| {
        let place = (place + round) % count;
        if round.is_multiple_of(2) { place } else { count - 1 - place }
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

    /// Its excess over the figure with none, round by round.
    pub(super) fn added(&self, by: Contender) -> Result<Summary, String> {
        let added = differences(self.samples(by)?, self.samples(Contender::Nothing)?);
        Summary::of(&added).ok_or_else(|| "no rounds".to_owned())
    }
}

#[cfg(test)]
impl Taken {
    /// As if these had been taken.
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

/// The cost that build adds, and the ratio of this one's to it; nothing if none was named.
pub(super) fn beside_build_before(taken: &Taken, unit: Unit) -> Vec<Row> {
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

/// The ratio of the `part` to `of`.
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
            let mut places: Vec<usize> = order(round, 5).collect();
            places.sort_unstable();
            assert_eq!(places, [0, 1, 2, 3, 4]);
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
