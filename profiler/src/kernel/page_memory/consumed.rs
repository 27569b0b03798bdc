//! The samples of each slot that were consumed with their buckets, and buckets that were read ahead of their count.

use crate::record::pages::Pages;
use crate::record::samples::Samples;
use model::metric::Metric;
use std::collections::{BTreeMap, HashMap};

/// The samples of each slot that were consumed so far.
pub(super) struct Consumed {
    /// The number of samples of each metric.
    counts: Vec<[u64; Metric::COUNT]>,
    /// Buckets that were taken and not yet consumed: of few slots at a time.
    rest: HashMap<u32, Vec<(Metric, Pages)>>,
}

impl Consumed {
    /// Nothing consumed yet of this number of slots.
    pub(super) fn nothing(slots: u32) -> Self {
        Self { counts: vec![[0; Metric::COUNT]; slots as usize], rest: HashMap::new() }
    }

    /// True if all of `count` samples are consumed. A sample that is in its bucket and not yet in the count may remain.
    pub(super) fn is_all(&self, slot: u32, metric: Metric, count: u64) -> bool {
        self.counts[slot as usize][metric.index()] == count
    }

    /// Keeps buckets of a metric for the slot's next snapshot.
    pub(super) fn keep(&mut self, slot: u32, metric: Metric, pages: Pages) {
        self.rest.entry(slot).or_default().push((metric, pages));
    }

    /// Takes the buckets that were kept.
    pub(super) fn kept(&mut self, slot: u32, metric: Metric) -> Pages {
        let mut pages = Pages::default();
        // Empty nearly always.
        if let Some(rest) = self.rest.get_mut(&slot) {
            rest.extract_if(.., |(of, _)| *of == metric).for_each(|(_, more)| pages.add_all(more));
        }
        pages
    }

    /// Marks the samples read from a slot as consumed. If a metric was read in the middle of a sample, which is then in
    /// a bucket, perhaps in the sum, and not yet in the count, all that was added stays for the next snapshot.
    pub(super) fn consume(&mut self, slot: u32, samples: &mut BTreeMap<Metric, Samples>) {
        for (&metric, samples) in samples {
            let count = self.counts[slot as usize][metric.index()];
            if samples.bucketed() > samples.count.saturating_sub(count) {
                samples.count = count;
                self.keep(slot, metric, samples.take_pages());
            }
            self.counts[slot as usize][metric.index()] = samples.count;
        }
        self.rest.retain(|_, rest| !rest.is_empty());
    }

    /// Forgets a fully consumed slot: another thread may get it.
    pub(super) fn forget(&mut self, slot: u32) {
        self.counts[slot as usize] = [0; Metric::COUNT];
        self.rest.remove(&slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::Totals;
    use model::profile::units::Nanos;
    use proptest::prelude::*;

    const METRIC: Metric = Metric::Blocked;

    /// Snapshots: the number of counted samples, the number in a bucket beyond them, and whether it is accepted.
    fn snapshots() -> impl Strategy<Value = Vec<(usize, usize, bool)>> {
        prop::collection::vec((0..40_usize, 0..3_usize, any::<bool>()), 0..12).prop_map(|mut snapshots| {
            snapshots.sort_unstable();
            snapshots
        })
    }

    proptest! {
        #[test]
        fn whatever_is_under_way_at_a_snapshot_every_sample_is_consumed_once(
            samples in prop::collection::vec(1..1_u64 << 43, 40..41),
            snapshots in snapshots(),
        ) {
            let (mut consumed, mut taken, mut before) = (Consumed::nothing(8), 0, 0);
            let mut sum = Pages::default();
            let end = (samples.len(), 0, true);
            for (counted, under_way, is_accepted) in snapshots.into_iter().chain([end]) {
                if counted == 0 || consumed.is_all(3, METRIC, counted as u64) {
                    continue;
                }
                let bucketed = (counted + under_way).min(samples.len()).max(taken);
                let mut pages = Samples::of(samples[taken..bucketed].iter().copied())
                    .map_or_else(Pages::default, |mut added| added.take_pages());
                taken = bucketed;
                pages.add_all(consumed.kept(3, METRIC));
                let mut totals = Totals::EMPTY;
                samples[..counted].iter().for_each(|ns| totals.add_one(Nanos(*ns)));
                let mut found = Samples::counted(totals, pages).unwrap();
                if !is_accepted {
                    consumed.keep(3, METRIC, found.take_pages());
                    continue;
                }
                let mut all = BTreeMap::from([(METRIC, found)]);
                consumed.consume(3, &mut all);
                let mut handed = all.remove(&METRIC).unwrap();
                prop_assert!(handed.bucketed() <= handed.count - before);
                before = handed.count;
                sum.add_all(handed.take_pages());
            }
            prop_assert_eq!(before, samples.len() as u64);
            prop_assert_eq!(sum, Samples::of(samples).unwrap().take_pages());
            prop_assert!(consumed.rest.is_empty());
        }
    }

    #[test]
    fn slots_and_metrics_are_kept_apart_and_a_slot_that_is_forgotten_begins_anew() {
        let mut consumed = Consumed::nothing(2);
        let pages = |ns| Samples::of([ns]).unwrap().take_pages();
        consumed.keep(0, METRIC, pages(1));
        consumed.keep(0, Metric::OnCpu, pages(2));
        consumed.keep(1, METRIC, pages(3));
        assert_eq!(consumed.kept(0, METRIC), pages(1));
        assert_eq!(consumed.kept(0, METRIC), Pages::default());
        let mut found = BTreeMap::from([(METRIC, Samples::of([1, 2]).unwrap())]);
        consumed.consume(0, &mut found);
        assert!(consumed.is_all(0, METRIC, 2) && !consumed.is_all(1, METRIC, 2));
        consumed.forget(0);
        assert!(consumed.is_all(0, METRIC, 0));
        assert_eq!(consumed.kept(0, Metric::OnCpu), Pages::default());
        assert_eq!(consumed.kept(1, METRIC), pages(3));
    }
}
