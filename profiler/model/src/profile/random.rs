//! Profiles made of a fuzzer's bytes: any figures and names, histograms that a recording could have made, and
//! now and then one that none could.

use crate::metric::Metric;
use crate::profile::SCHEMA;
use crate::profile::histogram::{Bucket, Histogram};
use crate::profile::reconciliation::Check;
use crate::profile::units::Nanos;
use arbitrary::{Arbitrary, Result, Unstructured};
use std::collections::BTreeMap;

/// A file of another schema is refused before anything in it is looked at.
pub(crate) fn schema(_: &mut Unstructured<'_>) -> Result<u32> {
    Ok(SCHEMA)
}

/// JSON knows no other numbers, and no share of time is negative.
pub(crate) fn finite(bytes: &mut Unstructured<'_>) -> Result<f64> {
    let value = f64::arbitrary(bytes)?.abs();
    Ok(if value.is_finite() { value } else { 0.0 })
}

/// Histograms by the names of metrics; rarely by a name that this version does not know.
pub(crate) fn by_metric(bytes: &mut Unstructured<'_>) -> Result<BTreeMap<String, Histogram>> {
    let mut map = BTreeMap::new();
    for metric in Metric::ALL {
        if bytes.arbitrary()? {
            map.insert(metric.name().to_owned(), bytes.arbitrary()?);
        }
    }
    if bytes.ratio(1, 16)? {
        map.insert(bytes.arbitrary()?, bytes.arbitrary()?);
    }
    Ok(map)
}

impl<'a> Arbitrary<'a> for Histogram {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        if bytes.ratio(1, 8)? { broken(bytes) } else { sound(bytes) }
    }
}

fn broken(bytes: &mut Unstructured<'_>) -> Result<Histogram> {
    Ok(Histogram {
        count: bytes.arbitrary()?,
        sum_ns: bytes.arbitrary()?,
        min_ns: bytes.arbitrary()?,
        max_ns: bytes.arbitrary()?,
        buckets: bytes.arbitrary()?,
    })
}

/// A few samples of any length, each taken once or very often.
fn sound(bytes: &mut Unstructured<'_>) -> Result<Histogram> {
    /// So that the sum of the samples fits.
    const LONGEST_LOG2: u32 = 58;
    let mut samples = Vec::new();
    for _ in 0..bytes.int_in_range(1..=12)? {
        // All lengths alike, those without a bucket too.
        let shift = u64::BITS - bytes.int_in_range(0..=LONGEST_LOG2)?;
        samples.push(Nanos(bytes.arbitrary::<u64>()?.checked_shr(shift).unwrap_or(0)));
    }
    let times = if bytes.ratio(1, 8)? { bytes.arbitrary::<u64>()?.max(1) } else { 1 };
    let once = Histogram::of(samples).ok_or(arbitrary::Error::IncorrectFormat)?;
    Ok(repeated(&once, times).unwrap_or(once))
}

/// Every sample taken so many times; `None` if that can't be counted.
fn repeated(once: &Histogram, times: u64) -> Option<Histogram> {
    let buckets = once.buckets.iter();
    let buckets = buckets.map(|bucket| Some(Bucket { count: bucket.count.checked_mul(times)?, ..*bucket }));
    Some(Histogram {
        count: once.count.checked_mul(times)?,
        sum_ns: Nanos(once.sum_ns.0.checked_mul(times)?),
        buckets: buckets.collect::<Option<_>>()?,
        ..once.clone()
    })
}

impl<'a> Arbitrary<'a> for Check {
    /// The difference is that of the figures, and mostly small.
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        let kernel: u64 = bytes.arbitrary()?;
        let measured = if bytes.ratio(1, 4)? {
            bytes.arbitrary()?
        } else {
            kernel.saturating_add(bytes.int_in_range(0..=3)?)
        };
        let check = Self::new(bytes.arbitrary()?, bytes.arbitrary()?, kernel, measured);
        Ok(Self { explanation: bytes.arbitrary()?, ..check })
    }
}
