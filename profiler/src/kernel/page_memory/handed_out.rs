//! The samples of each slot that were handed out with their buckets, and the buckets that were taken and were not.

use crate::record::pages::Pages;
use crate::record::samples::Samples;
use model::metric::Metric;
use std::collections::{BTreeMap, HashMap};

/// The samples of each slot that were handed out so far.
pub(super) struct HandedOut {
    /// The number of samples of each metric.
    counts: Vec<[u64; Metric::COUNT]>,
    /// The buckets that were taken and not handed out: of few slots at a time.
    rest: HashMap<u32, Vec<(Metric, Pages)>>,
}

impl HandedOut {
    /// Nothing, of so many slots.
    pub(super) fn nothing(slots: u32) -> Self {
        Self { counts: vec![[0; Metric::COUNT]; slots as usize], rest: HashMap::new() }
    }

    /// True if that is all, where there are so many samples. A sample that is in a bucket and does not count yet may be
    /// there.
    pub(super) fn is_all(&self, slot: u32, metric: Metric, count: u64) -> bool {
        self.counts[slot as usize][metric.index()] == count
    }

    /// Keeps buckets of a metric for the next look at its slot.
    pub(super) fn keep(&mut self, slot: u32, metric: Metric, pages: Pages) {
        self.rest.entry(slot).or_default().push((metric, pages));
    }

    /// The buckets that were kept.
    pub(super) fn kept(&mut self, slot: u32, metric: Metric) -> Pages {
        let mut pages = Pages::default();
        // Empty nearly always.
        if let Some(rest) = self.rest.get_mut(&slot) {
            rest.extract_if(.., |(of, _)| *of == metric).for_each(|(_, more)| pages.add_all(more));
        }
        pages
    }

    /// Hands out what was read of a slot. Of a metric that was read in the middle of a sample, which is then in a bucket,
    /// perhaps in the sum, and not yet in the count, all that was added stays for the next look.
    pub(super) fn hand_out(&mut self, slot: u32, samples: &mut BTreeMap<Metric, Samples>) {
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

    /// Forgets a slot, all of which was handed out: another thread may get it.
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

    /// A look: how many samples count, and how many are in a bucket, those included.
    fn looks() -> impl Strategy<Value = Vec<(usize, usize, bool)>> {
        prop::collection::vec((0..40_usize, 0..3_usize, any::<bool>()), 0..12).prop_map(|mut looks| {
            looks.sort_unstable();
            looks
        })
    }

    proptest! {
        #[test]
        fn whatever_a_look_finds_under_way_every_sample_is_handed_out_once(
            samples in prop::collection::vec(1..1_u64 << 43, 40..41),
            looks in looks(),
        ) {
            let (mut handed_out, mut taken, mut before) = (HandedOut::nothing(8), 0, 0);
            let mut sum = Pages::default();
            let end = (samples.len(), 0, true);
            for (counted, under_way, is_accepted) in looks.into_iter().chain([end]) {
                if counted == 0 || handed_out.is_all(3, METRIC, counted as u64) {
                    continue;
                }
                let bucketed = (counted + under_way).min(samples.len()).max(taken);
                let mut pages = Samples::of(samples[taken..bucketed].iter().copied())
                    .map_or_else(Pages::default, |mut added| added.take_pages());
                taken = bucketed;
                pages.add_all(handed_out.kept(3, METRIC));
                let mut totals = Totals::EMPTY;
                samples[..counted].iter().for_each(|ns| totals.add_one(Nanos(*ns)));
                let mut found = Samples::counted(totals, pages).unwrap();
                if !is_accepted {
                    handed_out.keep(3, METRIC, found.take_pages());
                    continue;
                }
                let mut all = BTreeMap::from([(METRIC, found)]);
                handed_out.hand_out(3, &mut all);
                let mut handed = all.remove(&METRIC).unwrap();
                prop_assert!(handed.bucketed() <= handed.count - before);
                before = handed.count;
                sum.add_all(handed.take_pages());
            }
            prop_assert_eq!(before, samples.len() as u64);
            prop_assert_eq!(sum, Samples::of(samples).unwrap().take_pages());
            prop_assert!(handed_out.rest.is_empty());
        }
    }

    #[test]
    fn slots_and_metrics_are_told_apart_and_a_slot_that_is_forgotten_begins_anew() {
        let mut handed_out = HandedOut::nothing(2);
        let pages = |ns| Samples::of([ns]).unwrap().take_pages();
        handed_out.keep(0, METRIC, pages(1));
        handed_out.keep(0, Metric::OnCpu, pages(2));
        handed_out.keep(1, METRIC, pages(3));
        assert_eq!(handed_out.kept(0, METRIC), pages(1));
        assert_eq!(handed_out.kept(0, METRIC), Pages::default());
        let mut found = BTreeMap::from([(METRIC, Samples::of([1, 2]).unwrap())]);
        handed_out.hand_out(0, &mut found);
        assert!(handed_out.is_all(0, METRIC, 2) && !handed_out.is_all(1, METRIC, 2));
        handed_out.forget(0);
        assert!(handed_out.is_all(0, METRIC, 0));
        assert_eq!(handed_out.kept(0, Metric::OnCpu), Pages::default());
        assert_eq!(handed_out.kept(1, METRIC), pages(3));
    }
}
