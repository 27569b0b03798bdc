//! A line chart with logarithmic axes: one line for each contender, with its name at the end.

use super::{
    Words,
    style::{
        Area, BOTTOM, MARGIN, TOP, WIDTH, centred, colour, failed, from_here, mark, on_paper, stroke,
        thousands, up_to_here,
    },
};
use crate::{
    contender::Contender,
    cost::results::{Measured, Point, Results},
};
use anyhow::Result;
use plotters::prelude::*;

const HEIGHT: i32 = 520;

/// Width of the vertical axis's labels, in pixels.
const LEFT: i32 = 64;

/// Width of the names at the ends of lines, in pixels.
const NAMES: i32 = 200;

/// Height of the horizontal axis's labels and title, in pixels.
const BELOW: i32 = 52;

/// Height of the vertical axis's title, in pixels.
const UP_WORDS: i32 = 16;

/// Distance between names, in pixels.
const NAME_STEP: i32 = 20;

const GRID: RGBColor = RGBColor(225, 225, 225);
const LEADER: RGBColor = RGBColor(170, 170, 170);

/// The titles of the axes.
pub(super) struct Axes<'a> {
    pub(super) across: &'a str,
    pub(super) up: &'a str,
}

/// A contender and its points, from left to right.
pub(super) struct Line {
    contender: Contender,
    points: Vec<(f64, f64)>,
}

/// The lines of contenders with measured points, without points below `least`.
pub(super) fn of(
    results: &Results,
    points: impl Fn(&Measured) -> &Vec<Point>,
    least: f64,
    value: impl Fn(f64, f64) -> f64,
) -> Vec<Line> {
    let followed = results.contenders.iter().filter(|measured| measured.contender != Contender::Nothing);
    let line = |measured: &Measured| {
        let known = points(measured).iter().filter_map(|point| {
            let added = point.switch_ns.as_ref().ok()?;
            Some((point.at, value(point.at, added.median)))
        });
        let mut points: Vec<(f64, f64)> = known.filter(|(at, value)| *at > 0.0 && *value >= least).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        (!points.is_empty()).then_some(Line { contender: measured.contender, points })
    };
    followed.filter_map(line).collect()
}

/// A logarithmic mapping from values to pixels.
struct Scale {
    low: f64,
    high: f64,
    /// The pixels of the low and the high end.
    pixels: [i32; 2],
}

impl Scale {
    /// A scale over these values, with a margin so that no mark lies on an axis.
    fn over(values: impl Iterator<Item = f64>, pixels: [i32; 2]) -> Self {
        const MARGIN: f64 = 1.12;
        let ends = values.fold(None, |ends: Option<(f64, f64)>, value| {
            let (low, high) = ends.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        });
        let (low, high) = ends.unwrap_or((1.0, 1.0));
        Self { low: low / MARGIN, high: high * MARGIN, pixels }
    }

    fn pixel(&self, value: f64) -> i32 {
        let part = (value.clamp(self.low, self.high) / self.low).ln() / (self.high / self.low).ln();
        let [low, high] = self.pixels;
        low + (part * f64::from(high - low)).round() as i32
    }

    /// 1, 2 and 5 times each power of ten; only powers of ten if those are too many.
    fn ticks(&self) -> Vec<f64> {
        const MOST: usize = 12;
        let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let of = |steps: &[f64]| -> Vec<f64> {
            let all =
                decades.clone().flat_map(|decade| steps.iter().map(move |step| step * 10_f64.powi(decade)));
            all.filter(|tick| (self.low * 0.999..=self.high * 1.001).contains(tick)).collect()
        };
        let fine = of(&[1.0, 2.0, 5.0]);
        if fine.len() <= MOST { fine } else { of(&[1.0]) }
    }
}

/// The chart.
pub(super) fn draw(words: &Words<'_>, axes: &Axes<'_>, lines: &[Line]) -> Result<String> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let across = Scale::over(points().map(|(at, _)| *at), [LEFT, WIDTH as i32 - NAMES]);
    let up = Scale::over(points().map(|(_, value)| *value), [HEIGHT - BOTTOM - BELOW, TOP + UP_WORDS]);
    on_paper(HEIGHT as u32, words, |area| {
        draw_axes(area, axes, &across, &up)?;
        for line in lines {
            let pixels: Vec<(i32, i32)> =
                line.points.iter().map(|(at, value)| (across.pixel(*at), up.pixel(*value))).collect();
            let style = colour(line.contender).stroke_width(stroke(line.contender));
            area.draw(&PathElement::new(pixels.clone(), style)).map_err(failed)?;
            pixels.into_iter().try_for_each(|point| mark(area, line.contender, point))?;
        }
        name_ends(area, lines, &across, &up)
    })
}

fn draw_axes(area: &Area<'_>, axes: &Axes<'_>, across: &Scale, up: &Scale) -> Result<()> {
    let ([left, right], [bottom, top]) = (across.pixels, up.pixels);
    for tick in up.ticks() {
        let y = up.pixel(tick);
        area.draw(&PathElement::new([(left, y), (right, y)], GRID)).map_err(failed)?;
        area.draw_text(&figure(tick), &up_to_here(), (left - 8, y)).map_err(failed)?;
    }
    for tick in across.ticks() {
        let x = across.pixel(tick);
        area.draw(&PathElement::new([(x, bottom), (x, bottom + 5)], BLACK)).map_err(failed)?;
        area.draw_text(&figure(tick), &centred(), (x, bottom + 16)).map_err(failed)?;
    }
    area.draw(&PathElement::new([(left, top), (left, bottom), (right, bottom)], BLACK)).map_err(failed)?;
    area.draw_text(axes.across, &centred(), ((left + right) / 2, bottom + 38)).map_err(failed)?;
    area.draw_text(axes.up, &from_here(), (MARGIN, top - UP_WORDS)).map_err(failed)
}

/// The label of a tick.
fn figure(tick: f64) -> String {
    if tick < 1.0 { format!("{tick}") } else { thousands(tick) }
}

/// Draws names and marks at the ends of lines, moved apart where they would overlap.
fn name_ends(area: &Area<'_>, lines: &[Line], across: &Scale, up: &Scale) -> Result<()> {
    let mut ends: Vec<((i32, i32), Contender)> = lines
        .iter()
        .filter_map(|line| {
            let (at, value) = line.points.last()?;
            Some(((across.pixel(*at), up.pixel(*value)), line.contender))
        })
        .collect();
    ends.sort_by_key(|((_, y), _)| *y);
    let wanted: Vec<i32> = ends.iter().map(|((_, y), _)| *y).collect();
    let x = across.pixels[1];
    for (((end_x, end_y), contender), y) in ends.into_iter().zip(apart(&wanted, up.pixels[0])) {
        area.draw(&PathElement::new([(end_x + 6, end_y), (x + 14, y)], LEADER)).map_err(failed)?;
        mark(area, contender, (x + 22, y))?;
        area.draw_text(contender.name(), &from_here(), (x + 34, y)).map_err(failed)?;
    }
    Ok(())
}

/// Moves ascending positions apart by at least one step, none below the bottom.
fn apart(wanted: &[i32], bottom: i32) -> Vec<i32> {
    let mut points = wanted.to_vec();
    for index in 1..points.len() {
        points[index] = points[index].max(points[index - 1] + NAME_STEP);
    }
    // Moves positions below the bottom up again, and others out of their way.
    let mut limit = bottom;
    for point in points.iter_mut().rev() {
        *point = (*point).min(limit);
        limit = *point - NAME_STEP;
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_overlap_and_stay_above_the_bottom() {
        assert_eq!(apart(&[10, 100, 104, 105], 500), [10, 100, 120, 140]);
        assert_eq!(apart(&[10, 490, 495], 500), [10, 480, 500]);
        assert_eq!(apart(&[], 500), Vec::<i32>::new());
    }

    #[test]
    fn a_scale_goes_along_the_logarithm() {
        let scale = Scale { low: 10.0, high: 1_000.0, pixels: [200, 0] };
        assert_eq!(
            [1.0, 10.0, 100.0, 1_000.0, 9_999.0].map(|value| scale.pixel(value)),
            [200, 200, 100, 0, 0]
        );
    }

    #[test]
    fn a_scale_has_two_ends_whatever_it_is_over() {
        for values in [[].as_slice(), &[7.0, 7.0], &[20.0, 1e4]] {
            let scale = Scale::over(values.iter().copied(), [200, 0]);
            assert!(scale.low > 0.0 && scale.high > scale.low, "{values:?}");
        }
    }

    #[test]
    fn there_are_as_many_ticks_as_can_be_read() {
        let ticks = |low, high| Scale { low, high, pixels: [0, 100] }.ticks();
        assert_eq!(ticks(8.0, 300.0), [10.0, 20.0, 50.0, 100.0, 200.0]);
        assert_eq!(ticks(1.0, 10_000.0), [1.0, 10.0, 100.0, 1_000.0, 10_000.0]);
    }
}
