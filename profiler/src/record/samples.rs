//! Samples of one metric as the programs keep them: exact totals, and buckets.

use super::pages::{Counter, Page, Pages, bucket, counted};
use model::buckets::{self, PAGE_BUCKETS};
use model::profile::histogram::Histogram;
use model::profile::units::Nanos;
use serde::{Deserialize, Serialize};

/// Exact totals of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Number of samples.
    pub count: u64,
    /// Their sum.
    pub sum_ns: Nanos,
    /// The smallest; the largest there can be while there is none.
    pub min_ns: Nanos,
    /// The largest.
    pub max_ns: Nanos,
}

impl Totals {
    /// No samples.
    pub const EMPTY: Self = Self { count: 0, sum_ns: Nanos(0), min_ns: Nanos(u64::MAX), max_ns: Nanos(0) };

    /// Adds a sample.
    pub fn add_one(&mut self, length: Nanos) {
        self.count += 1;
        self.sum_ns += length;
        self.min_ns = self.min_ns.min(length);
        self.max_ns = self.max_ns.max(length);
    }

    /// Adds samples.
    pub fn add(&mut self, more: &Samples) {
        self.count += more.count;
        self.sum_ns += more.sum_ns;
        self.min_ns = self.min_ns.min(more.min_ns);
        self.max_ns = self.max_ns.max(more.max_ns);
    }
}

/// Samples of one metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Samples<C: Counter = u32> {
    /// Number of samples; exact, and at least the sum over the buckets unless a sample was under way.
    pub count: u64,
    /// Their sum; exact.
    pub sum_ns: Nanos,
    /// The smallest; exact.
    pub min_ns: Nanos,
    /// The largest; exact.
    pub max_ns: Nanos,
    /// Their buckets.
    pages: Pages<C>,
}

impl<C: Counter> Samples<C> {
    /// Samples that are in a bucket.
    #[must_use]
    pub fn bucketed(&self) -> u64 {
        self.pages.counted()
    }

    /// Samples that count in the totals only.
    #[must_use]
    pub fn without_bucket(&self) -> u64 {
        self.count.saturating_sub(self.bucketed())
    }

    /// As a list of buckets.
    #[must_use]
    pub fn to_histogram(&self) -> Histogram {
        let Self { count, sum_ns, min_ns, max_ns, .. } = *self;
        let buckets = self.numbered().map(bucket).collect();
        Histogram { count, sum_ns, min_ns, max_ns, buckets }
    }

    /// The buckets that hold samples: their numbers, in ascending order, and how many each holds.
    pub fn numbered(&self) -> impl DoubleEndedIterator<Item = (u16, C)> + '_ {
        self.pages.numbered()
    }
}

impl Samples {
    /// The samples that the programs counted. `None` without samples.
    #[must_use]
    pub fn counted(totals: Totals, pages: Pages) -> Option<Self> {
        let Totals { count, sum_ns, min_ns, max_ns } = totals;
        (count > 0).then_some(Self { count, sum_ns, min_ns, max_ns, pages })
    }

    /// Takes the buckets out: the totals stay.
    pub fn take_pages(&mut self) -> Pages {
        std::mem::take(&mut self.pages)
    }

    /// As [`Self::since`], where the buckets are those of what was added alone.
    #[must_use]
    pub fn beyond(mut self, handed: &Handed) -> Option<Self> {
        let pages = self.take_pages();
        self.added(handed, pages)
    }

    /// Widens the totals so that they cover the buckets. Totals and buckets are copied one after the other, so a
    /// thread that ran on another CPU meanwhile may have a last sample in a bucket alone.
    pub fn cover_buckets(&mut self) {
        self.count = self.count.max(self.bucketed());
        if let Some((first, last)) = self.pages.outermost() {
            self.min_ns = self.min_ns.min(Nanos(first.high_ns.0 - 1));
            self.max_ns = self.max_ns.max(last.low_ns);
        }
    }

    /// The growth since `handed`; `None` if there is none. Its extremes are not known: they are
    /// the widest that its buckets and the extremes of all samples allow.
    #[must_use]
    pub fn since(&self, handed: &Handed) -> Option<Self> {
        let mut before = handed.buckets.iter().peekable();
        let mut added_to = |number: usize, page: &Page<u32>| {
            let mut added = *page;
            let end = (number + 1) * PAGE_BUCKETS;
            while let Some(&(bucket, count)) = before.next_if(|(bucket, _)| usize::from(*bucket) < end) {
                let counter = &mut added[usize::from(bucket) % PAGE_BUCKETS];
                // Modulo 2^32, which is where a counter begins again.
                *counter = counter.wrapping_sub(count);
            }
            (counted(&added) > 0).then(|| (number, Box::new(added)))
        };
        let pages = self.pages.0.iter().filter_map(|(number, page)| added_to(*number, page)).collect();
        self.added(handed, Pages(pages))
    }

    /// The growth, in these buckets.
    fn added(&self, handed: &Handed, pages: Pages) -> Option<Self> {
        let mut growth = Self {
            count: self.count.saturating_sub(handed.count),
            sum_ns: Nanos(self.sum_ns.0.saturating_sub(handed.sum_ns.0)),
            min_ns: self.min_ns,
            max_ns: self.max_ns,
            pages,
        };
        if growth.count == 0 && growth.pages.0.is_empty() && growth.sum_ns.0 == 0 {
            return None;
        }
        // A sample without a bucket can have been any.
        if growth.without_bucket() == 0
            && let Some((first, last)) = growth.pages.outermost()
        {
            growth.min_ns = self.min_ns.max(first.low_ns);
            growth.max_ns = self.max_ns.min(Nanos(last.high_ns.0 - 1));
        }
        Some(growth)
    }

    /// All of them, as handed out.
    #[must_use]
    pub fn handed(&self) -> Handed {
        Handed { count: self.count, sum_ns: self.sum_ns, buckets: self.numbered().collect() }
    }

    /// With other totals, and more samples in buckets, by their numbers; those that are no buckets are left out.
    #[must_use]
    pub fn grown(mut self, totals: Totals, added: impl IntoIterator<Item = (u16, u32)>) -> Self {
        Totals { count: self.count, sum_ns: self.sum_ns, min_ns: self.min_ns, max_ns: self.max_ns } = totals;
        for (bucket, count) in added {
            let bucket = u32::from(bucket);
            if buckets::page(bucket) < buckets::PAGES {
                let counter = &mut self.pages.page(buckets::page(bucket))[buckets::cell(bucket)];
                *counter = counter.wrapping_add(count);
            }
        }
        self
    }
}

/// The part of a thread's samples that earlier intervals have.
///
/// 8 bytes for each bucket that holds samples: of a page's 128 these are some 20, and the page itself would take 512.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handed {
    count: u64,
    sum_ns: Nanos,
    /// As [`Samples::numbered`].
    buckets: Box<[(u16, u32)]>,
}

impl Handed {
    /// So many, and which buckets they are in is not kept.
    #[must_use]
    pub fn without_buckets(samples: &Samples) -> Self {
        Self { count: samples.count, sum_ns: samples.sum_ns, buckets: Box::default() }
    }

    /// The number of samples.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl From<&Samples> for Samples<u64> {
    fn from(samples: &Samples) -> Self {
        let Samples { count, sum_ns, min_ns, max_ns, .. } = *samples;
        let wide = |(number, page): &(usize, Box<Page<u32>>)| (*number, Box::new(page.map(u64::from)));
        Self { count, sum_ns, min_ns, max_ns, pages: Pages(samples.pages.0.iter().map(wide).collect()) }
    }
}

impl Samples<u64> {
    /// Adds samples of the same metric.
    pub fn add(&mut self, more: &Samples) {
        self.count = self.count.saturating_add(more.count);
        self.sum_ns += more.sum_ns;
        self.min_ns = self.min_ns.min(more.min_ns);
        self.max_ns = self.max_ns.max(more.max_ns);
        for (number, page) in &more.pages.0 {
            self.pages
                .page(*number)
                .iter_mut()
                .zip(page.iter())
                .for_each(|(sum, more)| *sum += u64::from(*more));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Samples {
        /// Bucketed as the programs do it.
        pub(crate) fn of(samples: impl IntoIterator<Item = u64>) -> Option<Self> {
            let mut totals = Totals::EMPTY;
            let mut pages = vec![[0; PAGE_BUCKETS]; buckets::PAGES];
            for ns in samples {
                totals.add_one(Nanos(ns));
                if let Some(index) = buckets::index(ns) {
                    pages[buckets::page(index)][buckets::cell(index)] += 1;
                }
            }
            let used = pages.into_iter().enumerate().filter(|(_, page)| counted(page) > 0);
            Self::counted(totals, Pages(used.map(|(number, page)| (number, Box::new(page))).collect()))
        }

        /// With other buckets, as one that is read in the middle of a sample has them.
        pub(crate) fn with_buckets_of(self, other: Option<Self>) -> Self {
            Self { pages: other.map(|other| other.pages).unwrap_or_default(), ..self }
        }
    }

    #[test]
    fn no_samples_are_none() {
        assert_eq!(Samples::of([]), None);
    }

    #[test]
    fn a_sample_in_a_bucket_alone_is_covered() {
        let whole = Samples::of([1_000, 2_000, 3_000]).unwrap();
        let mut covering = whole.clone();
        covering.cover_buckets();
        assert_eq!(covering, whole);
        covering = Samples::of([2_000]).unwrap().with_buckets_of(Some(whole.clone()));
        covering.cover_buckets();
        let buckets = whole.to_histogram().buckets;
        assert_eq!(covering.count, 3);
        assert!(covering.min_ns < buckets[0].high_ns && covering.max_ns >= buckets[2].low_ns);
    }

    #[test]
    fn a_page_whose_counters_all_begin_again_is_no_other_page() {
        let before = Samples::of([1_000, 100_000]).unwrap();
        let mut now = Samples::of([1_000, 100_000, 100_000]).unwrap();
        *now.pages.0[0].1 = [0; PAGE_BUCKETS];
        let added = now.since(&before.handed()).unwrap();
        let added: Vec<u32> = added.numbered().map(|(_, count)| count).collect();
        assert_eq!(added, [u32::MAX, 1]);
    }

    #[test]
    fn a_counter_that_begins_again_has_counted_on() {
        let of = |count| {
            let mut one = Samples::of([1_000]).unwrap();
            let page = &mut one.pages.0[0].1;
            page.iter_mut().filter(|count| **count > 0).for_each(|counter| *counter = count);
            one
        };
        let before = Samples { count: u64::from(u32::MAX) - 1, ..of(u32::MAX - 1) };
        let now = Samples { count: before.count + 5, ..of(3) };
        let added = now.since(&before.handed()).unwrap();
        assert_eq!((added.count, added.bucketed()), (5, 5));
    }

    proptest! {
        #[test]
        fn they_are_the_histogram_of_the_same_samples(samples in prop::collection::vec(0..1_u64 << 43, 1..100)) {
            let histogram = Histogram::of(samples.iter().copied().map(Nanos)).unwrap();
            let ours = Samples::of(samples).unwrap();
            prop_assert_eq!(ours.bucketed(), histogram.bucketed());
            prop_assert_eq!(ours.without_bucket(), histogram.without_bucket());
            prop_assert_eq!(Samples::<u64>::from(&ours).to_histogram(), ours.to_histogram());
            prop_assert_eq!(ours.to_histogram(), histogram);
        }

        #[test]
        fn what_was_added_and_what_was_there_are_the_whole(
            one in prop::collection::vec(0..1_u64 << 43, 1..50),
            two in prop::collection::vec(0..1_u64 << 43, 0..50),
        ) {
            let before = Samples::of(one.iter().copied()).unwrap();
            let whole = Samples::of([one, two.clone()].concat()).unwrap();
            let added = whole.since(&before.handed());
            let Some(exact) = Samples::of(two) else { prop_assert_eq!(added, None); return Ok(()) };
            let added = added.unwrap();
            model::profile::soundness::sound(&added.to_histogram()).unwrap();
            prop_assert!(added.min_ns <= exact.min_ns && exact.max_ns <= added.max_ns);
            let Samples { min_ns, max_ns, .. } = exact;
            prop_assert_eq!(&Samples { min_ns, max_ns, ..added.clone() }, &exact);
            let mut together = Samples::<u64>::from(&before);
            together.add(&added);
            let together = Histogram { min_ns: whole.min_ns, max_ns: whole.max_ns, ..together.to_histogram() };
            prop_assert_eq!(together, whole.to_histogram());
            let Samples { count, sum_ns, min_ns, max_ns, .. } = whole;
            let totals = Totals { count, sum_ns, min_ns, max_ns };
            prop_assert_eq!(before.grown(totals, added.numbered()), whole);
        }

        #[test]
        fn adding_is_recording_together(
            one in prop::collection::vec(0..1_u64 << 43, 1..50),
            two in prop::collection::vec(0..1_u64 << 43, 1..50),
        ) {
            let mut sum = Samples::<u64>::from(&Samples::of(one.iter().copied()).unwrap());
            sum.add(&Samples::of(two.iter().copied()).unwrap());
            prop_assert_eq!(sum, Samples::<u64>::from(&Samples::of([one, two].concat()).unwrap()));
        }
    }
}
