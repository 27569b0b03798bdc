//! The table of metrics: the distribution of each, which getrusage does not give.

use super::groups::{Group, summed};
use super::histogram::Axis;
use super::page::Page;
use super::style::Paint;
use super::subject::Subject;
use super::table::{Cell, Column, Table};
use super::units::{Unit, count, duration};
use super::verdict::counted_loss;
use super::wrap;
use model::buckets::RELATIVE_ERROR;
use model::losses::Loss;
use model::metric::Metric;
use model::profile::Profile;
use model::profile::histogram::{Histogram, Quantile};
use model::profile::interval::Interval;
use model::profile::thread::Waits;
use model::profile::units::{Nanos, total};

/// Mark of a quantile that few samples support.
pub(crate) const DOUBTFUL: &str = "~";

/// Mark of a quantile over fewer samples than the row's count.
pub(crate) const PARTIAL: &str = "*";

/// Heading over quantiles that do not include all samples, and over the number that they include.
const QUANTILES_OF: &str = "quantiles";

/// The quantiles shown of each metric.
pub(crate) const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

pub(super) fn section(page: &mut Page<'_>, subjects: &[Subject<'_>]) {
    page.section("What getrusage cannot say: how long each slice, wait and fault lasted");
    let all = || subjects.iter().flat_map(|subject| subject.metrics.iter().flatten());
    let unit = median_unit(all());
    let totals = Unit::for_table(all().map(|histogram| histogram.sum_ns));
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
    let is_partial = all().any(|histogram| histogram.without_bucket() > 0);
    let has_sums = subjects.iter().flat_map(without_histogram).any(|(_, waits)| waits.is_some());
    legend(page, axis.map(Axis::range), has_zero, is_partial, has_sums);
}

/// The unit of a table of these histograms, chosen by their medians; by the maximum where there is no quantile.
pub(crate) fn median_unit<'a>(histograms: impl IntoIterator<Item = &'a Histogram>) -> Unit {
    let median = |histogram: &Histogram| match histogram.quantile(0.5) {
        Some(quantile) => quantile.value,
        None => histogram.max_ns,
    };
    Unit::for_table(histograms.into_iter().map(median))
}

/// A quantile as text.
pub(crate) struct QuantileText {
    /// The figure, without unit and mark.
    pub(crate) figure: String,
    /// True if few samples support it; shown with a mark.
    pub(crate) is_doubtful: bool,
}

/// A quantile as text; `None` if no sample is in a bucket.
pub(crate) fn quantile_text(histogram: &Histogram, share: f64, unit: Unit) -> Option<QuantileText> {
    let quantile = histogram.quantile(share)?;
    Some(QuantileText { figure: unit.figure(quantile.value), is_doubtful: !quantile.is_supported() })
}

/// A cell with a quantile, marked if it does not include all samples, or if few support it.
pub(super) fn quantile(histogram: Option<&Histogram>, share: f64, unit: Unit) -> Cell {
    let text = histogram.and_then(|histogram| quantile_text(histogram, share, unit));
    let Some(QuantileText { figure, is_doubtful }) = text else { return Cell::maybe(None) };
    let is_partial = histogram.is_some_and(|histogram| histogram.without_bucket() > 0);
    let marks = match (is_partial, is_doubtful) {
        (false, false) => return Cell::figure(figure),
        (false, true) => DOUBTFUL.to_owned(),
        (true, false) => PARTIAL.to_owned(),
        (true, true) => format!("{PARTIAL}{DOUBTFUL}"),
    };
    Cell::figure(marks + &figure).painted(Paint::Warning)
}

/// `≤ 0.8 %`
fn bucket_width() -> String {
    format!("≤{joint}{:.1}{joint}%", RELATIVE_ERROR * 100.0, joint = wrap::JOINT)
}

fn table(subject: &Subject<'_>, unit: Unit, totals: Unit) -> Table {
    let is_partial = subject.metrics.iter().flatten().any(|histogram| histogram.without_bucket() > 0);
    let mut columns = vec![Column::left("metric"), Column::right("count")];
    let quantiles = QUANTILES.map(|(name, _)| Column::decimal(name));
    if is_partial {
        columns.push(Column::right("of samples").of(QUANTILES_OF));
        columns.extend(quantiles.map(|column| column.of(QUANTILES_OF)));
    } else {
        columns.extend(quantiles);
    }
    columns.extend([Column::decimal("max"), Column::decimal("total")]);
    let mut table = Table::new(columns);
    for metric in Metric::ALL {
        let label = Cell::text(metric.name());
        match subject.metric(metric) {
            None => table.instead(label, "no samples"),
            Some(histogram) => {
                let mut cells = vec![label, Cell::figure(count(histogram.count))];
                if is_partial {
                    cells.push(bucketed(histogram));
                }
                cells.extend(QUANTILES.map(|(_, share)| quantile(Some(histogram), share, unit)));
                cells.push(Cell::figure(unit.figure(histogram.max_ns)));
                cells.push(Cell::figure(totals.figure(histogram.sum_ns)));
                table.row(cells);
            }
        }
    }
    for (name, waits) in without_histogram(subject) {
        let Some(waits) = waits else { continue };
        let mut cells = vec![Cell::text(name), Cell::figure(count(waits.count))];
        let without = QUANTILES.len() + usize::from(is_partial);
        cells.extend((0..without).map(|_| Cell::maybe(None)));
        cells.push(Cell::figure(unit.figure(waits.max_ns)));
        cells.push(Cell::figure(totals.figure(waits.sum_ns)));
        table.row(cells);
    }
    table
}

/// States without a histogram, so that the table's totals cover all time.
fn without_histogram(subject: &Subject<'_>) -> [(&'static str, Option<Waits>); 3] {
    let of = |waits: fn(&Group<'_>) -> Option<Waits>| summed(subject.groups.iter().filter_map(waits));
    [
        ("throttled", of(|group| group.throttled)),
        ("runnable_idle", of(|group| group.runnable_idle)),
        ("unattributed_wait", of(|group| group.unattributed_wait)),
    ]
}

/// The number of samples that the quantiles include.
fn bucketed(histogram: &Histogram) -> Cell {
    let cell = Cell::figure(count(histogram.bucketed()));
    if histogram.without_bucket() > 0 { cell.painted(Paint::Warning) } else { cell }
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

/// Notes on counts missing from the table, with the flag that helps.
fn notes(page: &mut Page<'_>, subject: &Subject<'_>) {
    let profile = subject.profile;
    if let Some(rest) = &profile.without_slot {
        let text = format!(
            "{}: in count, max and total, but not in quantiles and histograms; raise --max-threads above {}",
            counted_loss(Loss::ThreadsWithoutSlot, rest.threads),
            count(profile.run.options.max_threads.into()),
        );
        page.paragraph(Paint::Warning, &text);
    }
    if let Some(text) = longer_intervals(profile) {
        page.paragraph(Paint::Warning, &text);
    }
    // Threads without a slot are a loss of their own, as in `lost`.
    let of_threads = profile.threads.iter().flat_map(|thread| thread.histograms.values());
    let samples = total(of_threads.map(Histogram::without_bucket));
    if samples > 0 {
        let text = format!(
            "{}: in count, max and total, but not in quantiles and histograms; raise --histogram-memory",
            counted_loss(Loss::SamplesWithoutBucket, samples),
        );
        page.paragraph(Paint::Warning, &text);
    }
}

/// Intervals that came out longer than requested; `None` if none did.
fn longer_intervals(profile: &Profile) -> Option<String> {
    /// Tolerated length in tenths of the requested one: less is normal jitter of a timer and a busy CPU.
    const MUCH: u64 = 12;
    let asked = profile.run.options.interval_ns?;
    let length = |interval: &Interval| interval.until_ns.0.saturating_sub(interval.from_ns.0);
    let mut lengths: Vec<u64> = profile.intervals.iter().map(length).collect();
    lengths.sort_unstable();
    let median = Nanos(*lengths.get(lengths.len() / 2)?);
    (median.0 / MUCH > asked.0 / 10).then(|| {
        format!(
            "intervals lasted {} at the median, not {} as asked for with --interval",
            duration(median),
            duration(asked)
        )
    })
}

fn legend(page: &mut Page<'_>, range: Option<String>, has_zero: bool, is_partial: bool, has_sums: bool) {
    let mut text = format!(
        "{DOUBTFUL} fewer than {} samples lie beyond this quantile: read it as a hint.",
        Quantile::ENOUGH_BEYOND
    );
    if is_partial {
        text.push_str(&format!(
            " {PARTIAL} not of all samples that are counted beside it: the others may differ from them."
        ));
    }
    if has_sums {
        text.push_str(" Of throttled, runnable_idle and unattributed_wait no histogram is kept.");
    }
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
    use super::super::style::Style;
    use super::*;
    use model::profile::fixture;

    #[test]
    fn a_quantile_with_few_samples_beyond_is_marked() {
        let histogram = Histogram::of((1..=100).map(|n| Nanos(n * 1_000)));
        let cell = |share| format!("{:?}", quantile(histogram.as_ref(), share, Unit::Micros));
        assert!(cell(0.9).contains("\"90.1\""), "{}", cell(0.9));
        assert!(cell(0.99).contains("\"~99"), "{}", cell(0.99));
    }

    #[test]
    fn quantiles_of_some_samples_say_of_how_many() {
        let profile = fixture::overfull();
        let text = super::super::single(&profile, &Style::plain(140));
        let line = text.lines().find(|line| line.trim_start().starts_with("on_cpu")).unwrap();
        let cells: Vec<&str> = line.split_whitespace().collect();
        // 900 are of threads without a slot, in no bucket.
        assert_eq!(cells[1..3], ["1,960", "1,060"], "{text}");
        assert!(cells[3..=6].iter().all(|cell| cell.starts_with('*')), "{text}");
        assert!(text.contains("* not of all samples"), "{text}");
        let whole = text.lines().find(|line| line.trim_start().starts_with("minor_fault")).unwrap();
        assert!(!whole.contains('*'), "{text}");
        let complete = super::super::single(&fixture::pool(), &Style::plain(140));
        assert!(!complete.contains("of samples") && !complete.contains('*'), "{complete}");
    }

    #[test]
    fn sums_without_a_histogram_are_in_the_table() {
        let mut profile = fixture::pool();
        let text = |profile: &Profile| super::super::single(profile, &Style::plain(140));
        assert!(!text(&profile).contains("throttled"));
        for thread in &mut profile.threads {
            let (sum_ns, max_ns) = (Nanos(40_000_000), Nanos(30_000_000));
            thread.throttled = Some(Waits { count: 2, sum_ns, max_ns });
        }
        let text = text(&profile);
        let line = text.lines().find(|line| line.trim_start().starts_with("throttled")).expect("a row");
        let cells: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(cells[1], (2 * profile.threads.len()).to_string(), "{text}");
        assert!(cells[2..6].iter().all(|cell| *cell == "–"), "{text}");
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("no histogram is kept"), "{text}");
    }

    #[test]
    fn intervals_that_could_not_be_kept_are_told() {
        let mut profile = fixture::pool();
        fixture::cut_in_two(&mut profile);
        let half = profile.run.wall_ns.0 / 2;
        let said = |profile: &Profile| {
            super::super::single(profile, &Style::plain(140)).contains("intervals lasted")
        };
        for (asked, much) in [(half, false), (half * 10 / 11, false), (half / 2, true), (1, true)] {
            profile.run.options.interval_ns = Some(Nanos(asked));
            assert_eq!(said(&profile), much, "{asked} of {half}");
        }
        profile.intervals.clear();
        assert!(!said(&profile), "what is not known is not told");
    }

    #[test]
    fn short_faults_beside_long_waits_keep_their_digits() {
        let mut profile = fixture::pool();
        for thread in &mut profile.threads {
            thread.histograms.retain(|name, _| name == "blocked" || name == "minor_fault");
        }
        let text = super::super::single(&profile, &Style::plain(140));
        assert!(text.contains("times in µs"), "{text}");
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
        assert!(text.contains("12 threads without a slot: in count"), "{text}");
        assert!(text.contains("--max-threads"), "{text}");
    }
}
