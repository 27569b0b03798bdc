//! Living threads without a record, as the walks of one interval after the other find them.

/// Their number over all intervals. One that goes on unrecorded is missing from each interval anew.
#[derive(Debug, Default)]
pub(super) struct Unrecorded {
    /// In intervals that have ended.
    before: u64,
    /// In the interval that is under way: the most that one walk came to.
    most: u64,
}

impl Unrecorded {
    /// A walk came to so many.
    pub(super) fn saw(&mut self, threads: u64) {
        self.most = self.most.max(threads);
    }

    /// The interval that was under way has ended.
    pub(super) fn cut(&mut self) {
        self.before += std::mem::take(&mut self.most);
    }

    /// The sum over the intervals.
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
        for walks in [[0, 2, 1], [2, 2, 2], [0, 0, 0], [0, 1, 0]] {
            walks.into_iter().for_each(|threads| unrecorded.saw(threads));
            totals.push(unrecorded.total());
            unrecorded.cut();
        }
        assert_eq!(totals, [2, 4, 4, 5]);
        assert_eq!(unrecorded.total(), 5, "the end of an interval loses nothing");
    }
}
