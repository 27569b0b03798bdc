//! The tables by thread: waits and switches, system calls blocked on, faults.

use super::groups::{Group, shown};
use super::metrics::{median_unit, quantile};
use super::page::Page;
use super::style::Paint;
use super::subject::Subject;
use super::table::{Cell, Column, Table};
use super::units::{Unit, count, counted, duration, percent};
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::thread::{BlockedOn, OpenState};
use model::profile::units::Nanos;
use std::collections::BTreeSet;

/// The most causes of waits shown for a thread.
const BLOCKED_ON_SHOWN: usize = 3;

/// The metrics of the first table.
const SWITCH_METRICS: [Metric; 4] = [Metric::OnCpu, Metric::RunqueueWait, Metric::Blocked, Metric::Preempted];

const FAULT_METRICS: [Metric; 2] = [Metric::MinorFault, Metric::MajorFault];

/// Units common to all subjects, so that their tables can be compared.
struct Units {
    waits: Unit,
    totals: Unit,
    longest_waits: Unit,
    blocked_totals: Unit,
    faults: Unit,
}

impl Units {
    fn of(subjects: &[Subject<'_>]) -> Self {
        let groups = || subjects.iter().flat_map(|subject| &subject.groups);
        let switches =
            || groups().flat_map(|group| SWITCH_METRICS.iter().filter_map(|&metric| group.histogram(metric)));
        let faults =
            || groups().flat_map(|group| FAULT_METRICS.iter().filter_map(|&metric| group.histogram(metric)));
        Self {
            waits: median_unit(switches()),
            totals: Unit::for_table(switches().map(|histogram| histogram.sum_ns)),
            longest_waits: Unit::for_table(groups().flat_map(longest).map(|wait| wait.max_ns)),
            blocked_totals: Unit::for_table(groups().flat_map(longest).map(|wait| wait.sum_ns)),
            faults: median_unit(faults()),
        }
    }
}

pub(super) fn section(page: &mut Page<'_>, subjects: &[Subject<'_>]) {
    let units = Units::of(subjects);
    for subject in subjects {
        let threads = counted(subject.thread_count(), "thread");
        page.section(&format!("Thread by thread: {}, {threads}", subject.title));
        if subject.groups.is_empty() {
            page.paragraph(Paint::Faint, "No thread was recorded.");
            continue;
        }
        switches(page, subject, &units);
        page.blank();
        blocked_on(page, subject, &units);
        page.blank();
        faults(page, subject, units.faults);
    }
}

fn switches(page: &mut Page<'_>, subject: &Subject<'_>, units: &Units) {
    let groups = &subject.groups;
    let columns = SwitchColumns {
        waits: units.waits,
        totals: units.totals,
        throttled: groups.iter().any(|group| group.throttled.is_some()),
        runnable_idle: groups.iter().any(|group| group.runnable_idle.is_some()),
        open: groups.iter().any(|group| !group.open.is_empty()),
    };
    let rest = format!(": waits in {}, totals in {}", units.waits.symbol(), units.totals.symbol());
    page.title("Slices, waits and switches", &rest);
    let mut table = Table::new(columns.headings());
    for group in groups {
        table.row(columns.cells(group));
    }
    page.table(&table);
    if groups.iter().flat_map(|group| &group.open).any(|open| open.found) {
        page.paragraph(Paint::Faint, "≥: it had begun before the recording did.");
    }
}

/// The columns of the first table; some are present only if they have content.
struct SwitchColumns {
    waits: Unit,
    totals: Unit,
    throttled: bool,
    runnable_idle: bool,
    open: bool,
}

impl SwitchColumns {
    fn headings(&self) -> Vec<Column> {
        let (on_cpu, wait, blocked, preempted) = ("on_cpu", "runqueue_wait", "blocked", "preempted");
        let mut columns = vec![
            Column::left("thread"),
            Column::right("slices").of(on_cpu),
            Column::decimal("total").of(on_cpu),
            Column::decimal("p50").of(wait),
            Column::decimal("p99").of(wait),
            Column::decimal("max").of(wait),
            Column::decimal("p50").of(blocked),
            Column::decimal("max").of(blocked),
            Column::right("count").of(preempted),
            Column::decimal("total").of(preempted),
            Column::right("voluntary").of("switches"),
            Column::right("involuntary").of("switches"),
            Column::right("migrations"),
        ];
        if self.throttled {
            columns.extend(["count", "total", "max"].map(|name| Column::decimal(name).of("throttled")));
        }
        if self.runnable_idle {
            columns.extend(["count", "total"].map(|name| Column::decimal(name).of("runnable idle")));
        }
        if self.open {
            columns.push(Column::right("at the end"));
        }
        columns
    }

    fn cells(&self, group: &Group<'_>) -> Vec<Cell> {
        let histogram = |metric| group.histogram(metric);
        let counted = |metric| Cell::figure(count(histogram(metric).map_or(0, |of| of.count)));
        let total = |metric| Cell::maybe(histogram(metric).map(|of| self.totals.figure(of.sum_ns)));
        let at = |metric, share| quantile(histogram(metric), share, self.waits);
        let mut cells = vec![
            Cell::text(&group.label),
            counted(Metric::OnCpu),
            total(Metric::OnCpu),
            at(Metric::RunqueueWait, 0.5),
            at(Metric::RunqueueWait, 0.99),
            max(histogram(Metric::RunqueueWait), self.waits),
            at(Metric::Blocked, 0.5),
            max(histogram(Metric::Blocked), self.waits),
            counted(Metric::Preempted),
            total(Metric::Preempted),
            Cell::figure(count(group.voluntary_switches)),
            Cell::figure(count(group.involuntary_switches)),
            Cell::figure(count(group.migrations)),
        ];
        if self.throttled {
            cells.push(Cell::figure(count(group.throttled.map_or(0, |waits| waits.count))));
            cells.push(Cell::maybe(group.throttled.map(|waits| self.totals.figure(waits.sum_ns))));
            cells.push(Cell::maybe(group.throttled.map(|waits| self.waits.figure(waits.max_ns))));
        }
        if self.runnable_idle {
            cells.push(Cell::figure(count(group.runnable_idle.map_or(0, |held| held.count))));
            cells.push(Cell::maybe(group.runnable_idle.map(|held| self.totals.figure(held.sum_ns))));
        }
        if self.open {
            cells.push(Cell::text(at_the_end(group)));
        }
        cells
    }
}

fn max(histogram: Option<&Histogram>, unit: Unit) -> Cell {
    Cell::maybe(histogram.map(|histogram| unit.figure(histogram.max_ns)))
}

/// The states of a row's threads when the recording was closed.
fn at_the_end(group: &Group<'_>) -> String {
    let states: BTreeSet<OpenState> = group.open.iter().map(|open| open.state).collect();
    let describe = |state: OpenState| {
        let name = state.label();
        let open = || group.open.iter().filter(|open| open.state == state);
        let longest = open().max_by_key(|open| open.for_ns)?;
        let time = duration(longest.for_ns);
        Some(match (open().count(), group.open.len(), longest.found) {
            (1, 1, false) => format!("{name} {time}"),
            (1, 1, true) => format!("{name} ≥\u{a0}{time}"),
            (threads, _, false) => format!("{threads} {name} ≤\u{a0}{time}"),
            (threads, _, true) => format!("{threads} {name}, longest ≥\u{a0}{time}"),
        })
    };
    let parts: Vec<String> = states.into_iter().filter_map(describe).collect();
    if parts.is_empty() { "exited".to_owned() } else { parts.join(", ") }
}

/// The longest waits of a row, by cause.
fn longest<'a>(group: &'a Group<'_>) -> impl Iterator<Item = &'a BlockedOn> {
    group.blocked_on.iter().take(BLOCKED_ON_SHOWN)
}

fn blocked_on(page: &mut Page<'_>, subject: &Subject<'_>, units: &Units) {
    if subject.groups.iter().all(|group| group.blocked_on.is_empty()) {
        page.paragraph(Paint::Faint, "No thread was blocked and woken again.");
        return;
    }
    let rest = format!(
        " (top {BLOCKED_ON_SHOWN}): share of blocked time in %, total in {}, longest in {}",
        units.blocked_totals.symbol(),
        units.longest_waits.symbol()
    );
    page.title("Blocked on", &rest);
    let mut table = Table::new([
        Column::left("thread"),
        Column::left("blocked on"),
        Column::right("waits"),
        Column::right("share"),
        Column::decimal("total"),
        Column::decimal("longest"),
    ]);
    for group in &subject.groups {
        let all: Nanos = group.blocked_on.iter().map(|wait| wait.sum_ns).sum();
        for (index, wait) in longest(group).enumerate() {
            let share = (all.0 > 0).then(|| percent(wait.sum_ns.0 as f64 / all.0 as f64));
            table.row([
                Cell::text(if index == 0 { group.label.as_str() } else { "" }),
                Cell::text(shown(&wait.syscall)),
                Cell::figure(count(wait.count)),
                Cell::maybe(share),
                Cell::figure(units.blocked_totals.figure(wait.sum_ns)),
                Cell::figure(units.longest_waits.figure(wait.max_ns)),
            ]);
        }
    }
    page.table(&table);
}

fn faults(page: &mut Page<'_>, subject: &Subject<'_>, unit: Unit) {
    let groups = &subject.groups;
    if groups.iter().all(|group| group.minor_faults == 0 && group.major_faults == 0) {
        page.paragraph(Paint::Faint, "No thread took a page fault.");
        return;
    }
    let shown: Vec<Metric> = FAULT_METRICS
        .into_iter()
        .filter(|&metric| groups.iter().any(|group| group.histogram(metric).is_some()))
        .collect();
    page.title("Faults", &format!(": times in {}", unit.symbol()));
    let mut columns = vec![
        Column::left("thread"),
        Column::right("minor").of("faults"),
        Column::right("major").of("faults"),
        Column::right("without latency").of("faults"),
    ];
    for metric in &shown {
        columns.extend(["p50", "p99", "max"].map(|name| Column::decimal(name).of(metric.name())));
    }
    let mut table = Table::new(columns);
    for group in groups {
        let mut cells = vec![
            Cell::text(&group.label),
            Cell::figure(count(group.minor_faults)),
            Cell::figure(count(group.major_faults)),
            Cell::maybe(group.faults_without_latency.map(count)),
        ];
        for &metric in &shown {
            let histogram = group.histogram(metric);
            cells.extend([0.5, 0.99].map(|share| quantile(histogram, share, unit)));
            cells.push(max(histogram, unit));
        }
        table.row(cells);
    }
    page.table(&table);
    if groups.iter().any(|group| group.faults_without_latency.is_some_and(|faults| faults > 0)) {
        page.paragraph(
            Paint::Faint,
            "without latency: taken by the kernel itself during a system call, where no event marks the end.",
        );
    }
}
