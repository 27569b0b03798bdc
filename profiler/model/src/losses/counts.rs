//! The counts of all losses.

use super::Loss;
use std::fmt;
use std::ops::{AddAssign, Index, IndexMut, Sub};

/// The count of each kind of loss. All 0 means that nothing was lost.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct LossCounts([u64; Loss::COUNT]);

impl LossCounts {
    /// These counts, the others 0.
    #[must_use]
    pub fn of(counts: impl IntoIterator<Item = (Loss, u64)>) -> Self {
        let mut all = Self::default();
        for (loss, count) in counts {
            all[loss] = count;
        }
        all
    }

    /// True if nothing was lost.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The losses with their counts, those of 0 too, in the order in which they are told.
    pub fn iter(&self) -> impl Iterator<Item = (Loss, u64)> + '_ {
        Loss::ALL.into_iter().map(|loss| (loss, self[loss]))
    }

    /// Some of the losses with their counts, in the order given.
    pub fn only<const N: usize>(&self, losses: [Loss; N]) -> [(Loss, u64); N] {
        losses.map(|loss| (loss, self[loss]))
    }

    /// The counts of these losses from elsewhere, the others as they are.
    #[must_use]
    pub fn with(mut self, losses: &[Loss], from: &Self) -> Self {
        for &loss in losses {
            self[loss] = from[loss];
        }
        self
    }
}

impl Index<Loss> for LossCounts {
    type Output = u64;

    fn index(&self, loss: Loss) -> &u64 {
        &self.0[loss as usize]
    }
}

impl IndexMut<Loss> for LossCounts {
    fn index_mut(&mut self, loss: Loss) -> &mut u64 {
        &mut self.0[loss as usize]
    }
}

impl AddAssign for LossCounts {
    fn add_assign(&mut self, more: Self) {
        for loss in Loss::ALL {
            self[loss] = self[loss].saturating_add(more[loss]);
        }
    }
}

impl Sub for LossCounts {
    type Output = Self;

    /// The losses since; counts that fell are 0.
    fn sub(self, before: Self) -> Self {
        Self::of(self.iter().map(|(loss, count)| (loss, count.saturating_sub(before[loss]))))
    }
}

/// The losses that happened.
impl fmt::Debug for LossCounts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let some = self.iter().filter(|(_, count)| *count > 0);
        formatter.debug_map().entries(some.map(|(loss, count)| (loss.name(), count))).finish()
    }
}

#[cfg(any(test, feature = "arbitrary"))]
impl<'a> arbitrary::Arbitrary<'a> for LossCounts {
    fn arbitrary(bytes: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut counts = Self::default();
        for loss in Loss::OF_PROFILE {
            counts[loss] = bytes.arbitrary()?;
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_the_difference_and_the_sum_has_it_again() {
        let before = LossCounts::of([(Loss::MissedExecs, 3), (Loss::ClockBackwards, 1)]);
        let now = LossCounts::of([(Loss::MissedExecs, 5), (Loss::ClockBackwards, 1)]);
        let added = now - before;
        assert_eq!(added, LossCounts::of([(Loss::MissedExecs, 2)]));
        let mut sum = before;
        sum += added;
        assert_eq!(sum, now);
        assert_eq!(format!("{added:?}"), r#"{"missed_execs": 2}"#);
    }
}
