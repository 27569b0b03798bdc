//! Formats figures as text.

use super::wrap::JOINT;
use crate::figures::grouped;
pub(crate) use crate::figures::{count, signed};
use model::profile::units::{Bytes, Nanos};

/// The text for a figure that is absent.
pub(crate) const ABSENT: &str = "–";

/// Significant digits: buckets are up to 0.8 % wide, so a fourth digit would mean nothing.
const SIGNIFICANT_DIGITS: i32 = 3;

/// The most decimals: more would widen a column for its smallest figures.
const MOST_DECIMALS: i32 = 3;

/// A unit of durations, chosen once for a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Nanos,
    Micros,
    Millis,
    Seconds,
}

impl Unit {
    const DESCENDING: [Self; 4] = [Self::Seconds, Self::Millis, Self::Micros, Self::Nanos];

    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Nanos => "ns",
            Self::Micros => "µs",
            Self::Millis => "ms",
            Self::Seconds => "s",
        }
    }

    /// Decimals that reach down to one nanosecond.
    fn decimals(self) -> i32 {
        match self {
            Self::Nanos => 0,
            Self::Micros => 3,
            Self::Millis => 6,
            Self::Seconds => 9,
        }
    }

    pub(super) fn of(self, time: Nanos) -> f64 {
        time.0 as f64 / 10_f64.powi(self.decimals())
    }

    /// The largest unit in which a duration is at least 1.
    pub(super) fn for_one(time: Nanos) -> Self {
        Self::DESCENDING.into_iter().find(|unit| unit.of(time) >= 1.0).unwrap_or(Self::Nanos)
    }

    /// The unit of a table: the best for the median, or a smaller one if the shortest duration would have less
    /// than two significant digits.
    pub(super) fn for_table(times: impl IntoIterator<Item = Nanos>) -> Self {
        let mut times: Vec<Nanos> = times.into_iter().filter(|time| time.0 > 0).collect();
        times.sort_unstable();
        let Some(&shortest) = times.first() else { return Self::Micros };
        let best = times.get(times.len() / 2).map_or(Self::Micros, |&median| Self::for_one(median));
        let no_larger = Self::DESCENDING.into_iter().skip_while(|unit| *unit != best);
        no_larger.into_iter().find(|unit| unit.keeps_digits(shortest)).unwrap_or(Self::Nanos)
    }

    /// True if [`Self::figure`] shows two significant digits, or all digits there are.
    fn keeps_digits(self, time: Nanos) -> bool {
        self.decimals() <= MOST_DECIMALS || self.of(time) >= 10_f64.powi(1 - MOST_DECIMALS)
    }

    /// A duration in this unit, with three significant digits but all integer digits.
    pub(crate) fn figure(self, time: Nanos) -> String {
        significant(self.of(time), self.decimals().min(MOST_DECIMALS))
    }

    /// A duration in this unit, with a fixed number of decimals.
    pub(super) fn fixed(self, time: Nanos, decimals: usize) -> String {
        grouped(&format!("{:.decimals$}", self.of(time)))
    }
}

/// A duration with the unit that suits it.
pub(crate) fn duration(time: Nanos) -> String {
    let unit = Unit::for_one(time);
    format!("{}{JOINT}{}", unit.figure(time), unit.symbol())
}

/// A power of ten nanoseconds, `100 µs`.
pub(crate) fn decade(power: u32) -> String {
    duration(Nanos(10_u64.saturating_pow(power))).replace(".00", "").replace(".0", "")
}

/// A duration in fractional nanoseconds, with the unit that suits it.
pub(super) fn duration_of(nanos: f64) -> String {
    duration(Nanos(nanos.round() as u64))
}

/// A size in decimal units.
pub(super) fn size(bytes: f64) -> String {
    let (divisor, symbol) = match bytes {
        bytes if bytes >= 1e9 => (1e9, "GB"),
        bytes if bytes >= 1e6 => (1e6, "MB"),
        bytes if bytes >= 1e3 => (1e3, "kB"),
        _ => (1.0, "B"),
    };
    format!("{}{JOINT}{symbol}", number(bytes / divisor))
}

/// A size in megabytes.
pub(super) fn megabytes(bytes: Bytes) -> String {
    grouped(&format!("{:.1}", bytes.0 as f64 / 1e6))
}

/// A number with three significant digits.
pub(super) fn number(value: f64) -> String {
    significant(value, MOST_DECIMALS)
}

/// A whole number and the noun it counts, `1 thread`, `1,234 threads`.
pub(crate) fn counted(value: u64, noun: &str) -> String {
    format!("{}{JOINT}{noun}{}", count(value), if value == 1 { "" } else { "s" })
}

/// A share, `12.3 %` without the sign.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

fn significant(value: f64, most_decimals: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let least = 0.1_f64.powi(most_decimals);
    if value.abs() < least / 2.0 {
        return format!("<{least:.*}", most_decimals as usize);
    }
    let magnitude = value.abs().log10().floor() as i32;
    let decimals = (SIGNIFICANT_DIGITS - 1 - magnitude).clamp(0, most_decimals) as usize;
    grouped(&format!("{value:.decimals$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noun_is_as_many_as_its_number() {
        assert_eq!(counted(1, "thread"), "1\u{a0}thread");
        assert_eq!(counted(1_234, "thread"), "1,234\u{a0}threads");
    }

    #[test]
    fn three_digits_are_kept_and_the_whole_part_is_complete() {
        let micros = [0, 5, 612, 1_234, 12_345, 123_456, 50_123_456].map(|ns| Unit::Micros.figure(Nanos(ns)));
        assert_eq!(micros, ["0", "0.005", "0.612", "1.23", "12.3", "123", "50,123"]);
        assert_eq!(Unit::Nanos.figure(Nanos(12)), "12");
        assert_eq!(Unit::Millis.figure(Nanos(8_412)), "0.008");
        assert_eq!(Unit::Millis.figure(Nanos(412)), "<0.001");
    }

    #[test]
    fn a_duration_alone_takes_its_own_unit() {
        let durations = [0, 999, 1_000, 3_080_000, 150_060_000_000].map(|ns| duration(Nanos(ns)));
        assert_eq!(durations, ["0\u{a0}ns", "999\u{a0}ns", "1.00\u{a0}µs", "3.08\u{a0}ms", "150\u{a0}s"]);
    }

    #[test]
    fn the_unit_follows_the_median() {
        let unit = |times: &[u64]| Unit::for_table(times.iter().copied().map(Nanos));
        assert_eq!(unit(&[600, 12_000, 25_000, 50_000_000]), Unit::Micros);
        assert_eq!(unit(&[600]), Unit::Nanos);
        assert_eq!(unit(&[0, 0, 3_000_000_000]), Unit::Seconds);
        assert_eq!(unit(&[]), Unit::Micros);
    }

    #[test]
    fn the_shortest_duration_keeps_two_digits() {
        let unit = |times: &[u64]| Unit::for_table(times.iter().copied().map(Nanos));
        assert_eq!(unit(&[1_200, 50_000_000, 50_000_000]), Unit::Micros);
        assert_eq!(unit(&[9_999, 50_000_000, 50_000_000]), Unit::Micros);
        assert_eq!(unit(&[10_000, 50_000_000, 50_000_000]), Unit::Millis);
        assert_eq!(unit(&[3_000_000, 2_000_000_000, 2_000_000_000]), Unit::Millis);
        assert_eq!(unit(&[1_200, 2_000_000_000, 2_000_000_000]), Unit::Micros);
        // Three decimals of a microsecond resolve a nanosecond.
        assert_eq!(unit(&[3, 12_000, 12_000]), Unit::Micros);
    }

    #[test]
    fn sizes_are_decimal() {
        assert_eq!(size(434_000.0), "434\u{a0}kB");
        assert_eq!(megabytes(Bytes(21_800_000)), "21.8");
        assert_eq!(percent(0.9712), "97.1");
    }
}
