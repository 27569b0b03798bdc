//! Work that is timed in parts, so that one disturbance is in one part only.

use anyhow::{Context as _, Result};
use std::time::Duration;

/// An odd number, so that one of them is in the middle.
const PARTS: u32 = 9;

/// The nanoseconds of one of `amount` equal pieces of work: those of the part in the middle. `work` does the
/// number of pieces that it is given, and says how long they took.
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
