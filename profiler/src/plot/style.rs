//! Styles of lines and areas. No meaning depends on colour: lines also differ in dashes and marks, and areas in
//! shades of grey.

use super::sheet::{Area, Point, failed, length, path, stroke, units};
use anyhow::Result;
use plotters::element::{Circle, DashedPathElement, Polygon};
use plotters::style::{Color as _, RGBColor, WHITE};

/// Text and axes.
pub(super) const INK: RGBColor = RGBColor(0x1A, 0x1A, 0x1A);

/// Notes.
pub(super) const FAINT_INK: RGBColor = RGBColor(0x55, 0x55, 0x55);

/// Grid lines.
pub(super) const GRID: RGBColor = RGBColor(0xE2, 0xE2, 0xE2);

/// Width of axes and of the edges of legend boxes.
pub(super) const AXIS_PT: f64 = 0.6;

/// Grid lines.
pub(super) const GRID_PT: f64 = 0.4;

const LINE_PT: f64 = 1.1;

/// Width of a part with too few samples.
const THIN_PT: f64 = 0.45;

const MARK_PT: f64 = 2.1;

impl LineStyle {
    /// The style without dashes, which would hide the shape of a bar.
    pub(super) fn plain(self) -> Self {
        Self { dashes: Dashes::None, ..self }
    }
}

/// The style of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LineStyle {
    pub(super) colour: RGBColor,
    dashes: Dashes,
    mark: Mark,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Dashes {
    None,
    /// Dash and gap, in points.
    Of(f64, f64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mark {
    Disc,
    Ring,
    Square,
    HollowSquare,
    Triangle,
    HollowTriangle,
    Diamond,
    HollowDiamond,
}

const LONG: Dashes = Dashes::Of(5.0, 2.0);
const SHORT: Dashes = Dashes::Of(2.2, 1.5);
const DOTS: Dashes = Dashes::Of(0.9, 1.3);

/// Okabe and Ito's palette, distinguishable for colour-blind people, ordered so that neighbours differ in
/// lightness.
const LINES: [LineStyle; 8] = [
    LineStyle { colour: RGBColor(0x00, 0x72, 0xB2), dashes: Dashes::None, mark: Mark::Disc },
    LineStyle { colour: RGBColor(0xD5, 0x5E, 0x00), dashes: LONG, mark: Mark::HollowSquare },
    LineStyle { colour: RGBColor(0x1A, 0x1A, 0x1A), dashes: SHORT, mark: Mark::Triangle },
    LineStyle { colour: RGBColor(0x56, 0xB4, 0xE9), dashes: Dashes::None, mark: Mark::HollowDiamond },
    LineStyle { colour: RGBColor(0x00, 0x9E, 0x73), dashes: DOTS, mark: Mark::Square },
    LineStyle { colour: RGBColor(0xE6, 0x9F, 0x00), dashes: LONG, mark: Mark::HollowTriangle },
    LineStyle { colour: RGBColor(0xCC, 0x79, 0xA7), dashes: SHORT, mark: Mark::Diamond },
    LineStyle { colour: RGBColor(0x78, 0x78, 0x78), dashes: Dashes::None, mark: Mark::Ring },
];

/// The most lines that can be distinguished.
pub(super) const MOST_LINES: usize = LINES.len();

/// The style of the line with this number.
pub(super) fn line(number: usize) -> LineStyle {
    LINES[number % LINES.len()]
}

/// The shade of the remainder.
pub(super) const REST: RGBColor = RGBColor(0xEC, 0xEC, 0xEC);

/// The most shades that can be distinguished.
pub(super) const MOST_AREAS: usize = 7;

/// Ink or white, whichever has more contrast on a colour.
pub(super) fn ink_on(colour: RGBColor) -> RGBColor {
    /// Perceived middle grey.
    const MIDDLE: f64 = 0.4;
    if grey(colour) < MIDDLE { WHITE } else { INK }
}

/// The lightness of a colour, 0 to 1, as a printer without colours renders it (ITU-R BT.601).
pub(super) fn grey(RGBColor(red, green, blue): RGBColor) -> f64 {
    (0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue)) / 255.0
}

/// Draws a line; `thin` where too few samples support it.
pub(super) fn draw_line(area: &Area<'_>, style: LineStyle, points: &[Point], thin: bool) -> Result<()> {
    let pen = stroke(style.colour, if thin { THIN_PT } else { LINE_PT });
    match style.dashes {
        Dashes::Of(on, off) if !thin => {
            let dashed = DashedPathElement::new(points.iter().copied(), units(on), units(off), pen);
            area.draw(&dashed).map_err(failed)
        }
        _ => path(area, points, pen),
    }
}

/// Draws the style's mark at a point.
pub(super) fn draw_mark(area: &Area<'_>, style: LineStyle, centre: Point) -> Result<()> {
    let (full, edge) = (style.colour.filled(), stroke(style.colour, 0.8));
    let around = |corners: &[(f64, f64)]| -> Vec<Point> {
        let corner = |&(x, y): &(f64, f64)| (centre.0 + units(x * MARK_PT), centre.1 + units(y * MARK_PT));
        corners.iter().chain(corners.first()).map(corner).collect()
    };
    let square = || around(&[(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)]);
    let triangle = || around(&[(0.0, -1.1), (1.0, 0.8), (-1.0, 0.8)]);
    let diamond = || around(&[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)]);
    let radius = length(MARK_PT * 0.9);
    let hollow = |corners: Vec<Point>| {
        area.draw(&Polygon::new(corners.clone(), WHITE.filled())).map_err(failed)?;
        path(area, corners, edge)
    };
    match style.mark {
        Mark::Disc => area.draw(&Circle::new(centre, radius, full)).map_err(failed),
        Mark::Ring => {
            area.draw(&Circle::new(centre, radius, WHITE.filled())).map_err(failed)?;
            area.draw(&Circle::new(centre, radius, edge)).map_err(failed)
        }
        Mark::Square => area.draw(&Polygon::new(square(), full)).map_err(failed),
        Mark::Triangle => area.draw(&Polygon::new(triangle(), full)).map_err(failed),
        Mark::Diamond => area.draw(&Polygon::new(diamond(), full)).map_err(failed),
        Mark::HollowSquare => hollow(square()),
        Mark::HollowTriangle => hollow(triangle()),
        Mark::HollowDiamond => hollow(diamond()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart_without_colour() {
        for (number, one) in LINES.iter().enumerate() {
            for other in &LINES[..number] {
                assert_ne!(one.mark, other.mark);
                assert!(
                    one.dashes != other.dashes || (grey(one.colour) - grey(other.colour)).abs() > 0.08,
                    "{one:?} {other:?}"
                );
            }
        }
    }
}
