//! The buckets in which samples are kept and shown: fewer than those they were measured in, which are put together.

use model::profile::histogram::{Bucket, Histogram};
use model::profile::units::Nanos;
use serde::Deserialize;

/// The lowest bound is 2^10 ns: about 1 µs.
const FIRST_BITS: u32 = 10;

/// The highest bound is at most 2^40 ns: about 18 minutes.
const LAST_BITS: u32 = 40;

/// The spacing of the bounds of classic histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub enum BucketFactor {
    /// Each bound twice the one before: 31 bounds.
    Two,
    /// Each bound four times the one before: 16 bounds.
    Four,
}

impl BucketFactor {
    /// log2 of the factor.
    const fn bits(self) -> u32 {
        match self {
            Self::Two => 1,
            Self::Four => 2,
        }
    }

    /// The number of bounds.
    const fn bounds(self) -> u32 {
        (LAST_BITS - FIRST_BITS) / self.bits() + 1
    }
}

impl TryFrom<u32> for BucketFactor {
    type Error = String;

    fn try_from(factor: u32) -> Result<Self, String> {
        match factor {
            2 => Ok(Self::Two),
            4 => Ok(Self::Four),
            other => Err(format!("a bucket_factor of {other} is not offered: it is 2 or 4")),
        }
    }
}

/// Finer than 2^6 buckets an octave would be finer than what is measured.
pub(super) const FINEST_SCALE: u8 = 6;

/// The buckets of a histogram. Buckets are numbered; higher numbers hold longer samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Fixed bounds, the last bucket being all beyond them.
    ///
    /// A bound is a power of two, less 1 ns since bounds are inclusive. No measured bucket lies on both sides of such
    /// a bound, so each count is exactly the samples that are not longer.
    Bounds(BucketFactor),
    /// Base-2 exponential buckets of seconds: number `i` holds more than `b^i` and at most `b^(i+1)`, where
    /// `b = 2^(2^-scale)`.
    ///
    /// A measured bucket is put whole into the one that holds its middle. So each sample is counted once, and one that
    /// is less than 0.4 % ([`RELATIVE_ERROR`](model::buckets::RELATIVE_ERROR) / 2) away from a bound may be
    /// counted on its other side.
    Exponential {
        /// 0 to [`FINEST_SCALE`].
        scale: u8,
    },
}

/// Nanoseconds of a second.
const SECOND: f64 = 1e9;

/// A duration in seconds, as both protocols want it.
pub(super) fn seconds(Nanos(ns): Nanos) -> f64 {
    ns as f64 / SECOND
}

impl Shape {
    /// The inclusive upper bounds in ascending order; none of exponential buckets, which have no end.
    pub(super) fn bounds(self) -> Vec<Nanos> {
        match self {
            Self::Bounds(factor) => (0..factor.bounds())
                .map(|bound| Nanos((1 << (FIRST_BITS + bound * factor.bits())) - 1))
                .collect(),
            Self::Exponential { .. } => Vec::new(),
        }
    }

    /// The bucket for a measured bucket; `None` for samples of 0 ns, which have no exponential bucket.
    fn bucket(self, measured: &Bucket) -> Option<i32> {
        match self {
            Self::Bounds(factor) => Some(below_bound(factor, measured.low_ns)),
            Self::Exponential { scale } => {
                let (low, last) = (measured.low_ns.0, measured.high_ns.0.saturating_sub(1));
                exponent(scale, low.midpoint(last.max(low)))
            }
        }
    }

    /// The bucket for samples of which only the longest is known: as if all were as long, so that none seems shorter
    /// than it was.
    fn bucket_of_rest(self, longest: Nanos) -> Option<i32> {
        match self {
            Self::Bounds(factor) => i32::try_from(factor.bounds()).ok(),
            Self::Exponential { scale } => exponent(scale, longest.0),
        }
    }
}

fn below_bound(factor: BucketFactor, Nanos(ns): Nanos) -> i32 {
    let Some(above) = ns.checked_ilog2().and_then(|bits| bits.checked_sub(FIRST_BITS)) else { return 0 };
    // At most 31, the number of bounds.
    (above / factor.bits() + 1).min(factor.bounds()) as i32
}

fn exponent(scale: u8, ns: u64) -> Option<i32> {
    let in_octaves = (ns > 0).then(|| seconds(Nanos(ns)).log2())?;
    // From -30 octaves (1 ns) to 35 (u64::MAX ns), times 2^6: no rounding that matters, no overflow.
    Some((in_octaves * f64::from(1_u32 << scale)).ceil() as i32 - 1)
}

/// The samples of one metric in buckets of a shape. Memory is for the buckets between the lowest and the highest that
/// hold samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Samples {
    pub(super) count: u64,
    pub(super) sum: Nanos,
    /// The shortest and the longest, as exact as in what was added; `None` without samples.
    pub(super) extremes: Option<(Nanos, Nanos)>,
    /// Samples that were measured without a bucket: in the last of fixed bounds, or counted as long as the longest.
    pub(super) without_bucket: u64,
    /// Samples of 0 ns, where these have no bucket.
    pub(super) zero: u64,
    /// The number of the first of the buckets.
    first: i32,
    buckets: Vec<u64>,
}

impl Samples {
    pub(super) fn add(&mut self, shape: Shape, added: &Histogram) {
        self.count = self.count.saturating_add(added.count);
        self.sum += added.sum_ns;
        let (min, max) = self.extremes.unwrap_or((added.min_ns, added.max_ns));
        self.extremes = Some((min.min(added.min_ns), max.max(added.max_ns)));
        for bucket in &added.buckets {
            self.put(shape.bucket(bucket), bucket.count);
        }
        let rest = added.without_bucket();
        if rest > 0 {
            self.without_bucket = self.without_bucket.saturating_add(rest);
            self.put(shape.bucket_of_rest(added.max_ns), rest);
        }
    }

    fn put(&mut self, bucket: Option<i32>, count: u64) {
        let Some(bucket) = bucket else {
            self.zero = self.zero.saturating_add(count);
            return;
        };
        if self.buckets.is_empty() {
            self.first = bucket;
        }
        let missing = usize::try_from(self.first.saturating_sub(bucket)).unwrap_or(0);
        if missing > 0 {
            self.buckets.splice(..0, std::iter::repeat_n(0, missing));
            self.first = bucket;
        }
        let place = usize::try_from(bucket.saturating_sub(self.first)).unwrap_or(0);
        if self.buckets.len() <= place {
            self.buckets.resize(place + 1, 0);
        }
        if let Some(there) = self.buckets.get_mut(place) {
            *there = there.saturating_add(count);
        }
    }

    /// The first bucket's number, and the counts from it on.
    pub(super) fn buckets(&self) -> (i32, &[u64]) {
        (self.first, &self.buckets)
    }

    /// The counts from bucket 0 to the one after the last of the bounds.
    pub(super) fn between(&self, bounds: usize) -> impl Iterator<Item = u64> {
        let empty = usize::try_from(self.first).unwrap_or(0);
        std::iter::repeat_n(0, empty)
            .chain(self.buckets.iter().copied())
            .chain(std::iter::repeat(0))
            .take(bounds + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::buckets::{self, RELATIVE_ERROR};
    use proptest::prelude::*;

    fn samples(shape: Shape, added: &[Histogram]) -> Samples {
        let mut samples = Samples::default();
        for histogram in added {
            samples.add(shape, histogram);
        }
        samples
    }

    fn any_shape() -> impl Strategy<Value = Shape> {
        prop_oneof![
            Just(Shape::Bounds(BucketFactor::Two)),
            Just(Shape::Bounds(BucketFactor::Four)),
            (0..=FINEST_SCALE).prop_map(|scale| Shape::Exponential { scale }),
        ]
    }

    /// Uniform over the bit lengths, with what lies on and beside the powers of two, beyond the last bucket too.
    fn any_ns() -> impl Strategy<Value = u64> {
        (0_u32..50, -1_i64..=1, any::<bool>(), any::<u64>()).prop_map(|(bits, beside, on, rest)| {
            let power = 1_u64 << bits;
            if on { power.saturating_add_signed(beside) } else { power | (rest & (power - 1)) }
        })
    }

    #[test]
    fn bounds_are_few_and_the_same_for_both_factors() {
        let four = Shape::Bounds(BucketFactor::Four).bounds();
        let two = Shape::Bounds(BucketFactor::Two).bounds();
        assert_eq!((four.len(), two.len()), (16, 31));
        assert_eq!(four.first(), Some(&Nanos(1_023)));
        assert_eq!(four.last(), Some(&Nanos((1 << 40) - 1)));
        assert!(four.iter().all(|bound| two.contains(bound)));
    }

    #[test]
    fn exponential_bounds_are_inclusive_above() {
        // 1 s is 2^0: the top of the bucket that ends there.
        assert_eq!(exponent(0, 1_000_000_000), Some(-1));
        assert_eq!(exponent(0, 1_000_000_001), Some(0));
        assert_eq!(exponent(3, 2_000_000_000), Some(7));
        assert_eq!(exponent(3, 0), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2048))]

        #[test]
        fn no_count_is_lost(
            shape in any_shape(),
            parts in prop::collection::vec(prop::collection::vec(any_ns(), 1..40), 1..4),
        ) {
            let histograms: Vec<Histogram> =
                parts.iter().map(|part| Histogram::of(part.iter().copied().map(Nanos)).unwrap()).collect();
            let kept = samples(shape, &histograms);
            let count: u64 = parts.iter().map(|part| part.len() as u64).sum();
            prop_assert_eq!(kept.count, count);
            prop_assert_eq!(kept.zero + kept.buckets.iter().sum::<u64>(), count);
            let beyond = parts.iter().flatten().filter(|&&ns| ns >= buckets::LIMIT_NS).count();
            prop_assert_eq!(kept.without_bucket, beyond as u64);
        }

        #[test]
        fn counts_below_the_bounds_are_exact(
            factor in prop_oneof![Just(BucketFactor::Two), Just(BucketFactor::Four)],
            all in prop::collection::vec(any_ns(), 1..60),
        ) {
            let shape = Shape::Bounds(factor);
            let kept = samples(shape, &[Histogram::of(all.iter().copied().map(Nanos)).unwrap()]);
            let bounds = shape.bounds();
            let mut below = 0;
            let mut counts = kept.between(bounds.len());
            for bound in &bounds {
                below += counts.next().unwrap();
                let exact = all.iter().filter(|&&ns| ns <= bound.0).count();
                prop_assert_eq!(below, exact as u64, "up to {} ns", bound.0);
            }
            prop_assert_eq!(below + counts.next().unwrap(), all.len() as u64);
            prop_assert_eq!(counts.next(), None);
        }

        #[test]
        fn a_sample_is_in_its_exponential_bucket_or_within_the_error_of_it(
            scale in 0..=FINEST_SCALE,
            ns in 1..buckets::LIMIT_NS,
        ) {
            let kept = samples(Shape::Exponential { scale }, &[Histogram::of([Nanos(ns)]).unwrap()]);
            prop_assert_eq!(kept.buckets.len(), 1);
            let base = 2_f64.powf(0.5_f64.powi(i32::from(scale)));
            // For the rounding of the bounds themselves, far below 1 ns.
            let error = RELATIVE_ERROR / 2.0 + 1e-9;
            let sample = seconds(Nanos(ns));
            prop_assert!(sample >= base.powi(kept.first) * (1.0 - error));
            prop_assert!(sample <= base.powi(kept.first + 1) * (1.0 + error));
        }
    }
}
