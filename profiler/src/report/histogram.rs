//! Small histograms drawn with block characters over a logarithmic time axis.

use super::units;
use super::wrap;
use model::profile::histogram::Histogram;
use model::profile::units::Nanos;

/// Blocks by height, from one sample to the fullest column.
pub(crate) const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The finest resolution: a column is 21 % wide, so that some hundred samples still form a shape.
const MOST_COLUMNS_PER_DECADE: usize = 12;

/// Width of a labelled tick: `┼100 µs─`.
const LABELLED_TICK: usize = 8;

/// A logarithmic time axis common to several histograms: whole decades, each equally many columns wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Axis {
    first_decade: u32,
    decades: u32,
    columns_per_decade: usize,
}

impl Axis {
    /// The axis over all samples of these histograms, at most `width` columns wide with its last label; `None`
    /// without samples.
    pub(crate) fn over<'a>(
        histograms: impl IntoIterator<Item = &'a Histogram>,
        width: usize,
    ) -> Option<Self> {
        let mut first = u64::MAX;
        let mut last = 0;
        for histogram in histograms {
            // 0 ns has no position on a logarithmic axis; it is drawn in the first column.
            let shortest = histogram.buckets.iter().find(|bucket| bucket.low_ns.0 > 0);
            first = first.min(shortest.map_or(u64::MAX, |bucket| bucket.low_ns.0));
            last = last.max(histogram.buckets.last().map_or(0, |bucket| bucket.high_ns.0.saturating_sub(1)));
        }
        if last == 0 {
            return None;
        }
        let first_decade = first.min(last).ilog10();
        let decades = last.ilog10() + 1 - first_decade;
        let end = wrap::width("┤100 ms");
        let columns_per_decade = (width.saturating_sub(end) / decades as usize).min(MOST_COLUMNS_PER_DECADE);
        (columns_per_decade > 0).then_some(Self { first_decade, decades, columns_per_decade })
    }

    fn width(self) -> usize {
        self.decades as usize * self.columns_per_decade
    }

    /// `├100 ns───┼1 µs─────┼10 µs────┤100 µs`
    pub(crate) fn ruler(self) -> String {
        let step = LABELLED_TICK.div_ceil(self.columns_per_decade) as u32;
        let mut ruler = String::new();
        for decade in (0..self.decades).step_by(step as usize) {
            let tick = if decade == 0 { '├' } else { '┼' };
            let label = self.label(decade);
            let columns = self.columns_per_decade * step.min(self.decades - decade) as usize;
            let line = columns.saturating_sub(1 + wrap::width(&label));
            if line == 0 && columns < LABELLED_TICK {
                ruler.push_str(&"─".repeat(columns));
            } else {
                ruler.push(tick);
                ruler.push_str(&label);
                ruler.push_str(&"─".repeat(line));
            }
        }
        ruler.push('┤');
        ruler + &self.label(self.decades)
    }

    /// `100 ns … 100 ms`
    pub(super) fn range(self) -> String {
        format!("{} … {}", self.label(0), self.label(self.decades))
    }

    fn label(self, decade: u32) -> String {
        units::decade(self.first_decade + decade)
    }

    /// Draws the samples as blocks; heights are logarithmic.
    pub(super) fn draw(self, histogram: &Histogram) -> String {
        let columns = self.columns(histogram);
        let fullest = columns.iter().copied().max().unwrap_or(0);
        let blocks = columns.into_iter().map(|count| match count {
            0 => ' ',
            _ => block(count, fullest),
        });
        blocks.collect::<String>().trim_end().to_owned()
    }

    /// The number of samples in each column.
    pub(crate) fn columns(self, histogram: &Histogram) -> Vec<u64> {
        let mut columns = vec![0_u64; self.width()];
        for bucket in &histogram.buckets {
            let middle = bucket.low_ns.0.midpoint(bucket.high_ns.0);
            let middle = middle.max(histogram.min_ns.0).min(histogram.max_ns.0);
            if let Some(column) = columns.get_mut(self.column(Nanos(middle))) {
                *column = column.saturating_add(bucket.count);
            }
        }
        columns
    }

    fn column(self, time: Nanos) -> usize {
        let decades = (time.0.max(1) as f64).log10() - f64::from(self.first_decade);
        // The addend keeps 1000 ns, whose logarithm may be computed as 2.999…, in its own decade.
        let column = decades * self.columns_per_decade as f64 + 1e-9;
        (column.max(0.0) as usize).min(self.width() - 1)
    }
}

fn block(count: u64, fullest: u64) -> char {
    BLOCKS[level(count, fullest, BLOCKS.len()) - 1]
}

/// The height of a column, from 1 for a single sample to `levels` for the fullest column, logarithmic in
/// between. A linear height would flatten every tail beside a column of 200 000 samples.
pub(crate) fn level(count: u64, fullest: u64, levels: usize) -> usize {
    let share = (count.max(1) as f64).ln() / (fullest.max(2) as f64).ln();
    let level = (share * (levels - 1) as f64).round() as usize;
    level.min(levels - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(samples: &[(u64, usize)]) -> Histogram {
        let all = samples.iter().flat_map(|&(ns, count)| std::iter::repeat_n(Nanos(ns), count));
        Histogram::of(all).unwrap()
    }

    #[test]
    fn the_axis_covers_whole_decades() {
        let axis = Axis::over([&of(&[(250, 1), (7_000, 3)])], 40).unwrap();
        assert_eq!(axis.range(), "100\u{a0}ns … 10\u{a0}µs");
        assert_eq!(axis.ruler(), "├100\u{a0}ns─────┼1\u{a0}µs───────┤10\u{a0}µs");
    }

    #[test]
    fn height_follows_the_count_and_one_sample_is_seen() {
        let histogram = of(&[(1_000, 1), (10_000, 30), (100_000, 1_000)]);
        let axis = Axis::over([&histogram], 37).unwrap();
        assert_eq!(axis.draw(&histogram), "▁         ▄         █");
    }

    #[test]
    fn a_shared_axis_places_the_same_time_in_the_same_column() {
        let (one, two) = (of(&[(1_000, 1), (1_000_000, 1)]), of(&[(1_000_000, 5)]));
        let axis = Axis::over([&one, &two], 60).unwrap();
        assert_eq!(axis.draw(&one).chars().count(), axis.draw(&two).chars().count());
    }

    #[test]
    fn zero_is_in_the_first_column() {
        let histogram = of(&[(0, 3), (500, 3)]);
        let axis = Axis::over([&histogram], 40).unwrap();
        assert!(axis.draw(&histogram).starts_with('█'));
        assert_eq!(axis.range(), "100\u{a0}ns … 1\u{a0}µs");
    }

    #[test]
    fn nothing_needs_no_axis() {
        assert_eq!(Axis::over([], 80), None);
    }

    #[test]
    fn many_decades_in_little_width_label_some() {
        let axis = Axis::over([&of(&[(10, 1), (90_000_000_000, 1)])], 50).unwrap();
        assert!(wrap::width(&axis.ruler()) <= 50, "{}", axis.ruler());
    }
}
