//! Draws quantile functions as lines. `cdf`, `ccdf` and `percentiles` differ only in their [`Projection`].

use super::axis::Axis;
use super::content::{Content, Panel};
use super::curve::{Curve, Step};
use super::font::Font;
use super::legend::Legend;
use super::panels::{Columns, Frame, Panels, Surroundings, text_at};
use super::sheet::{Area, Point, SMALL_PT, failed, text, units};
use super::style::{FAINT_INK, LineStyle, draw_line, draw_mark};
use super::{Drawing, Figure};
use anyhow::Result;
use model::profile::histogram::Quantile;
use plotters::element::Polygon;
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, VPos};

/// A mapping of quantile functions to two axes.
pub(super) trait Projection {
    /// Axis values of a duration with this share of samples beyond it.
    fn point(&self, beyond: f64, value_ns: f64) -> (f64, f64);

    /// The axes for these durations and numbers of samples, on a panel of `width_pt` points.
    fn axes(&self, font: &Font, extent: &Extent, width_pt: f64) -> (Axis, Axis);

    /// The titles of the axes for durations of `metric`.
    fn titles(&self, metric: &str) -> (String, String);

    /// The shares beyond at which marks are drawn.
    fn marks(&self) -> &'static [f64];

    /// A note that explains the marks.
    fn marks_note(&self) -> &'static str {
        "p50, p90, p99 …"
    }

    /// True if the axis of shares includes 0 beyond.
    fn reaches_the_end(&self) -> bool;

    /// A second label for a share, at the right end of the vertical axis.
    fn right_name(&self, _axis: &Axis, _decade: u32) -> Option<(f64, String)> {
        None
    }
}

/// Ranges common to all panels.
pub(super) struct Extent {
    pub(super) least_ns: f64,
    pub(super) most_ns: f64,
    /// The most samples of any line.
    pub(super) samples: u64,
}

/// Shares beyond of the marked percentiles: p50, p90, p99 …
pub(super) const DECADES: [f64; 8] = [0.5, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7];

/// Lays out the figure in this projection.
pub(super) fn curves<'a>(figure: &'a Figure<'a>, projection: &'a dyn Projection) -> Result<Drawing<'a>> {
    let font = Font::new()?;
    let Content { panels: shown, legend, mut notes } = Content::of(figure)?;
    let marks = projection.marks_note();
    notes.push(format!("Marks: {marks} Thin: fewer than {} samples beyond.", Quantile::ENOUGH_BEYOND));
    if shown.iter().flat_map(|panel| &panel.curves).any(|(_, curve)| curve.least_ns() == 0.0) {
        notes.push("Samples of 0 ns are at the lower end of the logarithmic axis.".to_owned());
    }
    let count = shown.len();
    let extent = extent(&shown);
    // Labels of the vertical axis do not depend on the width.
    let (x, y) = projection.axes(&font, &extent, figure.size.width_pt());
    let right: Vec<(f64, String)> = (0..).map_while(|decade| projection.right_name(&y, decade)).collect();
    let right_pt = right.iter().map(|(_, name)| font.reserved_pt(name, SMALL_PT) + 3.0).fold(0.0, f64::max);
    let columns = Columns::new(figure.size, count, (y.widest_pt(&font), x.widest_pt(&font), right_pt));
    let (x, y) = projection.axes(&font, &extent, columns.plot_width_pt);
    let titles: Vec<String> = shown.iter().map(|panel| panel.title.clone()).collect();
    let (x_title, y_title) = match titles.as_slice() {
        [only] => projection.titles(only),
        _ => projection.titles("duration"),
    };
    let around = Surroundings {
        legend: Legend::new(&font, &columns, legend),
        x_title,
        y_title,
        notes,
        titles: if count > 1 { titles.into_iter().map(|title| vec![title]).collect() } else { Vec::new() },
    };
    let panels = Panels::new(&font, &columns, count, columns.plot_height_pt(count), around);
    let size_pt = panels.size_pt();
    let draw = move |area: &Area<'_>| {
        for (number, panel) in shown.iter().enumerate() {
            let frame = panels.frame(area, number, (x.clone(), y.clone()))?;
            for (share, name) in right.iter().filter(|_| panels.ends_row(number)) {
                let (across, up) = frame.at(x.high, *share);
                let style = text(FAINT_INK, SMALL_PT, HPos::Left, VPos::Center);
                text_at(area, name, (across + units(3.0), up), style)?;
            }
            let sheet = Sheet { area, frame: &frame, axes: (&x, &y), projection };
            for (style, curve) in &panel.curves {
                sheet.band(*style, curve)?;
            }
            for (style, curve) in &panel.curves {
                sheet.line(*style, curve)?;
            }
            for (style, curve) in &panel.curves {
                sheet.marks(*style, curve)?;
            }
        }
        panels.draw_surroundings(area)
    };
    Ok(Drawing { size_pt, draw: Box::new(draw) })
}

fn extent(panels: &[Panel]) -> Extent {
    /// Share beyond at which the axis of durations begins. The lowest 0.1 % of samples lie at the edge of a
    /// linear axis of shares anyway, and one outlier among them would take half of the axis of durations.
    const NEARLY_ALL: f64 = 0.999;
    let curves = || panels.iter().flat_map(|panel| &panel.curves).map(|(_, curve)| curve);
    // 0 ns can't be shown on a logarithmic axis.
    let least = |curve: &Curve| {
        let mut steps = curve.steps.iter().filter(|step| step.value_ns > 0.0);
        steps.find(|step| step.beyond <= NEARLY_ALL).map(|step| step.value_ns)
    };
    let most_ns = curves().map(Curve::most_ns).fold(0.0, f64::max);
    Extent {
        least_ns: curves().filter_map(least).fold(most_ns, f64::min),
        most_ns,
        samples: curves().map(|curve| (1.0 / curve.least_beyond).round() as u64).max().unwrap_or(1),
    }
}

/// A panel on which lines are drawn.
struct Sheet<'a, 'b> {
    area: &'a Area<'b>,
    frame: &'a Frame<'b>,
    axes: (&'a Axis, &'a Axis),
    projection: &'a dyn Projection,
}

impl Sheet<'_, '_> {
    fn at(&self, curve: &Curve, beyond: f64, value_ns: f64) -> Point {
        // A single sample still has a median.
        let least = if self.projection.reaches_the_end() { 0.0 } else { curve.least_beyond.min(0.5) };
        let beyond = beyond.max(least);
        let (x, y) = self.projection.point(beyond, value_ns);
        self.frame.at(self.axes.0.within(x), self.axes.1.within(y))
    }

    /// Both ends of each step, and whether enough samples lie beyond.
    fn vertices(&self, curve: &Curve, value: fn(&Step) -> f64) -> Vec<(Point, bool)> {
        let mut before = 1.0;
        let mut vertices = Vec::new();
        for step in &curve.steps {
            for beyond in [before, step.beyond] {
                vertices.push((self.at(curve, beyond, value(step)), curve.is_supported(beyond)));
            }
            before = step.beyond;
        }
        vertices
    }

    /// Draws a curve, thin where too few samples lie beyond.
    fn line(&self, style: LineStyle, curve: &Curve) -> Result<()> {
        let vertices = self.vertices(curve, |step| step.value_ns);
        let points = |part: &[(Point, bool)]| thinned(part.iter().map(|(point, _)| *point));
        let supported = vertices.iter().take_while(|(_, is_supported)| *is_supported).count();
        if supported > 1 {
            draw_line(self.area, style, &points(&vertices[..supported]), false)?;
        }
        draw_line(self.area, style, &points(&vertices[supported.saturating_sub(1)..]), true)
    }

    fn band(&self, style: LineStyle, curve: &Curve) -> Result<()> {
        /// Opacity of a band: lines and other bands stay visible behind it.
        const OPACITY: f64 = 0.22;
        if curve.steps.iter().all(|step| step.band_ns.0 == step.band_ns.1) {
            return Ok(());
        }
        let edge = |value| thinned(self.vertices(curve, value).into_iter().map(|(point, _)| point));
        let mut outline = edge(|step| step.band_ns.0);
        outline.extend(edge(|step| step.band_ns.1).into_iter().rev());
        self.area.draw(&Polygon::new(outline, style.colour.mix(OPACITY))).map_err(failed)
    }

    fn marks(&self, style: LineStyle, curve: &Curve) -> Result<()> {
        let known =
            self.projection.marks().iter().filter(|&&beyond| beyond >= 0.5 || beyond >= curve.least_beyond);
        for &beyond in known {
            draw_mark(self.area, style, self.at(curve, beyond, curve.quantile(beyond)))?;
        }
        Ok(())
    }
}

/// Drops points too close to the last one drawn to be seen.
fn thinned(points: impl Iterator<Item = Point>) -> Vec<Point> {
    const NEAR_PT: f64 = 0.3;
    let near = units(NEAR_PT);
    let mut kept: Vec<Point> = Vec::new();
    let mut left_out = None;
    for point in points {
        match kept.last() {
            Some(&last) if (point.0 - last.0).abs() < near && (point.1 - last.1).abs() < near => {
                left_out = Some(point)
            }
            _ => {
                kept.push(point);
                left_out = None;
            }
        }
    }
    kept.extend(left_out);
    kept
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Size};
    use super::*;
    use crate::view::Subject;
    use crate::view::series::Selection;
    use model::metric::Metric;
    use model::profile::fixture;
    use model::profile::units::Nanos;

    #[test]
    fn a_line_of_one_sample_is_thin_in_every_kind() {
        let (full, mut single) = (fixture::pool(), fixture::pool());
        let one = model::profile::histogram::Histogram::of([Nanos(2_000_000)]).unwrap();
        single.threads.truncate(1);
        single.threads[0].histograms = [(Metric::Blocked.name().to_owned(), one)].into();
        for kind in [Kind::Cdf, Kind::Ccdf, Kind::Percentiles] {
            let strokes = |profile| {
                let profiles = [profile];
                let selection =
                    Selection { metrics: vec![Metric::Blocked], threads: None, group_by: kind.group_by() };
                let subject = Subject::new(&profiles, &selection, false);
                let figure =
                    Figure { subject: &subject, kind, size: Size::Column, each_run: false, anonymous: false };
                let svg = figure.svg().unwrap();
                assert!(svg.contains("Thin: fewer than 10 samples beyond."), "{kind:?}: {svg}");
                // The legend's sample and the line itself.
                svg.lines()
                    .filter(|line| line.contains("polyline") && line.contains("stroke-width=\"22\""))
                    .count()
            };
            assert_eq!(strokes(&single), 1, "{kind:?}");
            assert!(strokes(&full) > 1, "{kind:?}");
        }
    }
}
