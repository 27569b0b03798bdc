//! What is in which panel of a figure of distributions: with one line, every metric in the same panel; with several, a
//! panel for each metric in which each line is the same.

use super::Figure;
use super::curve::Curve;
use super::legend::Sample;
use super::lines::{Line, lines};
use super::order::MedianBand;
use super::style::{self, LineStyle, MOST_LINES};
use crate::report::count;
use anyhow::{Result, bail};
use profiler_ebpf::metric::Metric;
use std::collections::BTreeSet;

/// The lines of a figure in panels, and their names.
pub(super) struct Content {
    /// Never empty, nor is any of them.
    pub(super) panels: Vec<Panel>,
    pub(super) legend: Vec<(Sample, String)>,
    pub(super) notes: Vec<String>,
}

pub(super) struct Panel {
    /// The metric; of several in one panel `duration`.
    pub(super) title: String,
    /// In the order of the legend.
    pub(super) curves: Vec<(LineStyle, Curve)>,
}

impl Content {
    /// Of a figure.
    ///
    /// # Errors
    /// If there is nothing to draw.
    pub(super) fn of(figure: &Figure<'_>) -> Result<Self> {
        let drawn = drawn_lines(figure)?;
        Ok(match drawn.as_slice() {
            [line] => Self::in_one_panel(line),
            lines => Self::by_metric(lines),
        })
    }

    fn in_one_panel(line: &Line<'_>) -> Self {
        let present: Vec<(Metric, Curve)> =
            Metric::ALL.into_iter().filter_map(|metric| Some((metric, line.curve(metric)?))).collect();
        let title = match present.as_slice() {
            [(only, _)] => only.name(),
            _ => "duration",
        };
        let mut panel = Panel { title: title.to_owned(), curves: Vec::new() };
        let mut legend = Vec::new();
        for (number, (metric, curve)) in present.into_iter().enumerate() {
            let samples = line.histograms(metric).iter().map(|histogram| histogram.bucketed()).sum();
            let style = style::line(number);
            legend.push((Sample::Line(style), format!("{} ({})", metric.name(), count(samples))));
            panel.curves.push((style, curve));
        }
        Self { panels: vec![panel], legend, notes: notes(std::slice::from_ref(line)) }
    }

    fn by_metric(lines: &[Line<'_>]) -> Self {
        let styled = || lines.iter().enumerate().map(|(number, line)| (style::line(number), line));
        let panel = |metric: Metric| Panel {
            title: metric.name().to_owned(),
            curves: styled().filter_map(|(style, line)| Some((style, line.curve(metric)?))).collect(),
        };
        Self {
            panels: Metric::ALL.into_iter().map(panel).filter(|panel| !panel.curves.is_empty()).collect(),
            legend: styled().map(|(style, line)| (Sample::Line(style), line.label.clone())).collect(),
            notes: notes(lines),
        }
    }
}

/// The lines of a figure that have a sample in a bucket.
///
/// # Errors
/// If none has.
pub(super) fn drawn_lines<'a>(figure: &'a Figure<'a>) -> Result<Vec<Line<'a>>> {
    let mut lines = lines(figure.subject, figure.each_run, MOST_LINES);
    lines.retain(|line| Metric::ALL.iter().any(|&metric| line.has_buckets(metric)));
    if lines.is_empty() {
        bail!("nothing is left to draw: of what was chosen no sample is in a bucket");
    }
    Ok(lines)
}

/// How many runs lines are made of.
fn notes(lines: &[Line<'_>]) -> Vec<String> {
    let mut medians = BTreeSet::new();
    let mut absent = Vec::new();
    for line in lines.iter().filter(|line| line.runs() > 1) {
        for metric in Metric::ALL {
            let Some(Curve { runs, .. }) = line.curve(metric) else { continue };
            medians.insert(runs);
            if runs < line.runs() {
                let of = if lines.len() > 1 { format!(" of {}", line.label) } else { String::new() };
                absent.push(format!(
                    "{}{of}: samples in {runs} of {} runs only.",
                    metric.name(),
                    line.runs()
                ));
            }
        }
    }
    let bands =
        medians.into_iter().rev().filter(|&runs| runs > 1).map(|runs| MedianBand::of(runs).note(runs));
    bands.chain(absent).collect()
}
