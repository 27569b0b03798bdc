//! `timeline`: the states of each thread over time, as shares of every slice.

use super::axis::Axis;
use super::font::Font;
use super::legend::{Legend, Sample};
use super::lines::own_label;
use super::panels::{Columns, Frame, Panels, Surroundings};
use super::rows::Rows;
use super::sheet::{Area, Point, failed};
use super::slices::{Slice, Slices};
use super::{Drawing, Figure, Size};
use crate::view::series::Group;
use anyhow::Result;
use model::metric::Metric;
use model::profile::interval::States;
use model::profile::units::Nanos;
use plotters::element::Polygon;
use plotters::style::{Color as _, RGBColor};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The most rows that can still be read one by one.
const MOST_ROWS: usize = 40;

/// The gap between rows, as a share of a row; half of it on each side.
pub(super) const GAP_SHARE: f64 = 0.08;

/// The largest share of the width for labels.
const NAMES_SHARE: f64 = 0.3;

/// The states from the axis up, with name and shade: the darker, the more a thread gets done, so that colours
/// are not needed.
const STATES: [(State, &str, RGBColor); States::COUNT] = [
    (|states| states.on_cpu_ns, "on_cpu", RGBColor(0x12, 0x35, 0x5B)),
    (|states| states.preempted_ns, "preempted", RGBColor(0xB0, 0x3A, 0x2E)),
    (|states| states.runqueue_wait_ns, "runqueue_wait", RGBColor(0xE6, 0x7E, 0x22)),
    (|states| states.runnable_idle_ns, "runnable_idle", RGBColor(0xEE, 0xA8, 0x38)),
    (|states| states.throttled_ns, "throttled", RGBColor(0xC8, 0xB4, 0xE0)),
    (|states| states.unattributed_wait_ns, "unattributed_wait", RGBColor(0xB4, 0xDA, 0xF0)),
    (|states| states.blocked_ns, "blocked", RGBColor(0xE4, 0xE4, 0xE4)),
];

type State = fn(&States) -> Nanos;

/// One row: for each slice the shares of [`STATES`] in its threads' time; their sum is less than 1 where a
/// thread began or ended.
struct Row {
    /// Start, end and shares of each slice.
    slices: Vec<(f64, f64, [f64; States::COUNT])>,
}

/// Lays out the figure.
pub(super) fn timeline<'a>(figure: &'a Figure<'a>) -> Result<Drawing<'a>> {
    let font = Font::new()?;
    let (rows, end_s) = rows(figure)?;
    if rows.is_empty() {
        return Err(figure.subject.nothing("to draw", "thread"));
    }
    let most_pt = figure.size.width_pt() * NAMES_SHARE;
    let y = rows.axis(&font, most_pt);
    let x = |width_pt| Axis::seconds(&font, end_s, width_pt);
    let x_names_pt = x(figure.size.width_pt()).widest_pt(&font);
    let columns = Columns::new(figure.size, 1, (y.widest_pt(&font), x_names_pt, 0.0));
    let x = x(columns.plot_width_pt);
    let is_shown = |number: usize| {
        rows.iter().any(|(_, row)| row.slices.iter().any(|(_, _, shares)| shares[number] > 0.0))
    };
    let legend = STATES.iter().enumerate().filter(|&(number, _)| is_shown(number));
    let around = Surroundings {
        legend: Legend::new(
            &font,
            &columns,
            legend.map(|(_, &(_, name, shade))| (Sample::Area(shade), name.to_owned())).collect(),
        ),
        x_title: "time since the start".to_owned(),
        y_title: String::new(),
        notes: Vec::new(),
        titles: Vec::new(),
    };
    let panels = Panels::new(&font, &columns, 1, rows.height_pt(), around);
    let size_pt = panels.size_pt();
    let draw = move |area: &Area<'_>| {
        let frame = panels.frame(area, 0, (x, y))?;
        for (number, row) in rows.iter() {
            draw_row(area, &frame, number, row)?;
        }
        rows.draw_headings(area, &frame)?;
        panels.draw_axes(area, 0)?;
        panels.draw_surroundings(area)
    };
    Ok(Drawing { size_pt, draw: Box::new(draw) })
}

/// The rows of all runs, and the end of the longest run, in seconds.
fn rows(figure: &Figure<'_>) -> Result<(Rows<Row>, f64)> {
    let most_slices = match figure.size {
        Size::Column => 120,
        Size::Page => 240,
    };
    let subject = figure.subject;
    let runs = subject.profiles.len().max(1);
    let (mut rows, mut end_s) = (Vec::new(), 0.0_f64);
    for (run, profile) in subject.profiles.iter().enumerate() {
        let slices = Slices::of(profile, most_slices)?;
        end_s = end_s.max(slices.end_s());
        // The states of threads without a slot are unknown.
        let groups = subject.groups.iter().filter(|group| group.run == run && !group.threads.is_empty());
        let title = &subject.titles[run];
        let row = |group: &Group<'_>| {
            let name = own_label(subject, &[run], title, group);
            (name, slices.members(group.threads.iter().copied()))
        };
        for (name, members) in fold(groups.collect(), (MOST_ROWS / runs).max(2), row) {
            let slices = slices.slices.iter().map(|slice| shares(slice, &members)).collect();
            rows.push((title.clone(), name, Row { slices }));
        }
    }
    Ok((Rows::new(rows), end_s))
}

/// Names and members of at most `most` rows; the groups with the least CPU time share the last.
fn fold(
    groups: Vec<&Group<'_>>,
    most: usize,
    row: impl Fn(&Group<'_>) -> (String, Vec<u32>),
) -> Vec<(String, Vec<u32>)> {
    if groups.len() <= most {
        return groups.into_iter().map(row).collect();
    }
    let cpu =
        |group: &Group<'_>| group.histograms.get(&Metric::OnCpu).map_or(Nanos(0), |on_cpu| on_cpu.sum_ns);
    let mut by_cpu: Vec<usize> = (0..groups.len()).collect();
    by_cpu.sort_by_key(|&index| Reverse(cpu(groups[index])));
    let kept: BTreeSet<usize> = by_cpu.into_iter().take(most - 1).collect();
    let (own, rest): (Vec<_>, Vec<_>) =
        groups.into_iter().enumerate().partition(|(index, _)| kept.contains(index));
    let name = format!("{} others", rest.len());
    let mut members: Vec<u32> = rest.into_iter().flat_map(|(_, group)| row(group).1).collect();
    members.sort_unstable();
    own.into_iter().map(|(_, group)| row(group)).chain([(name, members)]).collect()
}

/// The shares of the threads' time in a slice, counting only threads that lived then.
fn shares(slice: &Slice<'_>, members: &[u32]) -> (f64, f64, [f64; States::COUNT]) {
    let (mut sums, mut lived) = ([0.0; States::COUNT], BTreeSet::new());
    for thread in slice.of(members) {
        lived.insert(thread.thread);
        for (sum, (state, _, _)) in sums.iter_mut().zip(STATES) {
            *sum += state(&thread.states).0 as f64 / 1e9;
        }
    }
    let possible = slice.length_s() * lived.len() as f64;
    // A thread's last record may end after the snapshot that ends the slice.
    let all = sums.iter().sum::<f64>().max(possible);
    let share = |sum: f64| if all > 0.0 { sum / all } else { 0.0 };
    (slice.from_s, slice.until_s, sums.map(share))
}

/// Draws the states of a row. Each area reaches from the axis to the state's upper end and is then covered by
/// the states below, so that there are no seams.
fn draw_row(area: &Area<'_>, frame: &Frame<'_>, number: usize, row: &Row) -> Result<()> {
    let (floor, height) = ((number + 1) as f64 - GAP_SHARE, 1.0 - 2.0 * GAP_SHARE);
    for (up_to, (_, _, shade)) in STATES.iter().enumerate().rev() {
        let mut outline: Vec<Point> = Vec::new();
        for (from, until, shares) in &row.slices {
            let level = floor - shares[..=up_to].iter().sum::<f64>() * height;
            let (left, right) = (frame.at(*from, level), frame.at(*until, level));
            // A constant level needs no further point.
            match outline.last_mut() {
                Some(last) if last.1 == left.1 => *last = right,
                _ => outline.extend([left, right]),
            }
        }
        let base = frame.at(0.0, floor).1;
        let (Some(first), Some(last)) = (outline.first().copied(), outline.last().copied()) else { continue };
        if outline.iter().all(|point| point.1 == base) {
            continue;
        }
        outline.extend([(last.0, base), (first.0, base)]);
        area.draw(&Polygon::new(outline, shade.filled())).map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::style::grey;
    use super::*;

    #[test]
    fn states_are_told_apart_without_colour() {
        let greys: Vec<f64> = STATES.iter().map(|&(_, _, shade)| grey(shade)).collect();
        assert!(greys.windows(2).all(|pair| pair[1] - pair[0] >= 0.05), "{greys:?}");
    }
}
