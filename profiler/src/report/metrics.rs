//! What getrusage cannot say: the distribution of every metric.

use super::histogram::Axis;
use super::page::Page;
use super::style::Paint;
use super::subject::Subject;
use super::table::{Cell, Column, Table};
use super::units::{Unit, count, counted};
use super::wrap;
use crate::profile::histogram::{Histogram, Quantile};
use crate::profile::units::total;
use profiler_ebpf::buckets::RELATIVE_ERROR;
use profiler_ebpf::metric::Metric;

/// Stands before a quantile that few samples support.
pub(crate) const DOUBTFUL: &str = "~";

/// The quantiles shown of each metric.
pub(crate) const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

pub(super) fn section(page: &mut Page<'_>, subjects: &[Subject<'_>]) {
    page.section("What getrusage cannot say: how long each slice, wait and fault lasted");
    let all = || subjects.iter().flat_map(|subject| subject.metrics.iter().flatten());
    let unit = median_unit(all());
    let totals = Unit::for_median(all().map(|histogram| histogram.sum_ns));
    let label = Metric::ALL.iter().map(|metric| metric.name().len()).max().unwrap_or(0) + 2;
    let axis = Axis::over(all(), page.width() - label);
    for subject in subjects {
        page.title(
            &subject.title,
            &format!(
                ": times in {}, totals in {}, {} bucket width",
                unit.symbol(),
                totals.symbol(),
                bucket_width()
            ),
        );
        page.table(&table(subject, unit, totals));
        if let Some(axis) = axis {
            chart(page, subject, axis, label);
        }
        notes(page, subject);
        page.blank();
    }
    let has_zero = all().any(|histogram| histogram.min_ns.0 == 0);
    legend(page, axis.map(Axis::range), has_zero);
}

/// The unit in which the medians of these histograms read best.
pub(crate) fn median_unit<'a>(histograms: impl IntoIterator<Item = &'a Histogram>) -> Unit {
    let medians = histograms.into_iter().filter_map(|histogram| histogram.quantile(0.5));
    Unit::for_median(medians.map(|quantile| quantile.value))
}

/// A quantile as text.
pub(crate) struct QuantileText {
    /// Without its unit and without a mark.
    pub(crate) figure: String,
    /// Whether few samples support it, so that it is to be marked.
    pub(crate) is_doubtful: bool,
}

/// `None` if no sample is in a bucket.
pub(crate) fn quantile_text(histogram: &Histogram, share: f64, unit: Unit) -> Option<QuantileText> {
    let quantile = histogram.quantile(share)?;
    Some(QuantileText { figure: unit.figure(quantile.value), is_doubtful: !quantile.is_supported() })
}

/// A quantile of a histogram, marked if few samples support it.
pub(super) fn quantile(histogram: Option<&Histogram>, share: f64, unit: Unit) -> Cell {
    let text = histogram.and_then(|histogram| quantile_text(histogram, share, unit));
    match text {
        Some(QuantileText { figure, is_doubtful: true }) => {
            Cell::figure(format!("{DOUBTFUL}{figure}")).painted(Paint::Warning)
        }
        text => Cell::maybe(text.map(|text| text.figure)),
    }
}

/// `≤ 0.8 %`
fn bucket_width() -> String {
    format!("≤{joint}{:.1}{joint}%", RELATIVE_ERROR * 100.0, joint = wrap::JOINT)
}

fn table(subject: &Subject<'_>, unit: Unit, totals: Unit) -> Table {
    let mut columns = vec![Column::left("metric"), Column::right("count")];
    columns.extend(QUANTILES.map(|(name, _)| Column::decimal(name)));
    columns.extend([Column::decimal("max"), Column::decimal("total")]);
    let mut table = Table::new(columns);
    for metric in Metric::ALL {
        let label = Cell::text(metric.name());
        match subject.metric(metric) {
            None => table.instead(label, "no samples"),
            Some(histogram) => {
                let mut cells = vec![label, Cell::figure(count(histogram.count))];
                cells.extend(QUANTILES.map(|(_, share)| quantile(Some(histogram), share, unit)));
                cells.push(Cell::figure(unit.figure(histogram.max_ns)));
                cells.push(Cell::figure(totals.figure(histogram.sum_ns)));
                table.row(cells);
            }
        }
    }
    table
}

fn chart(page: &mut Page<'_>, subject: &Subject<'_>, axis: Axis, label: usize) {
    page.blank();
    let ruler = " ".repeat(label) + &page.paint(Paint::Faint, &axis.ruler());
    page.line(&ruler);
    for metric in Metric::ALL {
        if let Some(histogram) = subject.metric(metric) {
            let drawn = page.paint(Paint::Accent, &axis.draw(histogram));
            page.line(format!("{:label$}{drawn}", metric.name()).trim_end());
        }
    }
}

/// What is not in the table as usual, and the flag that helps.
fn notes(page: &mut Page<'_>, subject: &Subject<'_>) {
    let profile = subject.profile;
    if let Some(rest) = &profile.without_slot {
        let text = format!(
            "{} found no slot: they are in count, max and total, but not in quantiles and histograms; \
             raise --max-threads above {}",
            counted(rest.threads, "thread"),
            count(profile.run.options.max_threads.into()),
        );
        page.paragraph(Paint::Warning, &text);
    }
    let of_threads = profile.threads.iter().flat_map(|thread| thread.histograms.values());
    let without_bucket = total(of_threads.map(Histogram::without_bucket));
    if without_bucket > 0 {
        let text = format!(
            "{} found no bucket: they are in count, max and total, but not in quantiles and histograms; \
             raise --histogram-memory",
            counted(without_bucket, "sample"),
        );
        page.paragraph(Paint::Warning, &text);
    }
}

fn legend(page: &mut Page<'_>, range: Option<String>, has_zero: bool) {
    let mut text = format!(
        "{DOUBTFUL} fewer than {} samples lie beyond this quantile: read it as a hint.",
        Quantile::ENOUGH_BEYOND
    );
    if let Some(range) = range {
        text.push_str(&format!(
            " Histograms: logarithmic time axis, {range} in all; height is logarithmic too, ▁ one \
             sample, █ the fullest column."
        ));
        if has_zero {
            text.push_str(" The first column holds those of 0 too.");
        }
    }
    page.paragraph(Paint::Faint, &text);
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::super::style::Style;
    use super::*;
    use crate::profile::units::Nanos;

    #[test]
    fn a_quantile_with_few_samples_beyond_is_marked() {
        let histogram = Histogram::of((1..=100).map(|n| Nanos(n * 1_000)));
        let cell = |share| format!("{:?}", quantile(histogram.as_ref(), share, Unit::Micros));
        assert!(cell(0.9).contains("\"90.1\""), "{}", cell(0.9));
        assert!(cell(0.99).contains("\"~99"), "{}", cell(0.99));
    }

    #[test]
    fn a_metric_without_samples_says_so() {
        let profile = fixture::tokio();
        let text = super::super::single(&profile, &Style::plain(100));
        let line = text.lines().find(|line| line.trim_start().starts_with("major_fault")).unwrap();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["major_fault", "no", "samples"]);
    }

    #[test]
    fn threads_without_a_slot_are_mentioned_with_the_flag() {
        let profile = fixture::overfull();
        let text = super::super::single(&profile, &Style::plain(100));
        assert!(text.contains("found no slot"), "{text}");
        assert!(text.contains("--max-threads"), "{text}");
    }
}
