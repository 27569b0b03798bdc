//! The first table: usage by getrusage.

use super::page::Page;
use super::published::{Published, PublishedRun};
use super::style::Paint;
use super::subject::{Subject, effective_concurrency};
use super::table::{Cell, Column, Table};
use super::units::{Unit, count, megabytes, number};
use model::profile::units::{Bytes, Nanos};
use model::profile::usage::Usage;
use nix::sys::signal::Signal;

/// Wall time from which the table is in seconds.
const LONG: Nanos = Nanos(10_000_000_000);

/// A row: a label and the figure of each profile.
struct Row {
    label: &'static str,
    kind: Kind,
    figure: fn(&Subject<'_>) -> Option<f64>,
    published: fn(&PublishedRun) -> f64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Time,
    Percent,
    Memory,
    Count,
}

const ROWS: [Row; 10] = [
    Row {
        label: "wall time",
        kind: Kind::Time,
        figure: |of| Some(of.wall().0 as f64),
        published: |of| of.wall_ns.0 as f64,
    },
    Row {
        label: "user time",
        kind: Kind::Time,
        figure: |of| usage(of, |usage| usage.user_ns.map(|user| user.0 as f64)),
        published: |of| of.user_ns.0 as f64,
    },
    Row {
        label: "system time",
        kind: Kind::Time,
        figure: |of| usage(of, |usage| usage.system_ns.map(|system| system.0 as f64)),
        published: |of| of.system_ns.0 as f64,
    },
    Row {
        label: "total CPU time",
        kind: Kind::Time,
        figure: |of| usage(of, |usage| usage.total_cpu().map(|cpu| cpu.0 as f64)),
        published: |of| (of.user_ns + of.system_ns).0 as f64,
    },
    Row {
        label: "CPU",
        kind: Kind::Percent,
        figure: |of| usage(of, |usage| Some(usage.cpu_percent)),
        published: |of| f64::from(of.cpu_percent),
    },
    Row {
        label: "max RSS",
        kind: Kind::Memory,
        figure: |of| usage(of, |usage| usage.max_rss_bytes.map(|memory| memory.0 as f64)),
        published: |of| of.max_rss_bytes.0 as f64,
    },
    Row {
        label: "voluntary switches",
        kind: Kind::Count,
        figure: |of| usage(of, |usage| Some(usage.voluntary_switches as f64)),
        published: |of| of.voluntary_switches as f64,
    },
    Row {
        label: "involuntary switches",
        kind: Kind::Count,
        figure: |of| usage(of, |usage| Some(usage.involuntary_switches as f64)),
        published: |of| of.involuntary_switches as f64,
    },
    Row {
        label: "minor faults",
        kind: Kind::Count,
        figure: |of| usage(of, |usage| Some(usage.minor_faults as f64)),
        published: |of| of.minor_faults as f64,
    },
    Row {
        label: "major faults",
        kind: Kind::Count,
        figure: |of| usage(of, |usage| Some(usage.major_faults as f64)),
        published: |of| of.major_faults as f64,
    },
];

fn usage(subject: &Subject<'_>, figure: fn(&Usage) -> Option<f64>) -> Option<f64> {
    subject.profile.usage.as_ref().and_then(figure)
}

/// True if `max_rss_bytes` is only an upper bound of the child's memory.
pub(super) fn rss_is_bound(usage: &Usage) -> bool {
    usage.max_rss_floor_bytes.zip(usage.max_rss_bytes).is_some_and(|(floor, memory)| memory <= floor)
}

pub(super) fn section(page: &mut Page<'_>, subjects: &[Subject<'_>], published: Option<&Published>) {
    let is_attached = |subject: &Subject<'_>| subject.profile.run.attached.is_some();
    let is_growth = subjects.iter().all(is_attached);
    page.section(if is_growth { "What the kernel's counters say" } else { "What getrusage says" });
    let published_runs: &[PublishedRun] = published.map_or(&[], |published| &published.runs);
    let walls = subjects.iter().map(Subject::wall).chain(published_runs.iter().map(|run| run.wall_ns));
    let unit = if walls.max() >= Some(LONG) { Unit::Seconds } else { Unit::Millis };
    let mut table = Table::new(headings(subjects, published_runs));
    for row in &ROWS {
        table.row(cells(row, subjects, published_runs, unit));
    }
    if subjects.iter().any(|subject| subject.profile.run.workload.is_some()) {
        workload_rows(&mut table, subjects, published_runs);
    }
    if subjects.iter().any(Subject::failed) {
        table.row([Cell::text("ended with")].into_iter().chain(subjects.iter().map(ending)));
    }
    page.table(&table);
    notes(page, subjects, published);
}

fn headings(subjects: &[Subject<'_>], published: &[PublishedRun]) -> Vec<Column> {
    let mut columns = vec![Column::left("")];
    for subject in subjects {
        let column = Column::decimal(&subject.title);
        columns.push(if published.is_empty() { column } else { column.of("measured here") });
    }
    if subjects.len() == 2 {
        let column = Column::decimal("second / first").optional();
        columns.push(if published.is_empty() { column } else { column.of("measured here") });
    }
    columns.extend(published.iter().map(|run| Column::decimal(run.title).of("published, not measured here")));
    columns
}

fn cells(row: &Row, subjects: &[Subject<'_>], published: &[PublishedRun], unit: Unit) -> Vec<Cell> {
    let label = match row.kind {
        Kind::Time => format!("{}, {}", row.label, unit.symbol()),
        Kind::Percent => format!("{}, %", row.label),
        Kind::Memory => format!("{}, MB", row.label),
        Kind::Count => row.label.to_owned(),
    };
    let mut cells = vec![Cell::text(label)];
    cells.extend(subjects.iter().map(|subject| {
        let is_bound = row.kind == Kind::Memory && subject.profile.usage.as_ref().is_some_and(rss_is_bound);
        let mark = if is_bound { "≤ " } else { "" };
        Cell::maybe((row.figure)(subject).map(|value| format!("{mark}{}", shown(row.kind, value, unit))))
    }));
    cells.extend(compared(subjects, row.figure));
    cells.extend(published.iter().map(|run| {
        Cell::figure(shown_as_published(row.kind, (row.published)(run), unit)).painted(Paint::Faint)
    }));
    cells
}

fn shown(kind: Kind, value: f64, unit: Unit) -> String {
    match kind {
        Kind::Time => unit.fixed(Nanos(value as u64), if unit == Unit::Seconds { 3 } else { 1 }),
        Kind::Percent => format!("{value:.1}"),
        Kind::Memory => megabytes(Bytes(value as u64)),
        Kind::Count => count(value as u64),
    }
}

/// Formats a value with no more digits than were published.
fn shown_as_published(kind: Kind, value: f64, unit: Unit) -> String {
    match kind {
        Kind::Time => unit.fixed(Nanos(value as u64), if unit == Unit::Seconds { 2 } else { 0 }),
        Kind::Percent => format!("{value:.0}"),
        Kind::Memory | Kind::Count => shown(kind, value, unit),
    }
}

/// The ratio of the second figure to the first.
fn compared(subjects: &[Subject<'_>], figure: impl Fn(&Subject<'_>) -> Option<f64>) -> Option<Cell> {
    let [first, second] = subjects else { return None };
    let times = figure(first).zip(figure(second)).filter(|&(first, _)| first > 0.0);
    Some(Cell::maybe(times.map(|(first, second)| number(second / first))).painted(Paint::Faint))
}

fn workload_rows(table: &mut Table, subjects: &[Subject<'_>], published: &[PublishedRun]) {
    let workload = |subject: &Subject<'_>| subject.profile.run.workload.clone();
    let tasks = |subject: &Subject<'_>| workload(subject).map(|workload| workload.tasks as f64);
    let concurrency = |subject: &Subject<'_>| workload(subject).as_ref().and_then(effective_concurrency);
    let faint = |text: String| Cell::figure(text).painted(Paint::Faint);

    let mut cells = vec![Cell::text("tasks")];
    cells.extend(subjects.iter().map(|subject| Cell::maybe(tasks(subject).map(|tasks| count(tasks as u64)))));
    cells.extend(compared(subjects, tasks));
    cells.extend(published.iter().map(|run| faint(count(run.tasks))));
    table.row(cells);

    let mut cells = vec![Cell::text("effective concurrency")];
    cells.extend(subjects.iter().map(|subject| Cell::maybe(concurrency(subject).map(number))));
    cells.extend(compared(subjects, concurrency));
    cells.extend(published.iter().map(|run| faint(run.effective_concurrency.to_owned())));
    table.row(cells);

    let mut cells = vec![Cell::text("scheduler")];
    cells.extend(subjects.iter().map(|subject| match workload(subject) {
        Some(workload) => Cell::text(workload.scheduler),
        None => Cell::maybe(None),
    }));
    cells.extend(compared(subjects, |_| None).map(|_| Cell::default()));
    cells.extend(published.iter().map(|run| Cell::text(run.scheduler).painted(Paint::Faint)));
    table.row(cells);
}

fn ending(subject: &Subject<'_>) -> Cell {
    let run = &subject.profile.run;
    match (run.signal, run.exit_code) {
        (Some(signal), _) => Cell::text(signal_name(signal)).painted(Paint::Bad),
        (None, Some(0)) => Cell::text("exit code 0"),
        (None, Some(code)) => Cell::text(format!("exit code {code}")).painted(Paint::Bad),
        (None, None) => Cell::maybe(None),
    }
}

fn signal_name(signal: i32) -> String {
    match Signal::try_from(signal) {
        Ok(name) => format!("{name} ({signal})"),
        Err(_) => format!("signal {signal}"),
    }
}

fn notes(page: &mut Page<'_>, subjects: &[Subject<'_>], published: Option<&Published>) {
    if let Some(published) = published {
        let text = format!("published: {} on {}.", published.what, published.machine);
        page.paragraph(Paint::Faint, &text);
    }
    let usages = || subjects.iter().map(|subject| subject.profile.usage.as_ref());
    if usages().flatten().any(rss_is_bound) {
        page.paragraph(
            Paint::Faint,
            "≤: the process that became the command was larger than the command itself ever was.",
        );
    }
    let slotless =
        |subject: &&Subject<'_>| subject.profile.without_slot.is_some() && subject.profile.usage.is_some();
    for subject in subjects.iter().filter(slotless) {
        let text = format!(
            "{}: the wall time ends when the profiler learnt of the end, not with the last switch, which a thread \
             without a slot may have made.",
            subject.title
        );
        page.paragraph(Paint::Warning, &text);
    }
    if subjects.iter().any(|subject| subject.profile.run.attached.is_some()) {
        page.paragraph(
            Paint::Faint,
            "Of a process that was attached to: by how much the kernel's counters of its threads grew meanwhile; max \
             RSS is since it was started. –: not known.",
        );
    }
    if usages().any(|usage| usage.is_none()) {
        page.paragraph(Paint::Faint, "–: not known; the kernel reports it only of a child that has ended.");
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::Style;
    use super::super::{ARTICLE, comparison, single};
    use model::profile::fixture;

    fn line<'a>(text: &'a str, label: &str) -> &'a str {
        text.lines().find(|line| line.trim_start().starts_with(label)).unwrap_or_default()
    }

    #[test]
    fn what_is_absent_is_not_zero() {
        let mut profile = fixture::tokio();
        profile.usage = None;
        let text = single(&profile, &Style::plain(100));
        assert!(line(&text, "user time").ends_with('–'), "{text}");
        assert!(line(&text, "max RSS").ends_with('–'), "{text}");
    }

    #[test]
    fn where_the_wall_time_ends_is_said_if_it_is_not_the_last_switch() {
        let said = |text: &str| text.contains("the wall time ends when");
        let overfull = single(&fixture::overfull(), &Style::plain(100));
        assert!(said(&overfull), "{overfull}");
        assert!(!said(&single(&fixture::pool(), &Style::plain(100))));
    }

    #[test]
    fn memory_at_the_floor_is_an_upper_bound() {
        let mut profile = fixture::tokio();
        if let Some(usage) = &mut profile.usage {
            usage.max_rss_floor_bytes = usage.max_rss_bytes;
        }
        let text = single(&profile, &Style::plain(100));
        assert!(line(&text, "max RSS").contains("≤ "), "{text}");
    }

    #[test]
    fn a_failed_target_is_shown() {
        let (mut killed, mut failed) = (fixture::tokio(), fixture::pool());
        (killed.run.exit_code, killed.run.signal) = (None, Some(9));
        failed.run.exit_code = Some(3);
        let text = comparison(&[&killed, &failed], None, &Style::plain(100));
        let line = line(&text, "ended with");
        assert!(line.contains("SIGKILL (9)") && line.contains("exit code 3"), "{text}");
    }

    #[test]
    fn published_figures_are_marked_and_keep_their_precision() {
        let (tokio, pool) = (fixture::tokio(), fixture::pool());
        let text = comparison(&[&tokio, &pool], Some(&ARTICLE), &Style::plain(140));
        assert!(text.contains("published, not measured here"), "{text}");
        assert!(line(&text, "wall time").contains("150.06"), "{text}");
        assert!(line(&text, "effective concurrency").contains("~32"), "{text}");
    }
}
