//! The drawing area of a figure, its units, and the SVG document around it.
//!
//! Lengths are in points (1/72 inch), as in the style guides of journals. Coordinates in the file are integers,
//! twentieths of a point: finer than any printer resolves, and the same on every machine.

use super::font::FAMILY;
use anyhow::{Result, anyhow};
use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _};
use plotters::element::PathElement;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontTransform, IntoFont as _, RGBColor, ShapeStyle, TextStyle};
use std::fmt::Write as _;

/// A drawing area in the coordinates of the file.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A point in twentieths of a point.
pub(super) type Point = (i32, i32);

/// Twentieths in a point.
const UNITS: f64 = 20.0;

/// Size of ordinary text: the least that two-column styles require in a figure.
pub(super) const TEXT_PT: f64 = 7.0;

/// Size of notes.
pub(super) const SMALL_PT: f64 = 6.0;

/// Line height of ordinary text.
pub(super) const LINE_PT: f64 = 9.0;

/// The factor by which plotters divides a font size before writing it.
const FONT_SCALE: f64 = 1.24;

/// Converts points to coordinates.
pub(super) fn units(points: f64) -> i32 {
    (points * UNITS).round() as i32
}

/// Converts a non-negative length in points to coordinates.
pub(super) fn length(points: f64) -> u32 {
    units(points).max(0).unsigned_abs()
}

/// Makes a point from lengths in points.
pub(super) fn point(x_pt: f64, y_pt: f64) -> Point {
    (units(x_pt), units(y_pt))
}

/// A stroke.
pub(super) fn stroke(colour: RGBColor, width_pt: f64) -> ShapeStyle {
    colour.stroke_width(length(width_pt))
}

/// A text style whose given corner is at the text's position.
pub(super) fn text(colour: RGBColor, size_pt: f64, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    (FAMILY, size_pt * UNITS * FONT_SCALE).into_font().color(&colour).pos(Pos::new(horizontal, vertical))
}

/// Turns a text style to read upwards.
pub(super) fn upwards(style: TextStyle<'static>) -> TextStyle<'static> {
    style.transform(FontTransform::Rotate270)
}

/// Draws a line through these points.
pub(super) fn path(area: &Area<'_>, points: impl Into<Vec<Point>>, style: ShapeStyle) -> Result<()> {
    area.draw(&PathElement::new(points.into(), style)).map_err(failed)
}

/// Converts an error of plotters.
pub(super) fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> anyhow::Error {
    anyhow!("cannot draw the figure: {error}")
}

/// The document's metadata, which viewers do not draw.
pub(super) struct Head<'a> {
    /// The title.
    pub(super) title: &'a str,
    /// The manifest, by which a figure can be verified.
    pub(super) description: &'a str,
}

/// Makes an SVG document of this size.
pub(super) fn svg(
    (width_pt, height_pt): (f64, f64),
    head: &Head<'_>,
    draw: impl FnOnce(&Area<'_>) -> Result<()>,
) -> Result<String> {
    let size = (length(width_pt), length(height_pt));
    let mut drawn = String::new();
    {
        let area = SVGBackend::with_string(&mut drawn, size).into_drawing_area();
        draw(&area)?;
        area.present().map_err(failed)?;
    }
    // Replaces the backend's head, which gives the size in pixels.
    let (_own_head, content) =
        drawn.split_once('\n').ok_or_else(|| anyhow!("cannot draw the figure: the drawing has no head"))?;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}pt\" height=\"{}pt\" viewBox=\"0 0 {} {}\">\n",
        f64::from(size.0) / UNITS,
        f64::from(size.1) / UNITS,
        size.0,
        size.1
    );
    for (name, value) in [("title", head.title), ("metadata", head.description)] {
        let _ = writeln!(text, "<{name}>{}</{name}>", escaped(value));
    }
    let _ = writeln!(text, "<rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>");
    Ok(text + content)
}

/// Escapes a text for XML, which does not allow most control characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\n' => escaped.push('\n'),
            _ if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {
                escaped.push(char::REPLACEMENT_CHARACTER);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use plotters::style::BLACK;

    #[test]
    fn the_size_is_physical_and_the_head_is_escaped() {
        let head = Head { title: "a < b", description: "c & d\u{1}" };
        let drawn =
            svg((240.0, 120.5), &head, |area| path(area, [(0, 0), (9, 9)], stroke(BLACK, 1.0))).unwrap();
        assert!(drawn.contains("width=\"240pt\" height=\"120.5pt\" viewBox=\"0 0 4800 2410\""), "{drawn}");
        assert!(drawn.contains("<title>a &lt; b</title>\n<metadata>c &amp; d\u{fffd}</metadata>"), "{drawn}");
        assert!(drawn.contains("stroke-width=\"20\""), "{drawn}");
        assert!(drawn.ends_with("</svg>\n"), "{drawn}");
    }
}
