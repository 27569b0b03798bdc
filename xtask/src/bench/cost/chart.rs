//! The results as SVG charts: text is text, nothing is said by colour, and the same figures give the same bytes.

use super::{
    contender::Contender,
    results::{Measured, Point, Quantity, Results},
};
use anyhow::{Result, anyhow};
use plotters::{
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

const WIDTH: u32 = 860;
const FONT: &str = "sans-serif";
const FONT_SIZE: u32 = 14;
const TITLE_SIZE: u32 = 17;

/// Room for the names beside a chart of lines, in pixels.
const NAMES: u32 = 215;

/// Between two names below each other, in pixels.
const NAME_STEP: i32 = 16;

/// The charts, with the names of their files.
pub(super) fn all(results: &Results) -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("switch.svg", bars("Time added to a context switch, ns", results, |measured| &measured.switch)?),
        ("fault.svg", bars("Time added to a minor page fault, ns", results, |measured| &measured.fault)?),
        (
            "threads.svg",
            lines(
                "Time added to a context switch by the number of threads, ns",
                "threads",
                results,
                |measured| &measured.threads,
                |_rate, quantity| quantity.median_ns,
            )?,
        ),
        (
            "rate.svg",
            lines(
                "Time added to a program by its switch rate, %",
                "switches per second",
                results,
                |measured| &measured.rates,
                |rate, quantity| quantity.median_ns * rate / 1e7,
            )?,
        ),
    ])
}

/// Contenders that are drawn: all but the load alone.
fn drawn(results: &Results) -> Vec<&Measured> {
    results.contenders.iter().filter(|measured| measured.name != Contender::Nothing.name()).collect()
}

fn is_ours(measured: &Measured) -> bool {
    measured.name == Contender::Profiler.name()
}

fn shade(measured: &Measured) -> RGBColor {
    if is_ours(measured) { BLACK } else { RGBColor(150, 150, 150) }
}

fn font() -> TextStyle<'static> {
    (FONT, FONT_SIZE).into_font().color(&BLACK)
}

fn failed<E: std::error::Error + Send + Sync>(error: DrawingAreaErrorKind<E>) -> anyhow::Error {
    anyhow!("cannot draw a chart: {error}")
}

/// One bar a contender, with the median, a line from least to greatest, and the figure.
fn bars(
    title: &str,
    results: &Results,
    of: impl Fn(&Measured) -> &Result<Quantity, String>,
) -> Result<String> {
    const ROW: i32 = 30;
    const LEFT: i32 = 210;
    const TOP: i32 = 44;
    /// For the figures right of the bars.
    const RIGHT: i32 = 80;
    let drawn = drawn(results);
    let most = drawn.iter().filter_map(|measured| of(measured).as_ref().ok()).map(|it| it.greatest_ns);
    let most = most.fold(1.0, f64::max);
    let height = TOP + ROW * drawn.len() as i32 + 10;
    let x = |ns: f64| LEFT + (ns.max(0.0) / most * f64::from(WIDTH as i32 - LEFT - RIGHT)) as i32;
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, height as u32)).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        area.draw_text(title, &(FONT, TITLE_SIZE).into_font().color(&BLACK), (12, 12)).map_err(failed)?;
        for (row, measured) in drawn.into_iter().enumerate() {
            let middle = TOP + ROW * row as i32 + ROW / 2;
            let name = font().pos(Pos::new(HPos::Right, VPos::Center));
            area.draw_text(&measured.name, &name, (LEFT - 10, middle)).map_err(failed)?;
            let beside = font().pos(Pos::new(HPos::Left, VPos::Center));
            let quantity = match of(measured) {
                Ok(quantity) => quantity,
                Err(_why) => {
                    area.draw_text("not measured", &beside, (LEFT + 4, middle)).map_err(failed)?;
                    continue;
                }
            };
            let bar = [(LEFT, middle - 9), (x(quantity.median_ns), middle + 9)];
            area.draw(&Rectangle::new(bar, shade(measured).filled())).map_err(failed)?;
            let reach = [(x(quantity.least_ns), middle), (x(quantity.greatest_ns), middle)];
            // In the middle between both shades, with ends: seen on a bar and beside it.
            let ends = reach.map(|(end, middle)| [(end, middle - 5), (end, middle + 5)]);
            for line in [reach, ends[0], ends[1]] {
                area.draw(&PathElement::new(line, RGBColor(85, 85, 85).stroke_width(2))).map_err(failed)?;
            }
            let figure = format!("{:.0}", quantity.median_ns);
            let behind = x(quantity.greatest_ns.max(quantity.median_ns)) + 8;
            area.draw_text(&figure, &beside, (behind, middle)).map_err(failed)?;
        }
        area.present().map_err(failed)?;
    }
    Ok(text)
}

/// A line of a chart: a contender and its places, from left to right.
struct Line<'a> {
    measured: &'a Measured,
    places: Vec<(f64, f64)>,
}

fn lines(
    title: &str,
    below: &str,
    results: &Results,
    points: impl Fn(&Measured) -> &Vec<Point>,
    value: impl Fn(f64, &Quantity) -> f64,
) -> Result<String> {
    const HEIGHT: u32 = 460;
    let lines: Vec<Line<'_>> = drawn(results)
        .into_iter()
        .filter_map(|measured| {
            let known =
                points(measured).iter().filter_map(|point| Some((point.at, point.value.as_ref().ok()?)));
            let mut places: Vec<(f64, f64)> = known.map(|(at, quantity)| (at, value(at, quantity))).collect();
            places.sort_by(|a, b| a.0.total_cmp(&b.0));
            (!places.is_empty()).then_some(Line { measured, places })
        })
        .collect();
    let places = || lines.iter().flat_map(|line| line.places.iter().copied());
    let (least, most) =
        places().fold((f64::MAX, 1.0), |(least, most), (at, _)| (f64::min(least, at), f64::max(most, at)));
    let highest = places().map(|(_, value)| value).fold(1.0, f64::max);
    let lowest = places().map(|(_, value)| value).fold(0.0, f64::min);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (WIDTH, HEIGHT)).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        area.draw_text(title, &(FONT, TITLE_SIZE).into_font().color(&BLACK), (12, 12)).map_err(failed)?;
        let (left, right) = area.split_horizontally(WIDTH - NAMES);
        let mut chart = ChartBuilder::on(&left)
            .margin_top(44)
            .margin_right(0)
            .x_label_area_size(46)
            .y_label_area_size(64)
            .build_cartesian_2d((least.min(most / 2.0)..most).log_scale(), lowest..highest * 1.05)
            .map_err(failed)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RGBColor(225, 225, 225))
            .label_style(font())
            .x_desc(below)
            .x_label_formatter(&|at| thousands(*at))
            .y_label_formatter(&|value| thousands(*value))
            .draw()
            .map_err(failed)?;
        let mut ends = Vec::new();
        for (number, line) in lines.iter().enumerate() {
            let style = shade(line.measured).stroke_width(if is_ours(line.measured) { 3 } else { 1 });
            chart.draw_series(LineSeries::new(line.places.iter().copied(), style)).map_err(failed)?;
            for place in &line.places {
                mark(&area, number, chart.backend_coord(place))?;
            }
            if let Some(&last) = line.places.last() {
                ends.push((chart.backend_coord(&last).1, number));
            }
        }
        name_ends(&right, &lines, ends)?;
        area.present().map_err(failed)?;
    }
    Ok(text)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// A mark of its own for each line, so that they can be told apart without colour.
fn mark(area: &Area<'_>, number: usize, place: (i32, i32)) -> Result<()> {
    let (full, hollow) = (BLACK.filled(), BLACK.stroke_width(1));
    let around = |corners: &[(i32, i32)]| -> Vec<(i32, i32)> {
        corners.iter().map(|(x, y)| (place.0 + x, place.1 + y)).collect()
    };
    let diamond = around(&[(0, -5), (5, 0), (0, 5), (-5, 0), (0, -5)]);
    let square = around(&[(-4, -4), (4, -4), (4, 4), (-4, 4), (-4, -4)]);
    let triangle = around(&[(0, -5), (5, 4), (-5, 4), (0, -5)]);
    match number % 10 {
        0 => area.draw(&Circle::new(place, 4, hollow)),
        1 => area.draw(&Circle::new(place, 5, full)),
        2 => area.draw(&Cross::new(place, 4, hollow)),
        3 => area.draw(&PathElement::new(square, hollow)),
        4 => area.draw(&Polygon::new(square, full)),
        5 => area.draw(&Polygon::new(triangle, full)),
        6 => area.draw(&PathElement::new(triangle, hollow)),
        7 => area.draw(&PathElement::new(around(&[(-5, 0), (5, 0)]), BLACK.stroke_width(3))),
        8 => area.draw(&PathElement::new(diamond, hollow)),
        _ => area.draw(&Polygon::new(diamond, full)),
    }
    .map_err(failed)
}

/// The names beside the ends of their lines, moved apart where they would overlap, each with its mark.
fn name_ends(area: &Area<'_>, lines: &[Line<'_>], mut ends: Vec<(i32, usize)>) -> Result<()> {
    ends.sort_unstable();
    let ends_y: Vec<i32> = ends.iter().map(|(y, _)| *y).collect();
    let style = font().pos(Pos::new(HPos::Left, VPos::Center));
    for ((end, number), y) in ends.into_iter().zip(apart(&ends_y)) {
        area.draw(&PathElement::new([(4, end), (16, y)], RGBColor(190, 190, 190))).map_err(failed)?;
        mark(area, number, (24, y))?;
        area.draw_text(&lines[number].measured.name, &style, (34, y)).map_err(failed)?;
    }
    Ok(())
}

/// Places in ascending order, at least a step from each other, the last ones not moved below their own.
fn apart(wanted: &[i32]) -> Vec<i32> {
    let mut places = wanted.to_vec();
    // From the bottom up: what is near the axis must not sink below it.
    for index in (0..places.len().saturating_sub(1)).rev() {
        places[index] = places[index].min(places[index + 1] - NAME_STEP);
    }
    places
}

fn thousands(value: f64) -> String {
    if value >= 1_000.0 { format!("{} 000", (value / 1_000.0).round()) } else { format!("{value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_overlap() {
        assert_eq!(apart(&[10, 100, 104, 105]), [10, 73, 89, 105]);
        assert_eq!(apart(&[]), Vec::<i32>::new());
    }
}
