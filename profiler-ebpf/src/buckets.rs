//! Bucket arithmetic: the bucket layout of an HdrHistogram with two significant digits and a lowest
//! discernible value of 1 ns.
//!
//! Values below 256 ns have a bucket each; above, every doubling (octave) is split into 128 equal buckets, so
//! a bucket is at most 1/128 (0.8 %) as wide as its lower bound. Buckets are numbered from 0 without gaps and
//! kept in pages of 128: pages 0 and 1 hold the unit buckets, each further page one octave.

/// Significant decimal digits of the equivalent HdrHistogram.
pub const SIGNIFICANT_DIGITS: u8 = 2;

/// Buckets in each octave above the unit buckets, and in each page.
pub const PAGE_BUCKETS: usize = 128;

/// log2 of [`PAGE_BUCKETS`].
const PAGE_BITS: u32 = PAGE_BUCKETS.trailing_zeros();

/// Values of at least this (2^42 ns, 73 minutes) have no bucket; they count in the totals only.
pub const LIMIT_NS: u64 = 1 << LIMIT_BITS;
const LIMIT_BITS: u32 = 42;

/// Pages that cover 0 to [`LIMIT_NS`]: one for the values below 128, then one for each octave from 2^7.
pub const PAGES: usize = 1 + (LIMIT_BITS - PAGE_BITS) as usize;

/// The upper bound of a bucket's width as a share of its lower bound.
pub const RELATIVE_ERROR: f64 = 1.0 / PAGE_BUCKETS as f64;

/// The octave of a value: 0 below 256, then one more for each doubling.
///
/// The highest bit by a table, a byte at a time, since BPF has no instruction that counts leading zeros. What is
/// shorter than 32 µs, as most samples are, takes one comparison: 27 ns less a pipe round trip (5 samples) than a
/// de Bruijn sequence without branches, whose 20 operations wait for each other. Ranges: `ns` below [`LIMIT_NS`];
/// result 0 to 34.
#[must_use]
#[inline(always)]
pub const fn octave(ns: u64) -> u32 {
    let mut rest = ns >> PAGE_BITS;
    let mut below = 0;
    while rest > BYTE && below < LIMIT_BITS - PAGE_BITS {
        rest >>= u8::BITS;
        below += u8::BITS;
    }
    HIGHEST_BIT[(rest & BYTE) as usize] as u32 + below
}

const BYTE: u64 = u8::MAX as u64;

/// The position of the highest bit of each byte; 0 for 0, which has none.
static HIGHEST_BIT: [u8; 1 << u8::BITS] = highest_bits();

const fn highest_bits() -> [u8; 1 << u8::BITS] {
    let mut positions = [0; 1 << u8::BITS];
    let mut byte = 1;
    while byte < positions.len() {
        positions[byte] = byte.ilog2() as u8;
        byte += 1;
    }
    positions
}

/// The bucket that a value falls into, or `None` from [`LIMIT_NS`] on.
#[must_use]
#[inline(always)]
pub const fn index(ns: u64) -> Option<u32> {
    if ns >= LIMIT_NS {
        return None;
    }
    let octave = octave(ns);
    Some((octave << PAGE_BITS) + (ns >> octave) as u32)
}

/// The page that holds a bucket.
#[must_use]
#[inline(always)]
pub const fn page(index: u32) -> usize {
    (index >> PAGE_BITS) as usize
}

/// The bucket's place in its page.
#[must_use]
#[inline(always)]
pub const fn cell(index: u32) -> usize {
    index as usize & (PAGE_BUCKETS - 1)
}

/// The lowest value of a bucket, in nanoseconds, inclusive.
#[must_use]
pub const fn low_ns(index: u32) -> u64 {
    let octave = octave_of_bucket(index);
    ((index - (octave << PAGE_BITS)) as u64) << octave
}

/// The upper bound of a bucket, in nanoseconds, exclusive.
#[must_use]
pub const fn high_ns(index: u32) -> u64 {
    low_ns(index) + (1 << octave_of_bucket(index))
}

const fn octave_of_bucket(index: u32) -> u32 {
    (index >> PAGE_BITS).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    #[test]
    fn buckets_follow_each_other_without_gap() {
        let last = (PAGES * PAGE_BUCKETS) as u32 - 1;
        assert_eq!(low_ns(0), 0);
        for bucket in 0..last {
            assert_eq!(high_ns(bucket), low_ns(bucket + 1), "after bucket {bucket}");
        }
        assert_eq!(high_ns(last), LIMIT_NS);
    }

    #[test]
    fn the_limit_has_no_bucket() {
        assert_eq!(index(LIMIT_NS - 1), Some((PAGES * PAGE_BUCKETS) as u32 - 1));
        assert_eq!(index(LIMIT_NS), None);
        assert_eq!(index(u64::MAX), None);
    }

    /// Uniform over the bit lengths, so that small and large values are tried alike.
    fn any_duration() -> impl Strategy<Value = u64> {
        (0..LIMIT_BITS).prop_flat_map(|bits| 0..(2_u64 << bits))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_value_lies_in_its_bucket(ns in any_duration()) {
            let bucket = index(ns).unwrap();
            prop_assert!(low_ns(bucket) <= ns && ns < high_ns(bucket));
            prop_assert_eq!(page(bucket) * PAGE_BUCKETS + cell(bucket), bucket as usize);
        }

        #[test]
        fn bounds_are_those_of_hdrhistogram(ns in any_duration()) {
            let peer = Histogram::<u64>::new_with_bounds(1, LIMIT_NS, SIGNIFICANT_DIGITS).unwrap();
            let bucket = index(ns).unwrap();
            prop_assert_eq!(low_ns(bucket), peer.lowest_equivalent(ns));
            prop_assert_eq!(high_ns(bucket), peer.highest_equivalent(ns) + 1);
        }
    }
}
