//! Common style of all charts: fonts, colours, marks, and number formats.

use super::{Words, is_ours};
use crate::contender::Contender;
use anyhow::{Result, anyhow};
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

/// Width in pixels, about that of a README.
pub(super) const WIDTH: u32 = 860;

const FONT: &str = "sans-serif";
const FONT_SIZE: u32 = 14;
const TITLE_SIZE: u32 = 18;
const SMALL_SIZE: u32 = 12;

/// Height of title and subtitle, in pixels.
pub(super) const TOP: i32 = 66;

/// Height of the line below the chart, in pixels.
pub(super) const BOTTOM: i32 = 30;

pub(super) const MARGIN: i32 = 12;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Draws on a white background, with the texts of the chart.
pub(super) fn on_paper(
    height: u32,
    words: &Words<'_>,
    draw: impl FnOnce(&Area<'_>) -> Result<()>,
) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        let title = (FONT, TITLE_SIZE).into_font().color(&BLACK);
        area.draw_text(words.title, &title, (MARGIN, 12)).map_err(failed)?;
        area.draw_text(&words.subtitle, &small(), (MARGIN, 36)).map_err(failed)?;
        area.draw_text(words.measured, &small(), (MARGIN, height as i32 - 20)).map_err(failed)?;
        draw(&area)?;
        area.present().map_err(failed)?;
    }
    Ok(text)
}

pub(super) fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> anyhow::Error {
    anyhow!("cannot draw a chart: {error}")
}

fn font() -> TextStyle<'static> {
    (FONT, FONT_SIZE).into_font().color(&BLACK)
}

fn small() -> TextStyle<'static> {
    (FONT, SMALL_SIZE).into_font().color(&RGBColor(70, 70, 70))
}

/// Left-aligned text, vertically centred.
pub(super) fn from_here() -> TextStyle<'static> {
    font().pos(Pos::new(HPos::Left, VPos::Center))
}

/// Centred text.
pub(super) fn centred() -> TextStyle<'static> {
    font().pos(Pos::new(HPos::Center, VPos::Center))
}

/// Right-aligned text.
pub(super) fn up_to_here() -> TextStyle<'static> {
    font().pos(Pos::new(HPos::Right, VPos::Center))
}

/// Okabe and Ito's colours, distinguishable for colour-blind people; marks and names serve where there is no
/// colour.
pub(super) fn colour(contender: Contender) -> RGBColor {
    match contender {
        Contender::Nothing
        | Contender::Profiler
        | Contender::ProfilerBefore
        | Contender::ProfilerOfOthers
        | Contender::ProfilerOfMany
        | Contender::ProfilerOfItself => BLACK,
        Contender::Empty => RGBColor(130, 130, 130),
        Contender::Runqlat => RGBColor(0, 114, 178),
        Contender::Cpudist => RGBColor(0, 158, 115),
        Contender::CpudistOff => RGBColor(86, 180, 233),
        Contender::Offcputime => RGBColor(213, 94, 0),
        Contender::Bpftrace => RGBColor(204, 121, 167),
        Contender::PerfSched | Contender::PerfTrace => RGBColor(230, 159, 0),
    }
}

/// Width of a contender's line, in pixels.
pub(super) fn stroke(contender: Contender) -> u32 {
    if is_ours(contender) { 4 } else { 2 }
}

/// Draws the mark of a contender's line.
pub(super) fn mark(area: &Area<'_>, contender: Contender, point: (i32, i32)) -> Result<()> {
    let (full, hollow) = (colour(contender).filled(), colour(contender).stroke_width(2));
    let around = |corners: &[(i32, i32)]| -> Vec<(i32, i32)> {
        corners.iter().map(|(x, y)| (point.0 + x, point.1 + y)).collect()
    };
    let diamond = around(&[(0, -6), (6, 0), (0, 6), (-6, 0), (0, -6)]);
    let square = around(&[(-4, -4), (4, -4), (4, 4), (-4, 4), (-4, -4)]);
    let (up, down) = (around(&[(0, -6), (6, 5), (-6, 5)]), around(&[(0, 6), (6, -5), (-6, -5)]));
    match contender {
        Contender::Profiler => area.draw(&Circle::new(point, 6, full)),
        Contender::Empty => area.draw(&Circle::new(point, 4, hollow)),
        Contender::Runqlat => area.draw(&Polygon::new(square, full)),
        Contender::Cpudist => area.draw(&Polygon::new(up, full)),
        Contender::CpudistOff => area.draw(&Polygon::new(down, full)),
        Contender::Offcputime => area.draw(&Cross::new(point, 5, hollow)),
        Contender::Bpftrace => area.draw(&PathElement::new(square, hollow)),
        _ => area.draw(&Polygon::new(diamond, full)),
    }
    .map_err(failed)
}

/// A number with thousands separators.
pub(super) fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (point, digit) in digits.chars().enumerate() {
        if point > 0 && (digits.len() - point).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    if value < 0.0 && digits != "0" { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(thousands(1_234_567.4), "1\u{202f}234\u{202f}567");
        assert_eq!(thousands(-1_000.0), "−1\u{202f}000");
        assert_eq!(thousands(-0.2), "0");
        assert_eq!(thousands(999.0), "999");
    }
}
