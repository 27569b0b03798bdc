//! `heatmap`: how many samples ended when, and how long they were: time by duration, a panel for each group and metric.

use super::axis::Axis;
use super::bins::{IN_DECADE, low_ns, number};
use super::font::Font;
use super::legend::{Legend, Sample};
use super::lines::own_label;
use super::panels::{Frame, Panels, Room, Surroundings};
use super::sheet::{Area, failed};
use super::slices::Slices;
use super::{Drawing, Figure, Size};
use crate::export::Subject;
use crate::profile::units::{Nanos, total};
use crate::report::units::counted;
use crate::report::{count, duration};
use crate::series::{Group, Key};
use anyhow::{Result, bail};
use plotters::element::Rectangle;
use plotters::style::{Color as _, RGBColor};
use profiler_ebpf::metric::Metric;
use std::collections::{BTreeMap, BTreeSet};

/// More panels than this are no figure.
const MOST_PANELS: usize = 12;

/// From few samples to many, evenly darker.
const SHADES: [RGBColor; 3] =
    [RGBColor(0xD6, 0xE6, 0xF4), RGBColor(0x4A, 0x98, 0xC9), RGBColor(0x08, 0x2A, 0x5E)];

/// One panel.
struct Grid {
    /// The run and the group, as far as there are several.
    heading: String,
    metric: Metric,
    /// From and until of each slice, in seconds.
    slices: Vec<(f64, f64)>,
    /// Samples by slice and bin.
    counts: BTreeMap<(usize, u32), u64>,
    /// Samples of 0 ns, which have no place on a logarithmic axis.
    zeros: u64,
    /// The length of a slice that was asked for.
    column_ns: Option<Nanos>,
}

/// The figure.
pub(super) fn heatmap<'a>(figure: &'a Figure<'a>) -> Result<Drawing<'a>> {
    let font = Font::new()?;
    let grids = grids(figure)?;
    let bins = || grids.iter().flat_map(|grid| grid.counts.keys()).map(|&(_, bin)| bin);
    let (least, most) = (bins().min().unwrap_or(1), bins().max().unwrap_or(1));
    let y = Axis::durations(&font, low_ns(least), low_ns(most + 1), None);
    let end_s = grids.iter().filter_map(|grid| grid.slices.last()).map(|slice| slice.1).fold(0.0, f64::max);
    let x = |width_pt| Axis::seconds(&font, end_s, width_pt);
    let x_names_pt = x(figure.size.width_pt()).widest_pt(&font);
    let room = Room::new(figure.size, grids.len(), (y.widest_pt(&font), x_names_pt, 0.0));
    let x = x(room.plot_width_pt);
    let highest = grids.iter().flat_map(|grid| grid.counts.values()).copied().max().unwrap_or(1);
    let lengths: BTreeSet<Nanos> = grids.iter().filter_map(|grid| grid.column_ns).collect();
    let lengths: Vec<String> = lengths.into_iter().map(duration).collect();
    let columns =
        if lengths.is_empty() { String::new() } else { format!("Columns of {}, ", lengths.join(" and ")) };
    let zeros = match total(grids.iter().map(|grid| grid.zeros)) {
        0 => String::new(),
        zeros => format!(" Not shown: {} of 0 ns.", counted(zeros, "sample")),
    };
    let around = Surroundings {
        legend: Legend::new(&font, &room, legend(highest)),
        x_title: "time since the start".to_owned(),
        y_title: if let [only] = grids.as_slice() { only.metric.name() } else { "duration" }.to_owned(),
        notes: vec![format!("{columns}{IN_DECADE} bins a decade; a sample is where it ended.{zeros}")],
        titles: titles(&grids),
    };
    let panels = Panels::new(&font, &room, grids.len(), room.plot_height_pt(grids.len()), around);
    let size_pt = panels.size_pt();
    let draw = move |area: &Area<'_>| {
        for (number, grid) in grids.iter().enumerate() {
            let frame = panels.frame(area, number, (x.clone(), y.clone()))?;
            draw_cells(area, &frame, grid, highest)?;
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
                let column_ns = slices.length_ns;
                let heading = heading(subject, run, group);
                let slices = slices.slices.iter().map(|slice| (slice.from_s, slice.until_s)).collect();
                grids.push(Grid { heading, metric, slices, counts, zeros, column_ns });
            }
        }
    }
    match grids.len() {
        0 => bail!("nothing is left to draw: of what was chosen no sample above 0 ns is in a bucket"),
        1..=MOST_PANELS => Ok(grids),
        panels => bail!(
            "this makes {panels} panels, more than the {MOST_PANELS} of a figure; choose with --metric or --thread, or \
             group with --group-by"
        ),
    }
}

/// None of one panel alone, unless it is not of a whole run.
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

/// The run if there are several, and the group if it is not the whole run.
fn heading(subject: &Subject<'_>, run: usize, group: &Group<'_>) -> String {
    let title = &subject.titles[run];
    let is_whole = group.key == Key::Run;
    let own = (!is_whole).then(|| own_label(subject, &[run], title, group));
    let run = (subject.profiles.len() > 1).then(|| title.clone());
    run.into_iter().chain(own).collect::<Vec<_>>().join(": ")
}

/// Samples by slice and bin, and those of 0 ns.
fn counts(slices: &Slices<'_>, members: &[u32], metric: Metric) -> (BTreeMap<(usize, u32), u64>, u64) {
    let mut counts: BTreeMap<(usize, u32), u64> = BTreeMap::new();
    let mut zeros: u64 = 0;
    for (place, slice) in slices.slices.iter().enumerate() {
        let histograms = slice.of(members).filter_map(|thread| thread.histograms.get(metric.name()));
        for bucket in histograms.flat_map(|histogram| &histogram.buckets) {
            let cell = match bucket.low_ns {
                Nanos(0) => &mut zeros,
                Nanos(low) => counts.entry((place, number(low))).or_default(),
            };
            *cell = cell.saturating_add(bucket.count);
        }
    }
    (counts, zeros)
}

fn draw_cells(area: &Area<'_>, frame: &Frame<'_>, grid: &Grid, highest: u64) -> Result<()> {
    /// Cells overlap by so many twentieths of a point: edges that only touch leave a light seam in most viewers.
    const OVERLAP: i32 = 2;
    for (&(slice, bin), &count) in &grid.counts {
        let (from, until) = grid.slices[slice];
        let (left, low) = frame.at(from, low_ns(bin));
        let (right, high) = frame.at(until, low_ns(bin + 1));
        let corners = [(left, high), (right + OVERLAP, low + OVERLAP)];
        area.draw(&Rectangle::new(corners, shade(count, highest).filled())).map_err(failed)?;
    }
    Ok(())
}

/// By the logarithm of the count.
fn shade(samples: u64, highest: u64) -> RGBColor {
    let share = (samples as f64).ln() / (highest.max(2) as f64).ln();
    let place = share.clamp(0.0, 1.0) * (SHADES.len() - 1) as f64;
    let before = (place.floor() as usize).min(SHADES.len() - 2);
    let (from, to, part) = (SHADES[before], SHADES[before + 1], place - before as f64);
    let mixed = |from: u8, to: u8| (f64::from(from) + (f64::from(to) - f64::from(from)) * part).round() as u8;
    RGBColor(mixed(from.0, to.0), mixed(from.1, to.1), mixed(from.2, to.2))
}

/// The shades of 1, 10, 100 … samples.
fn legend(highest: u64) -> Vec<(Sample, String)> {
    let decades = std::iter::successors(Some(1_u64), |decade| decade.checked_mul(10));
    // The highest stands by itself: a decade just below it would have the same shade.
    let decades: Vec<u64> = decades.take_while(|&decade| decade <= highest / 2).collect();
    let shown = decades.iter().copied().chain([highest]);
    let samples = shown.map(|samples| (Sample::Area(shade(samples, highest)), count(samples)));
    std::iter::once((Sample::None, "samples:".to_owned())).chain(samples).collect()
}

#[cfg(test)]
mod tests {
    use super::super::style::grey;
    use super::*;

    #[test]
    fn more_samples_are_darker() {
        let greys: Vec<f64> =
            [1, 3, 10, 30, 100, 300, 1_000].map(|samples| grey(shade(samples, 1_000))).to_vec();
        assert!(greys.windows(2).all(|pair| pair[0] - pair[1] > 0.05), "{greys:?}");
        assert_eq!(shade(1, 1), SHADES[0]);
        assert_eq!(shade(7, 7), SHADES[2]);
    }
}
