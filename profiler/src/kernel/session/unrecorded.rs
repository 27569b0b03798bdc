//! Living threads without a record, counted by the task-iterator passes of each interval.

/// Sum over all intervals. A thread that stays unrecorded is missing from each interval anew.
#[derive(Debug, Default)]
pub(super) struct Unrecorded {
    /// Sum over the intervals that have ended.
    before: u64,
    /// Largest count of a single pass in the interval under way.
    most: u64,
}

impl Unrecorded {
    /// Takes the count of one pass.
    pub(super) fn saw(&mut self, threads: u64) {
        self.most = self.most.max(threads);
    }

    /// Ends the interval under way.
    pub(super) fn cut(&mut self) {
        self.before += std::mem::take(&mut self.most);
    }

    /// Returns the sum over the intervals.
    pub(super) fn total(&self) -> u64 {
        self.before + self.most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_stays_unrecorded_is_missing_from_every_interval() {
        let mut unrecorded = Unrecorded::default();
        let mut totals = Vec::new();
        for passes in [[0, 2, 1], [2, 2, 2], [0, 0, 0], [0, 1, 0]] {
            passes.into_iter().for_each(|threads| unrecorded.saw(threads));
            totals.push(unrecorded.total());
            unrecorded.cut();
        }
        assert_eq!(totals, [2, 4, 4, 5]);
        assert_eq!(unrecorded.total(), 5, "the end of an interval loses nothing");
    }
}
