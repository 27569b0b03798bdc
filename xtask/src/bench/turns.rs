//! Measures several variants of one thing in turns.

use super::{
    measure::Settings,
    statistics::{Summary, differences, ratio},
};
use anyhow::Result;

/// One sample a round, or why there are none.
pub(super) type Samples = Result<Vec<f64>, String>;

/// Takes a sample, or why that can't be done.
pub(super) type Variant<'a> = Result<Box<dyn Fn() -> Result<f64> + 'a>, String>;

/// Takes a sample of each variant in each round. A variant that fails once is not tried again.
pub(super) fn in_turns<const N: usize>(
    step: &str,
    settings: &Settings,
    variants: &[Variant<'_>; N],
) -> [Samples; N] {
    let mut samples = turns(step, settings.rounds(), variants).into_iter();
    // There are as many samples as variants.
    variants.each_ref().map(|_variant| samples.next().unwrap_or_else(|| Err("no samples".to_owned())))
}

/// The same for any number of variants and rounds.
pub(super) fn turns(step: &str, rounds: u32, variants: &[Variant<'_>]) -> Vec<Samples> {
    let mut samples: Vec<Samples> = variants
        .iter()
        .map(|variant| match variant {
            Ok(_) => Ok(Vec::new()),
            Err(why) => Err(why.clone()),
        })
        .collect();
    for round in 0..rounds {
        eprintln!("{step}: round {} of {rounds}", round + 1);
        // Each round begins with another, so that none always follows the same.
        for place in 0..variants.len() {
            let index = (place + round as usize) % variants.len();
            if let (Ok(sample), Ok(taken)) = (&variants[index], &mut samples[index]) {
                match sample() {
                    Ok(sample) => taken.push(sample),
                    Err(error) => samples[index] = Err(format!("{error:#}")),
                }
            }
        }
    }
    samples
}

/// What a variant takes.
pub(super) fn summary(samples: &Samples) -> Result<Summary, String> {
    let samples = samples.as_deref().map_err(Clone::clone)?;
    Summary::of(samples).ok_or_else(|| "no rounds".to_owned())
}

/// What a variant takes more than another, round by round.
pub(super) fn added(samples: &Samples, base: &Samples) -> Result<Summary, String> {
    match (samples, base) {
        (Ok(samples), Ok(base)) => summary(&Ok(differences(samples, base))),
        (Err(why), _) | (_, Err(why)) => Err(why.clone()),
    }
}

/// How many times `of` the `part` is, by their medians.
pub(super) fn times(part: &Result<Summary, String>, of: &Result<Summary, String>) -> Result<f64, String> {
    match (part, of) {
        (Ok(part), Ok(of)) => ratio(part.median, of.median)
            .ok_or_else(|| "the machine was too noisy: what it is compared with added nothing".to_owned()),
        (Err(why), _) | (_, Err(why)) => Err(why.clone()),
    }
}
