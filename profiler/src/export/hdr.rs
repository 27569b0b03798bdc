//! Converts recorded histograms to HdrHistogram, bucket for bucket.

use anyhow::{Context as _, Result, bail};
use model::buckets::{LIMIT_NS, PAGE_BUCKETS, SIGNIFICANT_DIGITS, high_ns, index, low_ns};
use model::profile::histogram::{Bucket, Histogram};

/// The smallest value distinguished from 0.
const LOWEST_NS: u64 = 1;

/// Sub-buckets of HdrHistogram: the buckets below the first doubling.
pub(super) const SUB_BUCKETS: usize = 2 * PAGE_BUCKETS;

/// Copies counts into the same buckets. Samples without a bucket are left out.
///
/// # Errors
/// If a bucket's bounds differ from HdrHistogram's.
pub(super) fn hdr(histogram: &Histogram) -> Result<hdrhistogram::Histogram<u64>> {
    let mut hdr = hdrhistogram::Histogram::new_with_bounds(LOWEST_NS, LIMIT_NS, SIGNIFICANT_DIGITS)
        .context("cannot make an HdrHistogram")?;
    for &Bucket { low_ns: low, high_ns: high, count } in &histogram.buckets {
        let own = index(low.0).map(|index| (low_ns(index), high_ns(index)));
        if own != Some((low.0, high.0)) {
            bail!(
                "a bucket from {} to {} ns is none of an HdrHistogram with {SIGNIFICANT_DIGITS} significant digits; \
                 export as csv, json or parquet, which keep any buckets",
                low.0,
                high.0
            );
        }
        // The lowest value stands for the bucket: HdrHistogram keeps no more than that.
        hdr.record_n(low.0, count).with_context(|| format!("cannot record {} ns", low.0))?;
    }
    Ok(hdr)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::units::Nanos;
    use proptest::prelude::*;

    #[test]
    fn a_foreign_bucket_is_refused_with_a_way_out() {
        let mut histogram = Histogram::of([Nanos(1_000)]).unwrap();
        histogram.buckets[0].high_ns.0 += 1;
        let error = hdr(&histogram).unwrap_err().to_string();
        assert!(error.contains("csv"), "{error}");
    }

    proptest! {
        #[test]
        fn every_bucket_keeps_its_bounds_and_its_count(
            samples in prop::collection::vec(0..1_u64 << 43, 1..300),
        ) {
            let own = Histogram::of(samples.into_iter().map(Nanos)).unwrap();
            let hdr = hdr(&own).unwrap();
            prop_assert_eq!(hdr.len(), own.bucketed());
            let theirs: Vec<Bucket> = hdr
                .iter_recorded()
                .map(|step| Bucket {
                    low_ns: Nanos(hdr.lowest_equivalent(step.value_iterated_to())),
                    high_ns: Nanos(hdr.highest_equivalent(step.value_iterated_to()) + 1),
                    count: step.count_at_value(),
                })
                .collect();
            prop_assert_eq!(theirs, own.buckets);
        }
    }
}
