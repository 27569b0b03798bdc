//! Bins of durations, ten a decade: wide enough to be seen, and far wider than the buckets of a profile.

pub(super) const IN_DECADE: u32 = 10;

/// The bin of a duration. Below 10 ns each nanosecond has a bin of its own, since a tenth of a decade is
/// narrower than that.
pub(super) fn number(ns: u64) -> u32 {
    if ns < 10 {
        return ns.max(1) as u32;
    }
    // The last bin that begins at or below it; rounding of the logarithm is off by one at some edges.
    let near = ((ns as f64).log10() * f64::from(IN_DECADE)).floor() as u32;
    (near.saturating_sub(1)..=near + 1).rev().find(|&bin| low_ns(bin) <= ns as f64).unwrap_or(near)
}

/// The lower bound of a bin; bin 10 begins at 10 ns.
pub(super) fn low_ns(bin: u32) -> f64 {
    if bin < IN_DECADE { f64::from(bin) } else { 10_f64.powf(f64::from(bin) / f64::from(IN_DECADE)).round() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_bin_that_begins_below_it() {
        for ns in
            (1..2_000).chain((3..19).flat_map(|exponent| [10_u64.pow(exponent) - 1, 10_u64.pow(exponent)]))
        {
            let bin = number(ns);
            assert!(low_ns(bin) <= ns as f64 && (ns as f64) < low_ns(bin + 1), "{ns} in {bin}");
        }
        assert_eq!(number(0), 1);
        assert_eq!(number(1_000), 30);
    }
}
