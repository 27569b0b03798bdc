//! Lines that are quantile functions: what `cdf`, `ccdf` and `percentiles` have in common. They differ in what is drawn
//! over what.

use super::axis::Axis;
use super::content::{Content, Panel};
use super::curve::{Curve, Step};
use super::font::Font;
use super::legend::Legend;
use super::panels::{Frame, Panels, Room, Surroundings, text_at};
use super::sheet::{Area, Place, SMALL_PT, failed, text, units};
use super::style::{FAINT_INK, LineStyle, draw_line, draw_mark};
use super::{Drawing, Figure};
use anyhow::Result;
use model::profile::histogram::Quantile;
use plotters::element::Polygon;
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, VPos};

/// The form of a quantile function.
pub(super) trait Projection {
    /// The point of a value that this share of samples lies beyond, as values of the two axes.
    fn place(&self, beyond: f64, value_ns: f64) -> (f64, f64);

    /// The axes for these durations and this number of samples, on a panel of this width.
    fn axes(&self, font: &Font, extent: &Extent, width_pt: f64) -> (Axis, Axis);

    /// The titles of the axes for durations of `metric`.
    fn titles(&self, metric: &str) -> (String, String);

    /// Marks are where these shares lie beyond.
    fn marks(&self) -> &'static [f64];

    /// The same in words.
    fn marks_note(&self) -> &'static str {
        "p50, p90, p99 …"
    }

    /// True if the axis of shares has a place for nothing beyond.
    fn reaches_the_end(&self) -> bool;

    /// A second name for a share on the vertical axis.
    fn right_name(&self, _axis: &Axis, _decade: u32) -> Option<(f64, String)> {
        None
    }
}

/// The ranges that all panels share.
pub(super) struct Extent {
    pub(super) least_ns: f64,
    pub(super) most_ns: f64,
    /// Of the line with the most.
    pub(super) samples: u64,
}

/// The percentiles that are marked on lines: p50, p90, p99 …
pub(super) const DECADES: [f64; 8] = [0.5, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7];

/// The figure as this projection shows it.
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
    // Names of the vertical axis do not depend on the room.
    let (x, y) = projection.axes(&font, &extent, figure.size.width_pt());
    let right: Vec<(f64, String)> = (0..).map_while(|decade| projection.right_name(&y, decade)).collect();
    let right_pt = right.iter().map(|(_, name)| font.room(name, SMALL_PT) + 3.0).fold(0.0, f64::max);
    let room = Room::new(figure.size, count, (y.widest_pt(&font), x.widest_pt(&font), right_pt));
    let (x, y) = projection.axes(&font, &extent, room.plot_width_pt);
    let titles: Vec<String> = shown.iter().map(|panel| panel.title.clone()).collect();
    let (x_title, y_title) = match titles.as_slice() {
        [only] => projection.titles(only),
        _ => projection.titles("duration"),
    };
    let around = Surroundings {
        legend: Legend::new(&font, &room, legend),
        x_title,
        y_title,
        notes,
        titles: if count > 1 { titles.into_iter().map(|title| vec![title]).collect() } else { Vec::new() },
    };
    let panels = Panels::new(&font, &room, count, room.plot_height_pt(count), around);
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
    /// Below this share of the samples a line is at the edge of a linear axis anyway, and one odd sample would take half
    /// of the other.
    const NEARLY_ALL: f64 = 0.999;
    let curves = || panels.iter().flat_map(|panel| &panel.curves).map(|(_, curve)| curve);
    // A duration of 0 has no place on a logarithmic axis, so the axis does not reach for it.
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
    fn at(&self, curve: &Curve, beyond: f64, value_ns: f64) -> Place {
        // The median of a single sample is known.
        let least = if self.projection.reaches_the_end() { 0.0 } else { curve.least_beyond.min(0.5) };
        let beyond = beyond.max(least);
        let (x, y) = self.projection.place(beyond, value_ns);
        self.frame.at(self.axes.0.within(x), self.axes.1.within(y))
    }

    /// Both ends of every step, and whether enough samples lie beyond.
    fn vertices(&self, curve: &Curve, value: fn(&Step) -> f64) -> Vec<(Place, bool)> {
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

    /// Thin where too few samples lie beyond.
    fn line(&self, style: LineStyle, curve: &Curve) -> Result<()> {
        let vertices = self.vertices(curve, |step| step.value_ns);
        let places = |part: &[(Place, bool)]| thinned(part.iter().map(|(place, _)| *place));
        let supported = vertices.iter().take_while(|(_, is_supported)| *is_supported).count();
        if supported > 1 {
            draw_line(self.area, style, &places(&vertices[..supported]), false)?;
        }
        draw_line(self.area, style, &places(&vertices[supported.saturating_sub(1)..]), true)
    }

    fn band(&self, style: LineStyle, curve: &Curve) -> Result<()> {
        /// Lines and other bands are seen through it.
        const OPACITY: f64 = 0.22;
        if curve.steps.iter().all(|step| step.band_ns.0 == step.band_ns.1) {
            return Ok(());
        }
        let edge = |value| thinned(self.vertices(curve, value).into_iter().map(|(place, _)| place));
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

/// Leaves out places that are so near to one that is drawn that no one sees them.
fn thinned(places: impl Iterator<Item = Place>) -> Vec<Place> {
    const NEAR_PT: f64 = 0.3;
    let near = units(NEAR_PT);
    let mut kept: Vec<Place> = Vec::new();
    let mut left_out = None;
    for place in places {
        match kept.last() {
            Some(&last) if (place.0 - last.0).abs() < near && (place.1 - last.1).abs() < near => {
                left_out = Some(place)
            }
            _ => {
                kept.push(place);
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
                // The sample in the legend, and what there is of the line itself.
                svg.lines()
                    .filter(|line| line.contains("polyline") && line.contains("stroke-width=\"22\""))
                    .count()
            };
            assert_eq!(strokes(&single), 1, "{kind:?}");
            assert!(strokes(&full) > 1, "{kind:?}");
        }
    }
}
