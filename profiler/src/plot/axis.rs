//! Axes: a range of values, linear or logarithmic, and its labelled ticks.

use super::font::Font;
use super::sheet::TEXT_PT;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use std::ops::Range;

/// Least gap between two labels on one axis, in points.
const GAP_PT: f64 = 5.0;

/// Up to this many decades, ticks between them are labelled too.
const FEW_DECADES: i32 = 1;

/// An axis. Its range is never empty, and positive if it is logarithmic.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// The left or lower end.
    pub(super) low: f64,
    /// The right or upper end.
    pub(super) high: f64,
    logarithmic: bool,
    /// True if grid lines are drawn at the ticks.
    pub(super) has_lines: bool,
    /// In ascending order.
    ticks: Vec<Tick>,
}

#[derive(Clone, Debug)]
struct Tick {
    at: f64,
    /// The label; `None` for a grid line only.
    name: Option<String>,
}

impl Axis {
    /// A logarithmic axis of durations from `least_ns` to `most_ns`, extended to whole decades. Labels fit a
    /// horizontal axis of `length_pt` points; `None` for a vertical one.
    pub(super) fn durations(font: &Font, least_ns: f64, most_ns: f64, length_pt: Option<f64>) -> Self {
        let first = least_ns.max(1.0).log10().floor() as i32;
        let last = (most_ns.max(1.0).log10().ceil() as i32).max(first + 1);
        let mut ticks = decades(first, last, |exponent| duration(1.0, exponent));
        if last - first <= FEW_DECADES {
            let between = |exponent| {
                [2.0, 5.0]
                    .map(|times| Tick { at: times * power(exponent), name: Some(duration(times, exponent)) })
            };
            ticks.extend((first..last).flat_map(between));
            ticks.sort_by(|one, other| one.at.total_cmp(&other.at));
        }
        if let Some(length) = length_pt {
            thin_out(font, &mut ticks, length);
        }
        Self { low: power(first), high: power(last), logarithmic: true, has_lines: true, ticks }
    }

    /// A logarithmic axis of the share of samples beyond a value, from 1 down to one sample in `samples`.
    pub(super) fn beyond(samples: u64) -> Self {
        let last = decades_of(samples);
        let ticks = (-last..=0).map(|exponent| Tick { at: power(exponent), name: Some(percent(exponent)) });
        Self { low: power(-last), high: 1.0, logarithmic: true, has_lines: true, ticks: ticks.collect() }
    }

    /// Percentiles that approach 100 with every decade, as HdrHistogram draws them: logarithmic in `1 / (1 -
    /// share)`.
    pub(super) fn percentiles(font: &Font, samples: u64, length_pt: f64) -> Self {
        let last = decades_of(samples);
        let mut ticks = decades(0, last, percentile);
        thin_out(font, &mut ticks, length_pt);
        Self { low: 1.0, high: power(last), logarithmic: true, has_lines: true, ticks }
    }

    /// A linear axis of shares from 0 to 1, in percent.
    pub(super) fn shares() -> Self {
        let ticks = (0..=4).map(|quarter| Tick {
            at: f64::from(quarter) / 4.0,
            name: Some(format!("{}\u{a0}%", quarter * 25)),
        });
        Self { low: 0.0, high: 1.0, logarithmic: false, has_lines: true, ticks: ticks.collect() }
    }

    /// A linear axis of shares from 0 to at least `most`, in percent.
    pub(super) fn shares_up_to(most: f64) -> Self {
        let step = step(most.clamp(1e-6, 1.0) / 3.0);
        let steps = (most / step).ceil().max(1.0);
        let digits = usize::from(step < 0.01) + usize::from(step < 0.001);
        let ticks = (0..=steps as u32).map(|number| {
            let at = f64::from(number) * step;
            Tick { at, name: Some(format!("{:.digits$}\u{a0}%", at * 100.0)) }
        });
        Self { low: 0.0, high: steps * step, logarithmic: false, has_lines: true, ticks: ticks.collect() }
    }

    /// Time since the start of the run, from 0 to `most_s` seconds. Labels fit a horizontal axis of `length_pt`
    /// points.
    pub(super) fn seconds(font: &Font, most_s: f64, length_pt: f64) -> Self {
        let most = most_s.max(1e-9);
        let named = |step: f64| -> Vec<Tick> {
            let (unit, scale) = match step {
                step if step >= 1.0 => ("s", 1.0),
                step if step >= 1e-3 => ("ms", 1e3),
                step if step >= 1e-6 => ("µs", 1e6),
                _ => ("ns", 1e9),
            };
            let tick = |number: u32| {
                let at = f64::from(number) * step;
                Tick { at, name: Some(format!("{}\u{a0}{unit}", (at * scale * 10.0).round() / 10.0)) }
            };
            (0..=(most / step).floor() as u32).map(tick).collect()
        };
        let mut parts = 3.0;
        let mut ticks = named(step(most / parts));
        while ticks.len() > 2
            && (widest(font, &ticks) + GAP_PT) * most > (ticks[1].at - ticks[0].at) * length_pt
        {
            parts /= 2.0;
            ticks = named(step(most / parts));
        }
        Self { low: 0.0, high: most, logarithmic: false, has_lines: true, ticks }
    }

    /// Rows with these labels, the first on top; row n spans n to n + 1.
    pub(super) fn rows(names: impl IntoIterator<Item = Option<String>>) -> Self {
        let ticks = names.into_iter().zip(0_u32..);
        let ticks: Vec<Tick> = ticks.map(|(name, row)| Tick { at: f64::from(row) + 0.5, name }).collect();
        Self { low: ticks.len().max(1) as f64, high: 0.0, logarithmic: false, has_lines: false, ticks }
    }

    /// The width of the widest label.
    pub(super) fn widest_pt(&self, font: &Font) -> f64 {
        widest(font, &self.ticks)
    }

    /// The nearest value on the axis.
    pub(super) fn within(&self, value: f64) -> f64 {
        value.max(self.low.min(self.high)).min(self.high.max(self.low))
    }

    /// The position of a value, from 0 at the low end to 1 at the high one.
    pub(super) fn share(&self, value: f64) -> f64 {
        if self.logarithmic {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + (self.share(*value) * f64::from(to - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let also_unnamed = hint.weight().allow_light_points();
        self.ticks.iter().filter(|tick| also_unnamed || tick.name.is_some()).map(|tick| tick.at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.low..self.high
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|tick| tick.at == *value);
        tick.and_then(|tick| tick.name.clone()).unwrap_or_default()
    }
}

fn power(exponent: i32) -> f64 {
    10_f64.powi(exponent)
}

/// The decades from 1 to at least `samples`; at least one.
fn decades_of(samples: u64) -> i32 {
    ((samples as f64).log10().ceil() as i32).max(1)
}

fn decades(first: i32, last: i32, name: impl Fn(i32) -> String) -> Vec<Tick> {
    (first..=last).map(|exponent| Tick { at: power(exponent), name: Some(name(exponent)) }).collect()
}

/// The width of the widest label.
fn widest(font: &Font, ticks: &[Tick]) -> f64 {
    let names = ticks.iter().filter_map(|tick| tick.name.as_ref());
    names.map(|name| font.reserved_pt(name, TEXT_PT)).fold(0.0, f64::max)
}

/// Removes labels that do not fit: first those between decades, then all but every second decade, every third,
/// and so on.
fn thin_out(font: &Font, ticks: &mut [Tick], length_pt: f64) {
    let widest = widest(font, ticks) + GAP_PT;
    let (Some(first), Some(last)) = (ticks.first(), ticks.last()) else { return };
    let decade_pt = length_pt / (last.at / first.at).log10();
    let step = (widest / decade_pt).ceil().max(1.0) as i32;
    // The distances from 1 to 2 and from 5 to 10.
    let has_room_between = decade_pt * 2_f64.log10() >= widest;
    for tick in ticks {
        let exponent = tick.at.log10();
        let is_decade = (exponent - exponent.round()).abs() < 1e-9;
        let is_named = if is_decade { exponent.round() as i32 % step == 0 } else { has_room_between };
        if !is_named {
            tick.name = None;
        }
    }
}

/// The largest round step that is at most this: 1, 2 or 5 times a power of ten.
fn step(at_most: f64) -> f64 {
    let decade = 10_f64.powf(at_most.log10().floor());
    let times = [5.0, 2.0, 1.0].into_iter().find(|times| times * decade <= at_most).unwrap_or(1.0);
    times * decade
}

/// `times` × 10^`exponent` nanoseconds.
pub(super) fn duration(times: f64, exponent: i32) -> String {
    let (unit, of_unit) = match exponent {
        ..3 => ("ns", exponent),
        3..6 => ("µs", exponent - 3),
        6..9 => ("ms", exponent - 6),
        _ => ("s", exponent - 9),
    };
    format!("{}\u{a0}{unit}", times * power(of_unit))
}

/// 10^`exponent` in percent, the exponent at most 0.
fn percent(exponent: i32) -> String {
    let digits = usize::try_from(-exponent - 2).unwrap_or(0);
    format!("{:.digits$}\u{a0}%", power(exponent + 2))
}

/// 0, 90, 99, 99.9 …
fn percentile(nines: i32) -> String {
    let digits = usize::try_from(nines - 2).unwrap_or(0);
    format!("{:.digits$}", (1.0 - power(-nines)) * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.name.as_deref().unwrap_or("")).collect()
    }

    fn durations(least: f64, most: f64, length: f64) -> Axis {
        Axis::durations(&Font::new().unwrap(), least, most, Some(length))
    }

    #[test]
    fn durations_go_to_whole_decades() {
        let axis = durations(250.0, 3e6, 300.0);
        assert_eq!(
            named(&axis),
            ["100\u{a0}ns", "1\u{a0}µs", "10\u{a0}µs", "100\u{a0}µs", "1\u{a0}ms", "10\u{a0}ms"]
        );
        assert_eq!((axis.low, axis.high), (100.0, 1e7));
    }

    #[test]
    fn one_duration_has_a_range() {
        for only in [0.0, 1.0, 1e3, u64::MAX as f64] {
            let axis = durations(only, only, 100.0);
            assert!(axis.low < axis.high && axis.within(only.max(1.0)) == only.max(1.0), "{axis:?}");
        }
    }

    #[test]
    fn one_decade_has_names_between_where_there_is_room() {
        let names = ["1\u{a0}ms", "2\u{a0}ms", "5\u{a0}ms", "10\u{a0}ms"];
        assert_eq!(named(&durations(3e6, 5e6, 200.0)), names);
        assert_eq!(named(&durations(3e6, 5e6, 50.0)), ["1\u{a0}ms", "", "", "10\u{a0}ms"]);
    }

    #[test]
    fn names_that_would_touch_are_left_out() {
        assert_eq!(
            named(&durations(1.0, 1e9, 120.0)),
            ["1\u{a0}ns", "", "", "1\u{a0}µs", "", "", "1\u{a0}ms", "", "", "1\u{a0}s"]
        );
    }

    #[test]
    fn percentiles_come_closer_to_a_hundred() {
        let axis = Axis::percentiles(&Font::new().unwrap(), 20_000, 300.0);
        assert_eq!(named(&axis), ["0", "90", "99", "99.9", "99.99", "99.999"]);
    }

    #[test]
    fn the_tail_ends_at_one_sample() {
        let axis = Axis::beyond(1_000);
        assert_eq!(named(&axis), ["0.1\u{a0}%", "1\u{a0}%", "10\u{a0}%", "100\u{a0}%"]);
        assert_eq!(Axis::beyond(1).low, 0.1);
    }

    fn seconds(most: f64, length: f64) -> Axis {
        Axis::seconds(&Font::new().unwrap(), most, length)
    }

    #[test]
    fn times_have_room_for_their_names() {
        assert_eq!(named(&seconds(0.65, 200.0)), ["0\u{a0}ms", "200\u{a0}ms", "400\u{a0}ms", "600\u{a0}ms"]);
        assert_eq!(named(&seconds(0.65, 80.0)), ["0\u{a0}ms", "500\u{a0}ms"]);
    }

    #[test]
    fn linear_axes_have_round_steps() {
        assert_eq!(
            named(&Axis::shares_up_to(0.31)),
            ["0\u{a0}%", "10\u{a0}%", "20\u{a0}%", "30\u{a0}%", "40\u{a0}%"]
        );
        assert_eq!(
            named(&Axis::shares_up_to(0.012)),
            [
                "0.0\u{a0}%",
                "0.2\u{a0}%",
                "0.4\u{a0}%",
                "0.6\u{a0}%",
                "0.8\u{a0}%",
                "1.0\u{a0}%",
                "1.2\u{a0}%"
            ]
        );
        assert_eq!(named(&seconds(8.3, 200.0)), ["0\u{a0}s", "2\u{a0}s", "4\u{a0}s", "6\u{a0}s", "8\u{a0}s"]);
        assert_eq!(
            named(&seconds(0.054, 200.0)),
            ["0\u{a0}ms", "10\u{a0}ms", "20\u{a0}ms", "30\u{a0}ms", "40\u{a0}ms", "50\u{a0}ms"]
        );
    }

    #[test]
    fn places_are_shares_of_the_length() {
        let axis = durations(1.0, 1e4, 100.0);
        assert_eq!(axis.map(&100.0, (0, 4000)), 2000);
        assert_eq!(Axis::shares().map(&0.25, (1000, 0)), 750);
    }
}
