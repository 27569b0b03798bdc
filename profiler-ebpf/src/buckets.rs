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
/// The position of the highest bit by a de Bruijn sequence, since BPF has no instruction that counts leading
/// zeros. Without branches: a binary search over the bit length takes as many instructions, but gives the
/// verifier 35 paths to follow through every caller (41 700 instructions instead of 30 600 in the program on
/// `sched_switch`, 3 900 instead of 1 300 in those on faults) and the processor six branches to guess. Ranges: `ns` below [`LIMIT_NS`]; result 0 to 34.
#[must_use]
#[inline(always)]
pub const fn octave(ns: u64) -> u32 {
    let mut bits = (ns >> PAGE_BITS) | 1;
    bits |= bits >> 1;
    bits |= bits >> 2;
    bits |= bits >> 4;
    bits |= bits >> 8;
    bits |= bits >> 16;
    bits |= bits >> 32;
    let highest = bits - (bits >> 1);
    POSITIONS[(highest.wrapping_mul(DE_BRUIJN) >> 58) as usize] as u32
}

/// A de Bruijn sequence of order 6: each of its 64 windows of 6 bits is another number.
const DE_BRUIJN: u64 = 0x03f7_9d71_b4cb_0a89;

/// For each window the position at which it stands, which is that of the bit multiplied with.
static POSITIONS: [u8; 64] = positions();

const fn positions() -> [u8; 64] {
    let mut positions = [0; 64];
    let mut bit = 0;
    while bit < 64 {
        positions[((1_u64 << bit).wrapping_mul(DE_BRUIJN) >> 58) as usize] = bit as u8;
        bit += 1;
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
