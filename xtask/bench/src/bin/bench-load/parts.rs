//! Times work in parts, so that a disturbance affects one part only.

use anyhow::{Context as _, Result};
use std::time::Duration;

/// Number of parts; odd, so that there is a middle one.
const PARTS: u32 = 9;

/// Nanoseconds for one of `amount` equal pieces of work: the median over the parts. `work` does the given
/// number of pieces and returns the time taken.
pub(crate) fn nanoseconds_each(amount: u32, mut work: impl FnMut(u32) -> Result<Duration>) -> Result<f64> {
    let pieces = amount.div_ceil(PARTS);
    let mut times = (0..PARTS).map(|_| work(pieces)).collect::<Result<Vec<_>>>()?;
    times.sort();
    let middle = times.get(times.len() / 2).context("nothing was timed")?;
    Ok(middle.as_nanos() as f64 / f64::from(pieces))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_in_the_middle_counts() {
        let mut calls = 0;
        let each = nanoseconds_each(80, |pieces| {
            calls += 1;
            // The slowest part is slower by far.
            Ok(Duration::from_nanos(u64::from(pieces) * if calls == 3 { 1_000 } else { calls }))
        });
        assert_eq!(calls, 9);
        assert!((each.unwrap() - 6.0).abs() < 1e-9, "of 1, 2, 4 to 9 and 1000");
    }
}
