//! `histogram`: the share of samples in each of ten bins a decade, a panel for each metric.

use super::axis::Axis;
use super::bins::{IN_DECADE, low_ns, number};
use super::content::{drawn_lines, not_drawn};
use super::font::Font;
use super::legend::{Legend, Sample};
use super::lines::Line;
use super::panels::{Columns, Frame, Panels, Surroundings};
use super::sheet::{Area, Point, failed};
use super::style::{self, LineStyle, draw_line, draw_mark};
use super::{Drawing, Figure};
use anyhow::Result;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use plotters::element::Polygon;
use plotters::style::Color as _;
use std::collections::BTreeMap;

/// A panel.
struct Panel {
    metric: Metric,
    distributions: Vec<Distribution>,
}

struct Distribution {
    /// The index of its line.
    line: usize,
    bins: Bins,
}

impl Distribution {
    fn style(&self) -> LineStyle {
        style::line(self.line).plain()
    }
}

/// One distribution by bin.
struct Bins {
    /// The share of samples by bin; empty bins are left out.
    shares: BTreeMap<u32, f64>,
    /// The share of samples of 0 ns, which a logarithmic axis can't show.
    zeros: f64,
}

/// Lays out the figure.
pub(super) fn histogram<'a>(figure: &'a Figure<'a>) -> Result<Drawing<'a>> {
    let font = Font::new()?;
    let (lines, empty) = drawn_lines(figure)?;
    let shown = panels(&lines);
    let all = || shown.iter().flat_map(|panel| &panel.distributions).map(|one| &one.bins);
    let least = all().filter_map(|bins| bins.shares.keys().next()).min().map_or(1.0, |&bin| low_ns(bin));
    let most =
        all().filter_map(|bins| bins.shares.keys().next_back()).max().map_or(1.0, |&bin| low_ns(bin + 1));
    let x = |width_pt| Axis::durations(&font, least, most, Some(width_pt));
    let y = Axis::shares_up_to(all().flat_map(|bins| bins.shares.values().copied()).fold(0.0, f64::max));
    let x_names_pt = x(figure.size.width_pt()).widest_pt(&font);
    let columns = Columns::new(figure.size, shown.len(), (y.widest_pt(&font), x_names_pt, 0.0));
    let x = x(columns.plot_width_pt);
    let around = Surroundings {
        legend: Legend::new(&font, &columns, legend(&lines)),
        x_title: if let [only] = shown.as_slice() { only.metric.name() } else { "duration" }.to_owned(),
        y_title: "share of samples in a bin".to_owned(),
        notes: notes(&lines, &shown).into_iter().chain(not_drawn(&lines, &empty)).collect(),
        titles: match shown.as_slice() {
            [_only] => Vec::new(),
            several => several.iter().map(|panel| vec![panel.metric.name().to_owned()]).collect(),
        },
    };
    let panels = Panels::new(&font, &columns, shown.len(), columns.plot_height_pt(shown.len()), around);
    let size_pt = panels.size_pt();
    let draw = move |area: &Area<'_>| {
        for (number, panel) in shown.iter().enumerate() {
            let frame = panels.frame(area, number, (x.clone(), y.clone()))?;
            let is_alone = panel.distributions.len() == 1 && lines.len() == 1;
            for distribution in &panel.distributions {
                draw_bins(area, &frame, distribution, is_alone)?;
            }
            // Drawn again, over the bars.
            panels.draw_axes(area, number)?;
        }
        panels.draw_surroundings(area)
    };
    Ok(Drawing { size_pt, draw: Box::new(draw) })
}

fn panels(lines: &[Line<'_>]) -> Vec<Panel> {
    let of = |metric: Metric| -> Vec<Distribution> {
        let numbered = lines.iter().enumerate();
        numbered
            .filter_map(|(line, of)| Some(Distribution { line, bins: Bins::of(&of.histograms(metric))? }))
            .collect()
    };
    let all = Metric::ALL.into_iter().map(|metric| Panel { metric, distributions: of(metric) });
    all.filter(|panel| !panel.distributions.is_empty()).collect()
}

/// Legend entries; none for a single line.
fn legend(lines: &[Line<'_>]) -> Vec<(Sample, String)> {
    if let [_only] = lines {
        return Vec::new();
    }
    lines
        .iter()
        .enumerate()
        .map(|(number, line)| (Sample::Line(style::line(number).plain()), line.label.clone()))
        .collect()
}

fn notes(lines: &[Line<'_>], panels: &[Panel]) -> Vec<String> {
    let mut notes = vec![format!("{IN_DECADE} bins a decade.")];
    let joined = lines.iter().filter(|line| line.runs() > 1);
    notes.extend(joined.map(|line| format!("{}: all samples of {} runs.", line.label, line.runs())));
    let zeros: Vec<String> = panels.iter().flat_map(|panel| panel.zeros(lines)).collect();
    if !zeros.is_empty() {
        notes.push(format!("Not shown, since 0 ns: {}.", zeros.join(", ")));
    }
    vec![notes.join(" ")]
}

impl Panel {
    /// `2.4 % of blocked`, of each distribution that has such samples.
    fn zeros(&self, lines: &[Line<'_>]) -> impl Iterator<Item = String> {
        let shown = self.distributions.iter().filter(|one| one.bins.zeros > 0.0);
        shown.map(move |one| {
            let of = if lines.len() > 1 { format!(" of {}", lines[one.line].label) } else { String::new() };
            format!("{:.1}\u{a0}% of {}{of}", one.bins.zeros * 100.0, self.metric.name())
        })
    }
}

impl Bins {
    fn of(runs: &[&Histogram]) -> Option<Self> {
        let merged = Histogram::merged(runs.iter().copied())?;
        let all = merged.bucketed() as f64;
        let mut shares: BTreeMap<u32, f64> = BTreeMap::new();
        let mut zeros = 0.0;
        for bucket in &merged.buckets {
            let share = match bucket.low_ns.0 {
                0 => &mut zeros,
                low => shares.entry(number(low)).or_default(),
            };
            *share += bucket.count as f64 / all;
        }
        (!merged.buckets.is_empty()).then_some(Self { shares, zeros })
    }

    /// The outline: up from the axis, along the bins, and down to the axis at each gap.
    fn outline(&self, at: impl Fn(f64, f64) -> Point) -> Vec<Point> {
        let mut points = Vec::new();
        let mut end = None;
        for (&bin, &share) in &self.shares {
            let (low, high) = (low_ns(bin), low_ns(bin + 1));
            if end != Some(bin) {
                points.extend(end.map(|end| at(low_ns(end), 0.0)));
                points.push(at(low, 0.0));
            }
            points.extend([at(low, share), at(high, share)]);
            end = Some(bin + 1);
        }
        points.extend(end.map(|end| at(low_ns(end), 0.0)));
        points
    }

    /// The middle of the bin with the most samples.
    fn mode(&self) -> Option<(f64, f64)> {
        let (&bin, &share) = self.shares.iter().max_by(|one, other| one.1.total_cmp(other.1))?;
        Some(((low_ns(bin) * low_ns(bin + 1)).sqrt(), share))
    }
}

fn draw_bins(area: &Area<'_>, frame: &Frame<'_>, distribution: &Distribution, is_alone: bool) -> Result<()> {
    /// Opacity of the area: its outline and those behind it stay visible.
    const FILL: f64 = 0.3;
    let (style, bins) = (distribution.style(), &distribution.bins);
    let outline = bins.outline(|x, y| frame.at(x, y));
    if outline.is_empty() {
        return Ok(());
    }
    area.draw(&Polygon::new(outline.clone(), style.colour.mix(FILL))).map_err(failed)?;
    draw_line(area, style, &outline, true)?;
    if is_alone {
        return Ok(());
    }
    bins.mode().map_or(Ok(()), |(x, y)| draw_mark(area, style, frame.at(x, y)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::units::Nanos;

    #[test]
    fn shares_add_up_and_gaps_reach_the_axis() {
        let histogram = Histogram::of([1_000, 1_100, 90_000].map(Nanos)).unwrap();
        let bins = Bins::of(&[&histogram]).unwrap();
        assert!((bins.shares.values().sum::<f64>() - 1.0).abs() < 1e-12);
        let outline = bins.outline(|x, y| (x as i32, (y * 300.0).round() as i32));
        let down: Vec<i32> = outline.iter().map(|point| point.1).collect();
        assert_eq!(down, [0, 200, 200, 0, 0, 100, 100, 0]);
    }
}
