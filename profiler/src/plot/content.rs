//! Assigns lines to panels: one line has every metric in the same panel; several lines have a panel for each
//! metric, with the same style in each.

use super::Figure;
use super::curve::Curve;
use super::legend::Sample;
use super::lines::{Line, with_buckets};
use super::order::MedianBand;
use super::style::{self, LineStyle, MOST_LINES};
use crate::report::count;
use anyhow::Result;
use model::metric::Metric;
use std::collections::BTreeSet;

/// The panels of a figure, and the labels of its lines.
pub(super) struct Content {
    /// At least one panel, each with at least one curve.
    pub(super) panels: Vec<Panel>,
    pub(super) legend: Vec<(Sample, String)>,
    pub(super) notes: Vec<String>,
}

pub(super) struct Panel {
    /// The metric's name; `duration` if the panel shows several.
    pub(super) title: String,
    /// In the order of the legend.
    pub(super) curves: Vec<(LineStyle, Curve)>,
}

impl Content {
    /// Makes the panels of a figure.
    ///
    /// # Errors
    /// If there is nothing to draw.
    pub(super) fn of(figure: &Figure<'_>) -> Result<Self> {
        let (drawn, empty) = drawn_lines(figure)?;
        let mut content = match drawn.as_slice() {
            [line] => Self::in_one_panel(line),
            lines => Self::by_metric(lines),
        };
        content.notes.extend(not_drawn(&drawn, &empty));
        Ok(content)
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

/// The lines with a sample in a bucket, and the labels of the others.
///
/// # Errors
/// If no line has one.
pub(super) fn drawn_lines<'a>(figure: &'a Figure<'a>) -> Result<(Vec<Line<'a>>, Vec<String>)> {
    let (lines, empty) = with_buckets(figure.subject, figure.each_run, MOST_LINES);
    if lines.is_empty() {
        return Err(figure.subject.nothing_in_buckets("to draw", "sample in a bucket"));
    }
    Ok((lines, empty))
}

/// A note that names the lines missing from the figure or from some of its panels.
pub(super) fn not_drawn(lines: &[Line<'_>], empty: &[String]) -> Option<String> {
    /// The most names listed; the rest is counted.
    const MOST_NAMES: usize = 8;
    let metrics =
        || Metric::ALL.into_iter().filter(|&metric| lines.iter().any(|line| line.has_buckets(metric)));
    let in_part = lines.iter().filter_map(|line| {
        let missing: Vec<&str> =
            metrics().filter(|&metric| !line.has_buckets(metric)).map(Metric::name).collect();
        (!missing.is_empty()).then(|| format!("{} ({})", line.label, missing.join(", ")))
    });
    let names: Vec<String> = empty.iter().cloned().chain(in_part).collect();
    let more = names.len().saturating_sub(MOST_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let shown = names.iter().take(MOST_NAMES).cloned().collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| format!("No sample in a bucket: {shown}{more}."))
}

/// Notes on the number of runs behind each line.
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

#[cfg(test)]
mod tests {
    use super::super::{Kind, Size};
    use super::*;
    use crate::view::Subject;
    use crate::view::series::{GroupBy, Selection};
    use model::profile::fixture;

    #[test]
    fn what_is_in_no_panel_is_named() {
        let mut profile = fixture::pool();
        profile.threads.truncate(3);
        for (thread, name) in profile.threads.iter_mut().zip(["idle", "spinner", "worker"]) {
            thread.name = name.to_owned();
        }
        profile.threads[0].histograms.clear();
        profile.threads[1].histograms.remove(Metric::Blocked.name());
        let profiles = [&profile];
        let metrics = vec![Metric::OnCpu, Metric::Blocked];
        let subject =
            Subject::new(&profiles, &Selection { metrics, threads: None, group_by: GroupBy::Name }, false);
        for kind in [Kind::Cdf, Kind::Percentiles, Kind::Histogram] {
            let figure =
                Figure { subject: &subject, kind, size: Size::Page, each_run: false, anonymous: false };
            let svg = figure.svg().unwrap();
            assert!(svg.contains("No sample in a bucket: idle, spinner (blocked)."), "{kind:?}: {svg}");
        }
    }

    #[test]
    fn nothing_is_said_where_nothing_is_missing() {
        let (one, two) = (fixture::pool(), fixture::tokio());
        let profiles = [&one, &two];
        let selection =
            Selection { metrics: vec![Metric::OnCpu], threads: None, group_by: Kind::Cdf.group_by() };
        let subject = Subject::new(&profiles, &selection, false);
        let (lines, empty) = with_buckets(&subject, false, MOST_LINES);
        assert_eq!(not_drawn(&lines, &empty), None);
    }
}
