//! `blocked-on`: what each group was blocked on, as shares of its blocked time, with that time beside.

use super::axis::Axis;
use super::calls::{OTHERS, colours};
use super::font::Font;
use super::legend::{Legend, Sample};
use super::lines::{Line, lines};
use super::panels::{Columns, Frame, Panels, Surroundings, text_at};
use super::rows::Rows;
use super::sheet::{Area, SMALL_PT, TEXT_PT, failed, path, stroke, text, units};
use super::style::{INK, MOST_AREAS, ink_on};
use super::{Drawing, Figure};
use crate::report::{duration, printable, shortened};
use anyhow::Result;
use model::profile::units::Nanos;
use plotters::element::Rectangle;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color as _, RGBColor, WHITE};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most bars that can still be read one by one.
const MOST_ROWS: usize = 32;

/// The gap between bars, as a share of a row; half of it on each side.
const GAP_SHARE: f64 = 0.14;

/// The width of the line between the parts of a bar.
const SEAM_PT: f64 = 0.4;

/// The largest share of the width for labels.
const NAMES_SHARE: f64 = 0.38;

/// The longest label, in characters: no system call has a longer name.
const LONGEST_NAME: usize = 40;

/// One bar.
struct Bar {
    /// The time of each part.
    parts: Vec<Nanos>,
    total: Nanos,
}

/// Lays out the figure.
pub(super) fn blocked_on<'a>(figure: &'a Figure<'a>) -> Result<Drawing<'a>> {
    let font = Font::new()?;
    let (parts, bars) = bars(&lines(figure.subject, figure.each_run, MOST_ROWS));
    if bars.is_empty() {
        return Err(figure.subject.nothing("to draw", "thread that was blocked"));
    }
    let most_pt = figure.size.width_pt() * NAMES_SHARE;
    let y = bars.axis(&font, most_pt);
    let totals = bars.iter().map(|(_, bar)| duration(bar.total));
    let totals_pt = totals.map(|total| font.reserved_pt(&total, TEXT_PT)).fold(0.0, f64::max) + 5.0;
    let x = Axis::shares();
    let columns = Columns::new(figure.size, 1, (y.widest_pt(&font), x.widest_pt(&font), totals_pt));
    let colours = colours(&parts);
    let legend = parts.iter().zip(&colours).map(|(part, colour)| (Sample::Area(*colour), part.clone()));
    let around = Surroundings {
        legend: Legend::new(&font, &columns, legend.collect()),
        x_title: "share of blocked time; right: total".to_owned(),
        y_title: String::new(),
        notes: Vec::new(),
        titles: Vec::new(),
    };
    let panels = Panels::new(&font, &columns, 1, bars.height_pt(), around);
    let size_pt = panels.size_pt();
    let draw = move |area: &Area<'_>| {
        let frame = panels.frame(area, 0, (x, y))?;
        for (row, bar) in bars.iter() {
            draw_bar(area, &frame, &font, row, bar, (&parts, &colours))?;
            let (across, down) = frame.at(1.0, row as f64 + 0.5);
            let style = text(INK, TEXT_PT, HPos::Left, VPos::Center);
            text_at(area, &duration(bar.total), (across + units(4.0), down), style)?;
        }
        bars.draw_headings(area, &frame)?;
        panels.draw_axes(area, 0)?;
        panels.draw_surroundings(area)
    };
    Ok(Drawing { size_pt, draw: Box::new(draw) })
}

/// A part below this share in every bar is too narrow to see and gets no shade.
const LEAST_SHARE: f64 = 0.01;

/// The names of the parts, largest total first, and the bars.
fn bars(lines: &[Line<'_>]) -> (Vec<String>, Rows<Bar>) {
    let waits: Vec<BTreeMap<&str, Nanos>> = lines.iter().map(waits).collect();
    let named = named(&waits);
    let mut bars: Vec<(String, String, Bar)> = Vec::new();
    for (line, waits) in lines.iter().zip(&waits) {
        let mut parts = vec![Nanos(0); named.len() + 1];
        for (name, sum) in waits {
            parts[named.iter().position(|one| one == name).unwrap_or(named.len())] += *sum;
        }
        let total = parts.iter().copied().sum();
        if total > Nanos(0) {
            bars.push((line.title.clone(), line.own.clone(), Bar { parts, total }));
        }
    }
    let mut names: Vec<String> = named.iter().map(|name| shortened(&printable(name), LONGEST_NAME)).collect();
    names.push(OTHERS.to_owned());
    if bars.iter().all(|(_, _, bar)| bar.parts.last() == Some(&Nanos(0))) {
        names.pop();
    }
    (names, Rows::new(bars))
}

/// The blocked time of a line by what it was blocked on.
fn waits<'a>(line: &'a Line<'_>) -> BTreeMap<&'a str, Nanos> {
    let mut sums: BTreeMap<&str, Nanos> = BTreeMap::new();
    for wait in line.threads().flat_map(|thread| &thread.blocked_on) {
        *sums.entry(&wait.syscall).or_default() += wait.sum_ns;
    }
    sums
}

/// The parts that get a shade.
fn named<'a>(lines: &[BTreeMap<&'a str, Nanos>]) -> Vec<&'a str> {
    let mut sums: BTreeMap<&str, (Nanos, bool)> = BTreeMap::new();
    for waits in lines {
        let total = waits.values().copied().sum::<Nanos>().0 as f64;
        for (&name, &time) in waits {
            let (sum, is_seen) = sums.entry(name).or_default();
            *sum += time;
            *is_seen |= time.0 as f64 >= total * LEAST_SHARE;
        }
    }
    let seen = sums.into_iter().filter(|&(name, (_, is_seen))| is_seen && name != OTHERS);
    let mut by_time: Vec<(&str, Nanos)> = seen.map(|(name, (sum, _))| (name, sum)).collect();
    by_time.sort_by_key(|&(_, sum)| Reverse(sum));
    by_time.into_iter().take(MOST_AREAS - 1).map(|(name, _)| name).collect()
}

fn draw_bar(
    area: &Area<'_>,
    frame: &Frame<'_>,
    font: &Font,
    row: usize,
    bar: &Bar,
    (names, colours): (&[String], &[RGBColor]),
) -> Result<()> {
    let (top, bottom) = (row as f64 + GAP_SHARE, (row + 1) as f64 - GAP_SHARE);
    let mut before = Nanos(0);
    for ((part, name), colour) in bar.parts.iter().zip(names).zip(colours) {
        let share = |time: Nanos| time.0 as f64 / bar.total.0 as f64;
        let (from, to) = (share(before), share(before + *part));
        before += *part;
        let corners = [frame.at(from, top), frame.at(to, bottom)];
        let width = corners[1].0 - corners[0].0;
        if width <= 0 {
            continue;
        }
        area.draw(&Rectangle::new(corners, colour.filled())).map_err(failed)?;
        // Separates neighbours of similar lightness; parts hardly wider than the line are left without it.
        if from > 0.0 && width > 4 * units(SEAM_PT) {
            let edge = [corners[0], (corners[0].0, corners[1].1)];
            path(area, edge, stroke(WHITE, SEAM_PT))?;
        }
        // Labelled inside the bar too, so that shades need not be matched with the legend.
        if units(font.reserved_pt(name, SMALL_PT) + 4.0) < width {
            let middle = frame.at((from + to) / 2.0, row as f64 + 0.5);
            let style = text(ink_on(*colour), SMALL_PT, HPos::Center, VPos::Center);
            text_at(area, name, middle, style)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Subject;
    use crate::view::series::{GroupBy, Selection};
    use model::profile::fixture;
    use model::profile::thread::BlockedOn;

    #[test]
    fn bars_hold_all_blocked_time() {
        let mut profile = fixture::pool();
        // More system calls than there are shades.
        profile.threads[0].blocked_on.extend((0..9_u64).map(|number| BlockedOn {
            syscall: format!("call{number}"),
            count: 1,
            sum_ns: Nanos(1_000_000_000 * (number + 1)),
            max_ns: Nanos(1_000_000_000 * (number + 1)),
        }));
        let profiles = [&profile];
        let selection = Selection { metrics: Vec::new(), threads: None, group_by: GroupBy::Name };
        let subject = Subject::new(&profiles, &selection, false);
        let (names, bars) = bars(&lines(&subject, false, MOST_ROWS));
        assert_eq!(names.len(), MOST_AREAS);
        assert_eq!((names[0].as_str(), names[MOST_AREAS - 1].as_str()), ("clock_nanosleep", OTHERS));
        assert_eq!(bars.iter().count(), 7);
        let all: Nanos =
            profile.threads.iter().flat_map(|thread| &thread.blocked_on).map(|wait| wait.sum_ns).sum();
        assert_eq!(bars.iter().map(|(_, bar)| bar.total).sum::<Nanos>(), all);
        assert!(bars.iter().all(|(_, bar)| bar.parts.iter().copied().sum::<Nanos>() == bar.total));
    }
}
