//! The few statistics that the table is made of.

use serde::{Deserialize, Serialize};

/// The middle of some samples, and how far they reach.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Summary {
    /// The value in the middle: one disturbed round does not move it.
    pub(super) median: f64,
    /// The least.
    pub(super) least: f64,
    /// The greatest.
    pub(super) greatest: f64,
}

impl Summary {
    /// `None` without samples.
    pub(super) fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (least, greatest) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let upper = *sorted.get(middle)?;
        let lower = if sorted.len().is_multiple_of(2) { *sorted.get(middle.checked_sub(1)?)? } else { upper };
        Some(Self { median: f64::midpoint(lower, upper), least, greatest })
    }
}

/// What each round had more than its own base: a drift of the machine is then in neither.
pub(super) fn differences(samples: &[f64], base: &[f64]) -> Vec<f64> {
    samples.iter().zip(base).map(|(sample, base)| sample - base).collect()
}

/// How many times `of` the `part` is; `None` if nothing was measured to compare with.
pub(super) fn ratio(part: f64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| part / of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_between_the_two_middles() {
        let odd = Summary::of(&[9.0, 1.0, 4.0]);
        assert_eq!(odd, Some(Summary { median: 4.0, least: 1.0, greatest: 9.0 }));
        let even = Summary::of(&[8.0, 2.0, 4.0, 1.0]);
        assert_eq!(even, Some(Summary { median: 3.0, least: 1.0, greatest: 8.0 }));
        assert_eq!(Summary::of(&[-2.5]), Some(Summary { median: -2.5, least: -2.5, greatest: -2.5 }));
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
