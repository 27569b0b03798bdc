//! True if a profile's figures fit together: what a file must keep to be worth a report.
//!
//! Only what a report relies on. What a recording found odd is its reconciliation's to say.

use super::Profile;
use super::histogram::Histogram;
use super::reconciliation::Check;
use crate::outside_text::excerpt;
use anyhow::{Context, Result, bail};

/// Fails with the first contradiction.
///
/// # Errors
/// If a histogram or a comparison contradicts itself.
pub fn check(profile: &Profile) -> Result<()> {
    let usage = profile.usage.as_ref();
    if let Some(percent) = usage.map(|usage| usage.cpu_percent).filter(|percent| *percent < 0.0) {
        bail!("cpu_percent is {percent}");
    }
    for thread in &profile.threads {
        for (metric, histogram) in &thread.histograms {
            sound(histogram).with_context(|| format!("{} of thread {}", excerpt(metric), thread.tid))?;
        }
    }
    for (metric, histogram) in profile.without_slot.iter().flat_map(|rest| &rest.metrics) {
        sound(histogram).with_context(|| format!("{} of the threads without a slot", excerpt(metric)))?;
    }
    for interval in &profile.intervals {
        for part in &interval.threads {
            if part.thread as usize >= profile.threads.len() {
                bail!("an interval names thread {} of {}", part.thread, profile.threads.len());
            }
            for (metric, histogram) in &part.histograms {
                sound(histogram).with_context(|| format!("{} in an interval", excerpt(metric)))?;
            }
        }
    }
    for Check { quantity, kernel, measured, difference, .. } in &profile.reconciliation {
        if *difference != Check::difference_of(*kernel, *measured) {
            bail!("{}: {measured} measured less {kernel} is not {difference}", quantity.label());
        }
    }
    Ok(())
}

/// Quantiles are read from the buckets: these must be in order, and lie where the extremes allow samples.
pub fn sound(histogram: &Histogram) -> Result<()> {
    let Histogram { count, min_ns, max_ns, buckets, .. } = histogram;
    if *count == 0 {
        bail!("it has no samples");
    }
    if min_ns > max_ns {
        bail!("its min_ns is above its max_ns");
    }
    if buckets.iter().any(|bucket| bucket.low_ns >= bucket.high_ns || bucket.count == 0) {
        bail!("it has an empty bucket");
    }
    if buckets.windows(2).any(|pair| pair[0].high_ns > pair[1].low_ns) {
        bail!("its buckets are not in ascending order");
    }
    let lies_below = buckets.first().is_some_and(|first| first.high_ns <= *min_ns);
    let lies_above = buckets.last().is_some_and(|last| last.low_ns > *max_ns);
    if lies_below || lies_above {
        bail!("it has a bucket outside of min_ns to max_ns");
    }
    let bucketed = buckets.iter().try_fold(0_u64, |sum, bucket| sum.checked_add(bucket.count));
    if bucketed.is_none_or(|bucketed| bucketed > *count) {
        bail!("its buckets hold more samples than it has");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::histogram::Bucket;
    use super::super::units::Nanos;
    use super::*;

    /// The refusal of a histogram of 5, 7 and 300 ns after it was damaged.
    fn said(damage: fn(&mut Histogram)) -> String {
        let mut histogram = Histogram::of([5, 7, 300].map(Nanos)).unwrap();
        sound(&histogram).unwrap();
        damage(&mut histogram);
        sound(&histogram).unwrap_err().to_string()
    }

    #[test]
    fn every_contradiction_is_named() {
        assert_eq!(said(|of| of.count = 0), "it has no samples");
        assert_eq!(said(|of| of.min_ns = Nanos(301)), "its min_ns is above its max_ns");
        assert_eq!(said(|of| of.buckets[1].count = 0), "it has an empty bucket");
        assert_eq!(said(|of| of.buckets[1].high_ns = Nanos(7)), "it has an empty bucket");
        assert_eq!(said(|of| of.buckets.swap(0, 1)), "its buckets are not in ascending order");
        assert_eq!(said(|of| of.buckets[0].high_ns = Nanos(8)), "its buckets are not in ascending order");
        assert_eq!(said(|of| of.min_ns = Nanos(6)), "it has a bucket outside of min_ns to max_ns");
        assert_eq!(said(|of| of.max_ns = Nanos(299)), "it has a bucket outside of min_ns to max_ns");
        assert_eq!(said(|of| of.count = 2), "its buckets hold more samples than it has");
        assert_eq!(said(|of| of.buckets[2].count = u64::MAX), "its buckets hold more samples than it has");
    }

    #[test]
    fn samples_without_a_bucket_are_no_contradiction() {
        let histogram = Histogram { buckets: Vec::new(), ..Histogram::of([Nanos(5)]).unwrap() };
        sound(&histogram).unwrap();
        let first = Bucket { low_ns: Nanos(5), high_ns: Nanos(6), count: 1 };
        sound(&Histogram { buckets: vec![first], ..Histogram::of([Nanos(5), Nanos(9)]).unwrap() }).unwrap();
    }
}
