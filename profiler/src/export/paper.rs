//! The summary table of Markdown and LaTeX: one row a group and metric, all times in one unit.

use super::summary::{Row, rows};
use crate::report::metrics::{DOUBTFUL, QUANTILES, QuantileText, median_unit, quantile_text};
use crate::report::units::{Unit, count};
use crate::report::{counted_loss, verdict};
use crate::view::Subject;
use crate::view::manifest::bucket_width;
use crate::view::series::{GroupBy, Key};
use model::losses::Loss;
use model::profile::histogram::Quantile;
use model::profile::units::total;
use std::collections::BTreeSet;

/// The table.
pub(super) struct Table {
    /// Headings of the columns that name a group: at least one.
    pub(super) names: Vec<&'static str>,
    /// The unit of all times.
    pub(super) unit: Unit,
    pub(super) lines: Vec<Line>,
}

/// A row.
pub(super) struct Line {
    /// A cell for each of the table's `names`.
    pub(super) names: Vec<String>,
    /// True for the first row of a group.
    pub(super) begins_group: bool,
    pub(super) metric: &'static str,
    pub(super) count: String,
    /// In the order of [`QUANTILES`]; `None` if no sample is in a bucket.
    pub(super) quantiles: [Option<QuantileText>; QUANTILES.len()],
    pub(super) max: String,
}

/// Makes the table.
pub(super) fn table(subject: &Subject<'_>) -> Table {
    let shown = Shown::new(subject);
    let unit = median_unit(rows(subject).map(|row| row.histogram));
    let mut lines: Vec<Line> = Vec::new();
    let mut before = None;
    for row in rows(subject) {
        let group = std::ptr::from_ref(row.group);
        lines.push(Line {
            names: shown.names(&row),
            begins_group: before != Some(group),
            metric: row.metric.name(),
            count: count(row.histogram.count),
            quantiles: QUANTILES.map(|(_, share)| quantile_text(row.histogram, share, unit)),
            max: unit.figure(row.histogram.max_ns),
        });
        before = Some(group);
    }
    Table { names: shown.headings(), unit, lines }
}

/// Notes that belong to the table, a sentence each, among them the verdict of each profile.
pub(super) fn notes(subject: &Subject<'_>, table: &Table) -> Vec<String> {
    let mut notes =
        vec![format!("Times in {}, from buckets of {} each.", table.unit.symbol(), bucket_width())];
    let quantiles = table.lines.iter().flat_map(|line| line.quantiles.iter().flatten());
    if quantiles.into_iter().any(|quantile| quantile.is_doubtful) {
        notes.push(format!(
            "{DOUBTFUL} fewer than {} samples lie beyond this quantile.",
            Quantile::ENOUGH_BEYOND
        ));
    }
    notes.extend(losses(subject));
    let verdicts = subject.titles.iter().zip(subject.profiles);
    notes.extend(verdicts.map(|(title, profile)| format!("{title}: {}.", verdict(profile))));
    notes
}

/// Samples that are counted but in no quantile, in the words of the verdict. Left out if only some threads or
/// metrics are selected.
fn losses(subject: &Subject<'_>) -> Vec<String> {
    let with_slot = rows(subject).filter(|row| row.group.key != Key::WithoutSlot);
    let samples = total(with_slot.map(|row| row.histogram.without_bucket()));
    let slotless: BTreeSet<usize> =
        rows(subject).filter(|row| row.group.key == Key::WithoutSlot).map(|row| row.group.run).collect();
    let rest = slotless.into_iter().filter_map(|run| subject.profiles[run].without_slot.as_ref());
    let threads = total(rest.map(|rest| rest.threads));
    let said = [(Loss::SamplesWithoutBucket, samples), (Loss::ThreadsWithoutSlot, threads)];
    let present = said.into_iter().filter(|&(_, count)| count > 0);
    let text =
        |(loss, count)| format!("{}: in count and max, but in no quantile.", counted_loss(loss, count));
    present.map(text).collect()
}

/// The columns that name a group.
struct Shown {
    run: bool,
    group: Option<&'static str>,
}

impl Shown {
    /// Selects the columns by which rows differ, or the run if there are none.
    fn new(subject: &Subject<'_>) -> Self {
        let is_by_run = subject.groups.iter().all(|group| group.key == Key::Run);
        let heading = match subject.group_by {
            GroupBy::Thread => "thread",
            GroupBy::Name => "threads named",
            GroupBy::Process => "process",
            GroupBy::Run => "threads",
        };
        Self { run: subject.profiles.len() > 1 || is_by_run, group: (!is_by_run).then_some(heading) }
    }

    fn headings(&self) -> Vec<&'static str> {
        self.run.then_some("run").into_iter().chain(self.group).collect()
    }

    fn names(&self, row: &Row<'_>) -> Vec<String> {
        let run = self.run.then(|| row.title.to_owned());
        run.into_iter().chain(self.group.map(|_| row.group.key.label())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Style;
    use crate::view::series::Selection;
    use model::metric::Metric;
    use model::profile::Profile;
    use model::profile::fixture;

    fn made(profiles: &[&Profile], group_by: GroupBy) -> (Table, Vec<String>) {
        let subject =
            Subject::new(profiles, &Selection { metrics: Vec::new(), threads: None, group_by }, false);
        let table = table(&subject);
        let notes = notes(&subject, &table);
        (table, notes)
    }

    #[test]
    fn the_columns_are_what_tells_the_rows_apart() {
        let (one, two) = (fixture::tokio(), fixture::pool());
        assert_eq!(made(&[&one], GroupBy::Run).0.names, ["run"]);
        assert_eq!(made(&[&one], GroupBy::Thread).0.names, ["thread"]);
        assert_eq!(made(&[&one, &two], GroupBy::Name).0.names, ["run", "threads named"]);
        assert_eq!(made(&[&fixture::overfull()], GroupBy::Run).0.names, ["threads"]);
    }

    #[test]
    fn what_is_not_as_usual_is_noted() {
        let (_, notes) = made(&[&fixture::overfull()], GroupBy::Run);
        let has = |part: &str| notes.iter().any(|note| note.contains(part));
        assert!(has("at most 0.8 % of a value"), "{notes:?}");
        assert!(has("fewer than 10 samples lie beyond"), "{notes:?}");
        assert!(has("12\u{a0}threads without a slot: in count"), "{notes:?}");
        assert!(!has("without a bucket"), "none of the others: {notes:?}");
        assert!(has("INCOMPLETE"), "{notes:?}");
    }

    #[test]
    fn a_loss_has_the_number_that_it_has_everywhere() {
        let mut profile = fixture::overfull();
        let waits = profile.threads[1].histograms.get_mut(Metric::Blocked.name()).unwrap();
        profile.lost[Loss::SamplesWithoutBucket] = waits.buckets.remove(0).count;
        let lost = counted_loss(Loss::SamplesWithoutBucket, profile.lost[Loss::SamplesWithoutBucket]);
        let (_, notes) = made(&[&profile], GroupBy::Run);
        assert!(notes.iter().any(|note| note.starts_with(&format!("{lost}: "))), "{notes:?}");
        for text in [crate::report::single(&profile, &Style::plain(100)), verdict(&profile)] {
            assert!(text.contains(&lost.replace('\u{a0}', " ")), "{lost}: {text}");
        }
    }

    #[test]
    fn a_group_begins_once() {
        let (table, _) = made(&[&fixture::pool()], GroupBy::Thread);
        let groups: std::collections::BTreeSet<_> = table.lines.iter().map(|line| &line.names).collect();
        assert_eq!(table.lines.iter().filter(|line| line.begins_group).count(), groups.len());
    }
}
