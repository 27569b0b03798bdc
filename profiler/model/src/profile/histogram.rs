//! The distribution of one metric: exact totals, and buckets at most 0.8 % wide.

use super::units::{Nanos, total};
use crate::buckets;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One bucket: `count` samples of at least `low_ns` and less than `high_ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Bucket {
    /// Inclusive.
    pub low_ns: Nanos,
    /// Exclusive.
    pub high_ns: Nanos,
    /// Samples in between.
    pub count: u64,
}

/// Samples of one metric. A histogram without samples does not exist: it is left out, never shown as zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Histogram {
    /// Number of samples; exact, and at least the sum over the buckets.
    pub count: u64,
    /// Their sum; exact.
    pub sum_ns: Nanos,
    /// The smallest; exact.
    pub min_ns: Nanos,
    /// The largest; exact.
    pub max_ns: Nanos,
    /// The buckets that hold samples, in ascending order.
    pub buckets: Vec<Bucket>,
}

/// A quantile read from the buckets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantile {
    /// The upper end of the bucket that holds it, as HdrHistogram reports it, and never above the maximum.
    pub value: Nanos,
    /// The number of samples beyond the quantile's rank.
    pub beyond: u64,
}

impl Quantile {
    /// Fewer samples than this beyond a quantile make it a matter of luck.
    pub const ENOUGH_BEYOND: u64 = 10;

    /// True if enough samples lie beyond it to rely on the value.
    #[must_use]
    pub fn is_supported(self) -> bool {
        self.beyond >= Self::ENOUGH_BEYOND
    }
}

impl Histogram {
    /// Samples that are in a bucket.
    #[must_use]
    pub fn bucketed(&self) -> u64 {
        total(self.buckets.iter().map(|bucket| bucket.count))
    }

    /// Samples that count in the totals only.
    #[must_use]
    pub fn without_bucket(&self) -> u64 {
        self.count.saturating_sub(self.bucketed())
    }

    /// The smallest bucketed value that at least `share` (0 to 1) of the bucketed samples do not exceed.
    /// `None` if no sample is in a bucket.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Quantile> {
        let bucketed = self.bucketed();
        let rank = ((share * bucketed as f64).ceil() as u64).clamp(1, bucketed.max(1));
        let mut seen: u64 = 0;
        for bucket in &self.buckets {
            seen = seen.saturating_add(bucket.count);
            if seen >= rank {
                let value = Nanos(bucket.high_ns.0.saturating_sub(1).min(self.max_ns.0));
                return Some(Quantile { value, beyond: bucketed - rank });
            }
        }
        None
    }

    /// Adds the samples of another histogram of the same metric, whose buckets are in ascending order as its own are.
    pub fn add(&mut self, other: &Self) {
        let mut sum = Vec::with_capacity(self.buckets.len() + other.buckets.len());
        let (mut ours, mut theirs) = (self.buckets.iter().peekable(), other.buckets.iter().peekable());
        while let Some(next) = ours.peek().into_iter().chain(theirs.peek()).map(|bucket| bucket.low_ns).min()
        {
            let same = [
                ours.next_if(|bucket| bucket.low_ns == next),
                theirs.next_if(|bucket| bucket.low_ns == next),
            ];
            let count = total(same.into_iter().flatten().map(|bucket| bucket.count));
            sum.extend(same.into_iter().flatten().next().map(|bucket| Bucket { count, ..*bucket }));
        }
        self.buckets = sum;
        self.count = self.count.saturating_add(other.count);
        self.sum_ns += other.sum_ns;
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// The sum of many histograms of the same metric; `None` of none.
    #[must_use]
    pub fn merged<'a>(histograms: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut counts: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        let mut sum: Option<Self> = None;
        for histogram in histograms {
            for bucket in &histogram.buckets {
                let count = counts.entry((bucket.low_ns.0, bucket.high_ns.0)).or_default();
                *count = count.saturating_add(bucket.count);
            }
            match &mut sum {
                None => sum = Some(Self { buckets: Vec::new(), ..histogram.clone() }),
                Some(sum) => {
                    sum.count = sum.count.saturating_add(histogram.count);
                    sum.sum_ns += histogram.sum_ns;
                    sum.min_ns = sum.min_ns.min(histogram.min_ns);
                    sum.max_ns = sum.max_ns.max(histogram.max_ns);
                }
            }
        }
        let mut sum = sum?;
        sum.buckets = counts
            .into_iter()
            .map(|((low, high), count)| Bucket { low_ns: Nanos(low), high_ns: Nanos(high), count })
            .collect();
        Some(sum)
    }

    /// A histogram of the given samples, bucketed as the kernel side does it.
    #[must_use]
    pub fn of(samples: impl IntoIterator<Item = Nanos>) -> Option<Self> {
        let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
        let mut totals = profiler_ebpf::layout::Totals::EMPTY;
        for Nanos(ns) in samples {
            totals.add(ns);
            if let Some(index) = buckets::index(ns) {
                *counts.entry(index).or_default() += 1;
            }
        }
        (totals.count > 0).then(|| Self {
            count: totals.count,
            sum_ns: Nanos(totals.sum_ns),
            min_ns: Nanos(totals.min_ns),
            max_ns: Nanos(totals.max_ns),
            buckets: counts.into_iter().map(|(index, count)| Bucket::at(index, count)).collect(),
        })
    }
}

impl Bucket {
    /// The bucket with this number (see [`buckets`]).
    #[must_use]
    pub fn at(index: u32, count: u64) -> Self {
        Self { low_ns: Nanos(buckets::low_ns(index)), high_ns: Nanos(buckets::high_ns(index)), count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_samples_make_no_histogram() {
        assert_eq!(Histogram::of([]), None);
        assert_eq!(Histogram::merged([]), None);
    }

    #[test]
    fn few_samples_beyond_a_quantile_do_not_support_it() {
        let histogram = Histogram::of((1..=100).map(Nanos)).unwrap();
        assert!(histogram.quantile(0.9).unwrap().is_supported());
        assert!(!histogram.quantile(0.99).unwrap().is_supported());
    }

    proptest! {
        #[test]
        fn quantiles_are_those_of_hdrhistogram(
            samples in prop::collection::vec(1..1_u64 << 41, 1..300),
            share in 0.0..=1.0_f64,
        ) {
            let mut peer = hdrhistogram::Histogram::<u64>::new_with_bounds(
                1, buckets::LIMIT_NS, buckets::SIGNIFICANT_DIGITS,
            ).unwrap();
            for sample in &samples {
                peer.record(*sample).unwrap();
            }
            let own = Histogram::of(samples.iter().copied().map(Nanos)).unwrap();
            let theirs = peer.value_at_quantile(share).min(own.max_ns.0);
            prop_assert_eq!(own.quantile(share).unwrap().value.0, theirs);
        }

        #[test]
        fn merging_is_recording_together(
            one in prop::collection::vec(0..1_u64 << 41, 1..50),
            two in prop::collection::vec(0..1_u64 << 41, 1..50),
        ) {
            let of = |samples: &[u64]| Histogram::of(samples.iter().copied().map(Nanos)).unwrap();
            let together = of(&[one.as_slice(), two.as_slice()].concat());
            prop_assert_eq!(Histogram::merged([&of(&one), &of(&two)]), Some(together));
        }
    }
}
