//! `heatmap`: rate of samples by time and duration, a panel for each group and metric. Rates, not counts:
//! snapshots are sometimes late, and a longer column would be darker for that alone.

use super::axis::Axis;
use super::bins::{IN_DECADE, low_ns, number};
use super::font::Font;
use super::legend::{Legend, Sample};
use super::lines::own_label;
use super::panels::{Columns, Frame, Panels, Surroundings};
use super::sheet::{Area, failed};
use super::slices::Slices;
use super::{Drawing, Figure, Size};
use crate::report::units::counted;
use crate::report::{count, duration};
use crate::view::Subject;
use crate::view::series::{Group, Key};
use anyhow::{Result, bail};
use model::metric::Metric;
use model::profile::units::{Nanos, total};
use plotters::element::Rectangle;
use plotters::style::{Color as _, RGBColor};
use std::collections::BTreeMap;

/// The most panels of a legible figure.
const MOST_PANELS: usize = 12;

/// Colour map from low to high rates, evenly darker.
const SHADES: [RGBColor; 3] =
    [RGBColor(0xD6, 0xE6, 0xF4), RGBColor(0x4A, 0x98, 0xC9), RGBColor(0x08, 0x2A, 0x5E)];

/// One panel.
struct Grid {
    /// The run and the group, where there are several.
    heading: String,
    metric: Metric,
    /// Start and end of each slice, in seconds.
    slices: Vec<(f64, f64)>,
    /// Samples by slice and bin.
    counts: BTreeMap<(usize, u32), u64>,
    /// Samples of 0 ns, which a logarithmic axis can't show.
    zeros: u64,
}

impl Grid {
    /// The rate of each cell, in samples a second. Columns of no width are left out.
    fn rates(&self) -> impl Iterator<Item = ((usize, u32), f64)> {
        self.counts.iter().filter_map(|(&(slice, bin), &count)| {
            let (from, until) = self.slices[slice];
            (until > from).then(|| ((slice, bin), count as f64 / (until - from)))
        })
    }
}

/// The range of the colour map, in samples a second.
#[derive(Clone, Copy, Debug)]
struct Scale {
    lowest: f64,
    highest: f64,
}

/// Lays out the figure.
pub(super) fn heatmap<'a>(figure: &'a Figure<'a>) -> Result<Drawing<'a>> {
    let font = Font::new()?;
    let grids = grids(figure)?;
    let bins = || grids.iter().flat_map(|grid| grid.counts.keys()).map(|&(_, bin)| bin);
    let (least, most) = (bins().min().unwrap_or(1), bins().max().unwrap_or(1));
    let y = Axis::durations(&font, low_ns(least), low_ns(most + 1), None);
    let end_s = grids.iter().filter_map(|grid| grid.slices.last()).map(|slice| slice.1).fold(0.0, f64::max);
    let x = |width_pt| Axis::seconds(&font, end_s, width_pt);
    let x_names_pt = x(figure.size.width_pt()).widest_pt(&font);
    let columns = Columns::new(figure.size, grids.len(), (y.widest_pt(&font), x_names_pt, 0.0));
    let x = x(columns.plot_width_pt);
    let scale = Scale::of(&grids);
    let zeros = match total(grids.iter().map(|grid| grid.zeros)) {
        0 => String::new(),
        zeros => format!(" Not shown: {} of 0 ns.", counted(zeros, "sample")),
    };
    let around = Surroundings {
        legend: Legend::new(&font, &columns, scale.legend()),
        x_title: "time since the start".to_owned(),
        y_title: if let [only] = grids.as_slice() { only.metric.name() } else { "duration" }.to_owned(),
        notes: vec![format!(
            "{}, {IN_DECADE} bins a decade; a sample is where it ended.{zeros}",
            lengths(&grids)
        )],
        titles: titles(&grids),
    };
    let panels = Panels::new(&font, &columns, grids.len(), columns.plot_height_pt(grids.len()), around);
    let size_pt = panels.size_pt();
    let draw = move |area: &Area<'_>| {
        for (number, grid) in grids.iter().enumerate() {
            let frame = panels.frame(area, number, (x.clone(), y.clone()))?;
            draw_cells(area, &frame, grid, scale)?;
            panels.draw_axes(area, number)?;
        }
        panels.draw_surroundings(area)
    };
    Ok(Drawing { size_pt, draw: Box::new(draw) })
}

fn grids(figure: &Figure<'_>) -> Result<Vec<Grid>> {
    let most_slices = match figure.size {
        Size::Column => 100,
        Size::Page => 150,
    };
    let subject = figure.subject;
    let mut grids = Vec::new();
    for (run, profile) in subject.profiles.iter().enumerate() {
        let slices = Slices::of(profile, most_slices)?;
        for group in subject.groups.iter().filter(|group| group.run == run) {
            let members = slices.members(group.threads.iter().copied());
            for &metric in group.histograms.keys() {
                let (counts, zeros) = counts(&slices, &members, metric);
                if counts.is_empty() {
                    continue;
                }
                let heading = heading(subject, run, group);
                let slices = slices.slices.iter().map(|slice| (slice.from_s, slice.until_s)).collect();
                grids.push(Grid { heading, metric, slices, counts, zeros });
            }
        }
    }
    match grids.len() {
        0 => Err(subject.nothing_in_buckets("to draw", "sample above 0 ns in a bucket")),
        1..=MOST_PANELS => Ok(grids),
        panels => bail!(
            "this makes {panels} panels, more than the {MOST_PANELS} of a figure; choose with --metric or --thread, or \
             group with --group-by"
        ),
    }
}

/// Titles of the panels; a single panel has one only if it is not of a whole run.
fn titles(grids: &[Grid]) -> Vec<Vec<String>> {
    if let [only] = grids {
        return Some(only.heading.clone())
            .filter(|heading| !heading.is_empty())
            .map(|one| vec![one])
            .into_iter()
            .collect();
    }
    let title = |grid: &Grid| match grid.heading.as_str() {
        "" => vec![grid.metric.name().to_owned()],
        heading => vec![heading.to_owned(), grid.metric.name().to_owned()],
    };
    grids.iter().map(title).collect()
}

/// The run where there are several, and the group unless it is the whole run.
fn heading(subject: &Subject<'_>, run: usize, group: &Group<'_>) -> String {
    let title = &subject.titles[run];
    let is_whole = group.key == Key::Run;
    let own = (!is_whole).then(|| own_label(subject, &[run], title, group));
    let run = (subject.profiles.len() > 1).then(|| title.clone());
    run.into_iter().chain(own).collect::<Vec<_>>().join(": ")
}

/// The samples by slice and bin, and the number of those of 0 ns.
fn counts(slices: &Slices<'_>, members: &[u32], metric: Metric) -> (BTreeMap<(usize, u32), u64>, u64) {
    let mut counts: BTreeMap<(usize, u32), u64> = BTreeMap::new();
    let mut zeros: u64 = 0;
    for (index, slice) in slices.slices.iter().enumerate() {
        let histograms = slice.of(members).filter_map(|thread| thread.histograms.get(metric.name()));
        for bucket in histograms.flat_map(|histogram| &histogram.buckets) {
            let cell = match bucket.low_ns {
                Nanos(0) => &mut zeros,
                Nanos(low) => counts.entry((index, number(low))).or_default(),
            };
            *cell = cell.saturating_add(bucket.count);
        }
    }
    (counts, zeros)
}

/// A note on the real lengths of the columns, which may exceed the requested interval.
fn lengths(grids: &[Grid]) -> String {
    /// Lengths within this factor are described as one.
    const NEARLY: f64 = 1.05;
    let slices = grids.iter().flat_map(|grid| &grid.slices);
    let mut lengths: Vec<f64> = slices.map(|(from, until)| until - from).collect();
    lengths.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (lengths.first(), lengths.last()) else { return String::new() };
    let named = |seconds: f64| duration(Nanos((seconds * 1e9).round() as u64));
    let median = named((lengths[(lengths.len() - 1) / 2] + lengths[lengths.len() / 2]) / 2.0);
    if most / least <= NEARLY {
        format!("Columns of {median}")
    } else {
        format!("Columns of {} to {}, median {median}", named(*least), named(*most))
    }
}

fn draw_cells(area: &Area<'_>, frame: &Frame<'_>, grid: &Grid, scale: Scale) -> Result<()> {
    /// Overlap of cells, in twentieths of a point: edges that only touch leave a light seam in most viewers.
    const OVERLAP: i32 = 2;
    for ((slice, bin), rate) in grid.rates() {
        let (from, until) = grid.slices[slice];
        let (left, low) = frame.at(from, low_ns(bin));
        let (right, high) = frame.at(until, low_ns(bin + 1));
        let corners = [(left, high), (right + OVERLAP, low + OVERLAP)];
        area.draw(&Rectangle::new(corners, scale.shade(rate).filled())).map_err(failed)?;
    }
    Ok(())
}

impl Scale {
    /// The least ratio of highest to lowest rate: one decade. Otherwise columns of similar length with one
    /// sample each would be light and dark.
    const LEAST_RATIO: f64 = 10.0;

    fn of(grids: &[Grid]) -> Self {
        let rates = || grids.iter().flat_map(Grid::rates).map(|(_, rate)| rate);
        let highest = rates().fold(0.0, f64::max);
        let highest = if highest > 0.0 { highest } else { 1.0 };
        Self { lowest: rates().fold(highest / Self::LEAST_RATIO, f64::min), highest }
    }

    /// The colour of a rate, logarithmic.
    fn shade(self, rate: f64) -> RGBColor {
        let share = (rate / self.lowest).ln() / (self.highest / self.lowest).ln();
        let position = share.clamp(0.0, 1.0) * (SHADES.len() - 1) as f64;
        let before = (position.floor() as usize).min(SHADES.len() - 2);
        let (from, to, part) = (SHADES[before], SHADES[before + 1], position - before as f64);
        let mixed =
            |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * part).round() as u8;
        RGBColor(mixed(from.0, to.0), mixed(from.1, to.1), mixed(from.2, to.2))
    }

    /// Legend entries: the lowest rate, the decades above it, and the highest.
    fn legend(self) -> Vec<(Sample, String)> {
        // Decades close to an end are left out: their shade would hardly differ from it.
        let (from, to) = (self.lowest * 2.0, self.highest / 2.0);
        let decades =
            (from.log10().ceil() as i32..=to.log10().floor() as i32).map(|power| 10_f64.powi(power));
        let shown = std::iter::once(self.lowest).chain(decades).chain([self.highest]);
        let samples = shown.map(|rate| (Sample::Area(self.shade(rate)), rate_name(rate)));
        std::iter::once((Sample::None, "samples per second:".to_owned())).chain(samples).collect()
    }
}

/// A rate with at least two significant digits.
fn rate_name(rate: f64) -> String {
    let digits = (1 - rate.log10().floor() as i32).max(0);
    match usize::try_from(digits) {
        Ok(0) | Err(_) => count(rate.round() as u64),
        Ok(digits) => format!("{rate:.digits$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::style::grey;
    use super::*;
    use crate::view::series::Selection;
    use model::profile::Profile;
    use model::profile::fixture;

    #[test]
    fn more_samples_a_second_are_darker() {
        let scale = Scale { lowest: 1.0, highest: 1_000.0 };
        let greys: Vec<f64> =
            [1, 3, 10, 30, 100, 300, 1_000].map(|rate| grey(scale.shade(f64::from(rate)))).to_vec();
        assert!(greys.windows(2).all(|pair| pair[0] - pair[1] > 0.05), "{greys:?}");
        assert_eq!((scale.shade(1.0), scale.shade(1_000.0)), (SHADES[0], SHADES[2]));
    }

    /// A run with intervals of these lengths and the same samples in each.
    fn cut(lengths_ms: &[u64]) -> Profile {
        let mut profile = fixture::pool();
        fixture::cut_in_two(&mut profile);
        let one = profile.intervals.remove(0);
        let mut until = one.from_ns;
        profile.intervals = lengths_ms
            .iter()
            .map(|&length_ms| {
                let from_ns = until;
                until += Nanos(length_ms * 1_000_000);
                model::profile::interval::Interval { from_ns, until_ns: until, ..one.clone() }
            })
            .collect();
        profile
    }

    fn drawn(profile: &Profile) -> (Vec<Grid>, String) {
        let profiles = [profile];
        let selection =
            Selection { metrics: vec![Metric::Blocked], threads: None, group_by: Kind::Heatmap.group_by() };
        let subject = Subject::new(&profiles, &selection, false);
        let figure = Figure {
            subject: &subject,
            kind: Kind::Heatmap,
            size: Size::Page,
            each_run: false,
            anonymous: false,
        };
        (grids(&figure).unwrap(), figure.svg().unwrap())
    }

    #[test]
    fn a_late_snapshot_makes_a_wide_column_and_no_dark_one() {
        let (grids, svg) = drawn(&cut(&[250, 50, 54, 46]));
        let [grid] = grids.as_slice() else { panic!("{} panels", grids.len()) };
        let (&(_, bin), &most) = grid.counts.iter().max_by_key(|&(_, &count)| count).unwrap();
        let rates: BTreeMap<(usize, u32), f64> = grid.rates().collect();
        assert_eq!(grid.counts[&(1, bin)], most);
        assert!((rates[&(0, bin)] * 5.0 / rates[&(1, bin)] - 1.0).abs() < 1e-6, "{rates:?}");
        let scale = Scale::of(&grids);
        assert!(grey(scale.shade(rates[&(0, bin)])) > grey(scale.shade(rates[&(1, bin)])) + 0.02);
        assert!(svg.contains("samples per second:"), "{svg}");
        let caption = lengths(&grids).replace('\u{a0}', " ");
        assert_eq!(caption, "Columns of 46.0 ms to 250 ms, median 52.0 ms");
    }

    #[test]
    fn columns_of_almost_one_length_have_one_length() {
        let (grids, _) = drawn(&cut(&[50, 51, 50]));
        assert_eq!(lengths(&grids).replace('\u{a0}', " "), "Columns of 50.0 ms");
    }

    #[test]
    fn the_legend_goes_from_the_lowest_rate_to_the_highest() {
        let names = |lowest, highest| -> Vec<String> {
            Scale { lowest, highest }.legend().into_iter().skip(1).map(|(_, name)| name).collect()
        };
        assert_eq!(names(20.0, 3_240.0), ["20", "100", "1,000", "3,240"]);
        assert_eq!(names(0.25, 7.0), ["0.25", "1.0", "7.0"]);
    }
}
