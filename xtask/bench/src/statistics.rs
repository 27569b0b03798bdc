//! Statistics for the tables.

use serde::{Deserialize, Serialize};

/// Median, quartiles and range of samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Summary {
    /// The median: unaffected by one disturbed round.
    pub(super) median: f64,
    /// The minimum.
    pub(super) least: f64,
    /// The maximum.
    pub(super) greatest: f64,
    /// The first quartile.
    pub(super) lower_quartile: f64,
    /// The third quartile.
    pub(super) upper_quartile: f64,
}

impl Summary {
    /// Summarises samples; `None` if there are none.
    pub(super) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let [least, lower_quartile, median, upper_quartile, greatest] =
            [0.0, 0.25, 0.5, 0.75, 1.0].map(|part| quantile(&sorted, part));
        Some(Self {
            median: median?,
            least: least?,
            greatest: greatest?,
            lower_quartile: lower_quartile?,
            upper_quartile: upper_quartile?,
        })
    }

    /// The summary of a single value.
    pub(super) fn single(value: f64) -> Self {
        Self { median: value, least: value, greatest: value, lower_quartile: value, upper_quartile: value }
    }
}

/// The quantile of sorted samples, interpolated linearly.
fn quantile(sorted: &[f64], part: f64) -> Option<f64> {
    let position = part * sorted.len().checked_sub(1)? as f64;
    let (lower, upper) = (sorted.get(position.floor() as usize)?, sorted.get(position.ceil() as usize)?);
    Some(lower + (upper - lower) * position.fract())
}

/// The difference of each round from its own baseline, which cancels drift of the machine.
pub(super) fn differences(samples: &[f64], base: &[f64]) -> Vec<f64> {
    samples.iter().zip(base).map(|(sample, base)| sample - base).collect()
}

/// The ratio of `part` to `of`; `None` if `of` was not measured.
pub(super) fn ratio(part: f64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| part / of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples_or_between_two_of_them() {
        let odd = Summary::of(&[9.0, 1.0, 4.0]).unwrap();
        assert_eq!((odd.least, odd.median, odd.greatest), (1.0, 4.0, 9.0));
        assert_eq!((odd.lower_quartile, odd.upper_quartile), (2.5, 6.5));
        let even = Summary::of(&[8.0, 2.0, 4.0, 1.0]).unwrap();
        assert_eq!((even.least, even.median, even.greatest), (1.0, 3.0, 8.0));
        assert_eq!((even.lower_quartile, even.upper_quartile), (1.75, 5.0));
        assert_eq!(Summary::of(&[-2.5]), Some(Summary::single(-2.5)));
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn differences_are_taken_round_by_round() {
        assert_eq!(differences(&[3.0, 5.0], &[2.0, 1.0]), [1.0, 4.0]);
        assert!(differences(&[], &[1.0]).is_empty());
    }

    #[test]
    fn a_ratio_needs_something_to_compare_with() {
        assert_eq!(ratio(1.0, 4.0), Some(0.25));
        assert_eq!(ratio(1.0, 0.0), None);
        assert_eq!(ratio(1.0, -0.1), None);
    }
}
