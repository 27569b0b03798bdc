//! Figures drawn with block characters.

use super::{Palette, put};
use crate::report::histogram::{Axis, BLOCKS, level};
use model::profile::histogram::Histogram;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// A line of the last values that fit, scaled to the largest: blank for a missing value, the lowest block for
/// 0.
pub(super) fn line(values: impl DoubleEndedIterator<Item = Option<f64>>, width: usize) -> String {
    let mut last: Vec<Option<f64>> = values.rev().take(width).collect();
    last.reverse();
    let largest = last.iter().flatten().copied().fold(0.0, f64::max);
    let block = |value: Option<f64>| {
        let Some(value) = value else { return ' ' };
        let share = if largest > 0.0 { value / largest } else { 0.0 };
        BLOCKS[((share * (BLOCKS.len() - 1) as f64).round() as usize).min(BLOCKS.len() - 1)]
    };
    last.into_iter().map(block).collect()
}

/// Draws a histogram with logarithmic time and height, and the ruler below it.
pub(super) fn histogram(histogram: &Histogram, buffer: &mut Buffer, area: Rect, palette: Palette) {
    let Some(axis) = Axis::over([histogram], usize::from(area.width)) else { return };
    let bars = area.height.saturating_sub(1);
    let columns = axis.columns(histogram);
    let fullest = columns.iter().copied().max().unwrap_or(0);
    let levels = usize::from(bars) * BLOCKS.len();
    for (x, &count) in (area.x..area.right()).zip(&columns) {
        let mut height = if count == 0 || levels == 0 { 0 } else { level(count, fullest, levels) };
        for y in (area.y..area.y + bars).rev() {
            let Some(top) = height.min(BLOCKS.len()).checked_sub(1) else { break };
            put(buffer, x, y, area.right(), BLOCKS[top].encode_utf8(&mut [0; 4]), palette.accent());
            height -= top + 1;
        }
    }
    put(buffer, area.x, area.y + bars, area.right(), &axis.ruler(), palette.faint());
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::units::Nanos;

    #[test]
    fn a_line_tells_nothing_from_zero() {
        let line = |values: &[Option<f64>], width| line(values.iter().copied(), width);
        assert_eq!(line(&[None, Some(0.0), Some(5.0), Some(10.0)], 10), " ▁▅█");
        assert_eq!(line(&[Some(3.0), Some(0.0), None], 2), "▁ ");
        assert_eq!(line(&[Some(0.0), Some(0.0)], 5), "▁▁");
        assert_eq!(line(&[], 5), "");
    }

    #[test]
    fn one_sample_is_the_lowest_block_and_the_fullest_column_reaches_the_top() {
        let samples = std::iter::repeat_n(Nanos(1_000), 1_000).chain([Nanos(9_000)]);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 4));
        histogram(
            &Histogram::of(samples).unwrap(),
            &mut buffer,
            Rect::new(0, 0, 20, 4),
            Palette { colour: false },
        );
        let column = |x: u16| (0..3).map(|y| buffer[(x, y)].symbol().to_owned()).collect::<String>();
        assert_eq!(column(0), "███");
        assert_eq!(column(11), "  ▁");
        assert!((1..11).all(|x| column(x) == "   "));
    }
}
