//! A bar chart: one bar for each contender, from zero.

use super::{
    Words, is_ours,
    style::{Area, BOTTOM, MARGIN, TOP, WIDTH, failed, from_here, on_paper, thousands, up_to_here},
};
use crate::{
    contender::Contender,
    cost::{results::Measured, table::TOGETHER},
    statistics::{Summary, ratio},
};
use anyhow::Result;
use plotters::prelude::*;

/// One line of the chart.
pub(super) struct Bar {
    name: String,
    /// Nanoseconds of each part; empty if not measured.
    parts_ns: Vec<f64>,
    /// The interquartile range of the rounds.
    middle_ns: Option<[f64; 2]>,
    is_ours: bool,
}

/// Distance between bars, in pixels.
const ROW: i32 = 32;

/// Half the height of a bar, in pixels.
const HALF: i32 = 10;

/// Width of the names, in pixels.
const NAMES: i32 = 240;

/// Width of the figures after the bars, in pixels.
const FIGURES: i32 = 180;

/// Dark and light, distinguishable in grey.
const OURS: RGBColor = RGBColor(0, 90, 150);
const OTHERS: RGBColor = RGBColor(205, 205, 205);
const LINE: RGBColor = RGBColor(90, 90, 90);

/// A bar for each contender.
pub(super) fn each<'a>(
    measured: impl Iterator<Item = &'a Measured>,
    added_ns: impl Fn(&Measured) -> &Result<Summary, String>,
) -> Vec<Bar> {
    let bar = |measured: &Measured| {
        let added = added_ns(measured).as_ref().ok();
        Bar {
            name: measured.contender.name().to_owned(),
            parts_ns: added.map(|added| added.median).into_iter().collect(),
            middle_ns: added.map(|added| [added.lower_quartile, added.upper_quartile]),
            is_ours: is_ours(measured.contender),
        }
    };
    measured.map(bar).collect()
}

/// A bar for each contender, and one for the sum of the tools that together measure what the profiler does.
pub(super) fn each_and_sum<'a>(
    measured: impl Iterator<Item = &'a Measured>,
    added_ns: impl Fn(&Measured) -> &Result<Summary, String>,
) -> Vec<Bar> {
    let mut bars = each(measured, added_ns);
    let together: Vec<usize> = bars
        .iter()
        .enumerate()
        .filter(|(_, bar)| TOGETHER.map(Contender::name).contains(&bar.name.as_str()))
        .map(|(index, _)| index)
        .collect();
    if let (Some(&last), true) = (together.last(), together.len() == TOGETHER.len()) {
        let parts = together.iter().flat_map(|index| bars[*index].parts_ns.clone()).collect::<Vec<_>>();
        // An incomplete sum would be misleading.
        let parts_ns = if parts.len() == TOGETHER.len() { parts } else { Vec::new() };
        let name = "runqlat + cpudist + cpudist -O".to_owned();
        bars.insert(last + 1, Bar { name, parts_ns, middle_ns: None, is_ours: false });
    }
    bars
}

impl Bar {
    fn median_ns(&self) -> Option<f64> {
        (!self.parts_ns.is_empty()).then(|| self.parts_ns.iter().sum())
    }

    /// The larger of the median and the upper quartile.
    fn end_ns(&self) -> Option<f64> {
        let [_, upper_ns] = self.middle_ns.unwrap_or_default();
        self.median_ns().map(|median_ns| median_ns.max(upper_ns))
    }
}

/// The chart.
pub(super) fn draw(words: &Words<'_>, bars: &[Bar]) -> Result<String> {
    let longest_ns = bars.iter().filter_map(Bar::end_ns).fold(1.0, f64::max);
    let ours_ns = bars.iter().find(|bar| bar.is_ours).and_then(Bar::median_ns);
    let width = WIDTH as i32 - NAMES - FIGURES;
    let scale = move |ns: f64| NAMES + (ns.clamp(0.0, longest_ns) / longest_ns * f64::from(width)) as i32;
    let height = TOP + ROW * bars.len() as i32 + BOTTOM;
    on_paper(height as u32, words, |area| {
        let zero = [(NAMES, TOP), (NAMES, height - BOTTOM)];
        area.draw(&PathElement::new(zero, LINE)).map_err(failed)?;
        if ours_ns.is_some() {
            let head = (WIDTH as i32 - MARGIN, TOP - MARGIN);
            area.draw_text("× profiler run", &up_to_here(), head).map_err(failed)?;
        }
        for (row, bar) in bars.iter().enumerate() {
            draw_bar(area, bar, TOP + ROW * row as i32 + ROW / 2, ours_ns, scale)?;
        }
        Ok(())
    })
}

fn draw_bar(
    area: &Area<'_>,
    bar: &Bar,
    middle: i32,
    ours_ns: Option<f64>,
    scale: impl Fn(f64) -> i32,
) -> Result<()> {
    area.draw_text(&bar.name, &up_to_here(), (NAMES - MARGIN, middle)).map_err(failed)?;
    let Some(median_ns) = bar.median_ns() else {
        area.draw_text("not measured", &from_here(), (NAMES + MARGIN, middle)).map_err(failed)?;
        return Ok(());
    };
    let mut from_ns = 0.0;
    for part_ns in &bar.parts_ns {
        let corners = [(scale(from_ns), middle - HALF), (scale(from_ns + part_ns), middle + HALF)];
        let colour = if bar.is_ours { OURS } else { OTHERS };
        area.draw(&Rectangle::new(corners, colour.filled())).map_err(failed)?;
        area.draw(&Rectangle::new(corners, LINE)).map_err(failed)?;
        from_ns += part_ns;
    }
    let mut behind = scale(median_ns);
    if let Some(ends_ns) = bar.middle_ns {
        let ends = ends_ns.map(&scale);
        draw_middle(area, ends, middle)?;
        behind = behind.max(ends[1]);
    }
    let times = ours_ns.and_then(|ours_ns| ratio(median_ns, ours_ns)).filter(|_| !bar.is_ours);
    let edge = WIDTH as i32 - MARGIN;
    if let Some(times) = times {
        area.draw_text(&format!("{times:.1} ×"), &up_to_here(), (edge, middle)).map_err(failed)?;
    }
    area.draw_text(&thousands(median_ns), &from_here(), (behind + MARGIN, middle)).map_err(failed)
}

/// Draws a range as a line with caps, outlined in white to be visible on a dark bar.
fn draw_middle(area: &Area<'_>, [left, right]: [i32; 2], middle: i32) -> Result<()> {
    let lines = [
        [(left, middle), (right, middle)],
        [(left, middle - 5), (left, middle + 5)],
        [(right, middle - 5), (right, middle + 5)],
    ];
    for style in [WHITE.stroke_width(4), BLACK.stroke_width(2)] {
        for line in lines {
            area.draw(&PathElement::new(line, style)).map_err(failed)?;
        }
    }
    Ok(())
}
