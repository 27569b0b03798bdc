//! A daemon's answers as a person reads them: `profiler ctl status` and `snapshot`.

use super::protocol::Status;
use crate::report::table::{Cell, Column, Table};
use crate::report::{LimitNames, Style, duration, loss_reasons};
use crate::watch::interval::{GroupAdded, Interval};
use crate::watch::status::SelectorStatus;
use model::metric::Metric;
use model::outside_text::printable;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use std::fmt::Write as _;

/// The status of a daemon.
#[must_use]
pub fn status(status: &Status) -> String {
    let style = Style::for_stdout();
    let watch = &status.watch;
    let mut text = format!(
        "profiler {} (process {}), since {:.0}\nintervals of {}: {} have ended, the next began {:.0}\nslots: {} of {} in use\n",
        printable(&status.version),
        status.pid,
        status.started_at,
        duration(status.interval_ns),
        status.intervals,
        watch.interval_begun,
        watch.slots_used,
        watch.slots,
    );
    for loss in loss_reasons(&status.lost, LimitNames::CONFIGURATION) {
        // Nothing fails that is written to a string.
        let _ = writeln!(text, "lost: {loss}");
    }
    text.push('\n');
    selectors(&watch.selectors).render(&style, &mut text);
    if !status.sinks.is_empty() {
        let columns = [Column::left("sink"), Column::decimal("intervals lost"), Column::prose("state")];
        let mut table = Table::new(columns);
        for sink in &status.sinks {
            let state = sink.problem.as_ref().map_or_else(
                || "takes intervals".to_owned(),
                |problem| format!("since {:.0}: {problem}", sink.since),
            );
            let lost = Cell::figure(sink.intervals_lost.to_string());
            table.row([Cell::text(&sink.name), lost, Cell::text(state)]);
        }
        text.push('\n');
        table.render(&style, &mut text);
    }
    text
}

fn selectors(selectors: &[SelectorStatus]) -> Table {
    let mut table = Table::new([
        Column::left("selector"),
        Column::left("chooses"),
        Column::decimal("processes"),
        Column::decimal("threads"),
        Column::decimal("turned away"),
        Column::decimal("without slot"),
        Column::prose("remark"),
    ]);
    for status in selectors {
        let temporary = status.temporary.then(|| "until it is detached".to_owned());
        let remarks: Vec<String> = temporary.into_iter().chain(status.problem.clone()).collect();
        let figures =
            [status.processes, status.threads, status.processes_turned_away, status.threads_without_slot];
        let figures = figures.map(|figure| Cell::figure(figure.to_string()));
        let texts = [Cell::text(&status.selector.label), Cell::text(choice(status))];
        table.row(texts.into_iter().chain(figures).chain([Cell::text(remarks.join("; "))]));
    }
    if selectors.is_empty() {
        table.instead(Cell::text("none"), "nobody is watched");
    }
    table
}

fn choice(status: &SelectorStatus) -> String {
    let selector = &status.selector;
    let pids = |pids: &Vec<u32>| {
        let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
        format!("pid {}", pids.join(","))
    };
    let path = |path: &std::path::PathBuf| format!("cgroup {}", path.display());
    let parts = [
        selector.pid.as_ref().map(pids),
        selector.name.as_ref().map(|name| format!("name {name}")),
        selector.cgroup.as_ref().map(path),
        selector.unit.as_ref().map(|unit| format!("unit {unit}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The sums of an interval, by group.
#[must_use]
pub fn interval(interval: &Interval) -> String {
    let mut text =
        format!("{:.3} to {:.3}, {}\n", interval.from, interval.until, duration(interval.length_ns));
    for loss in loss_reasons(&interval.lost, LimitNames::CONFIGURATION) {
        let _ = writeln!(text, "lost: {loss}");
    }
    let mut table = Table::new([
        Column::name("group"),
        Column::decimal("threads"),
        Column::left("metric"),
        Column::decimal("count"),
        Column::right("p50"),
        Column::right("p99"),
        Column::right("max"),
        Column::right("total"),
    ]);
    for group in &interval.groups {
        let mut label = Cell::text(name(group));
        let mut threads = Cell::figure(group.threads.to_string());
        for metric in Metric::ALL {
            let Some(histogram) = group.histograms.get(metric.name()) else { continue };
            let times = [quantile(histogram, 0.5), quantile(histogram, 0.99)];
            let times = times.into_iter().chain([Some(histogram.max_ns), Some(histogram.sum_ns)]);
            let first = [std::mem::take(&mut label), std::mem::take(&mut threads)];
            let middle = [Cell::text(metric.name()), Cell::figure(histogram.count.to_string())];
            let times = times.map(|time| Cell::maybe(time.map(duration)));
            table.row(first.into_iter().chain(middle).chain(times));
        }
        for (state, time) in without_histogram(&group.states) {
            let first = [std::mem::take(&mut label), std::mem::take(&mut threads), Cell::text(state)];
            let unknown = (0..4).map(|_| Cell::maybe(None));
            table.row(first.into_iter().chain(unknown).chain([Cell::figure(duration(time))]));
        }
    }
    if interval.groups.is_empty() {
        table.instead(Cell::text("none"), "nothing was added");
    }
    text.push('\n');
    table.render(&Style::for_stdout(), &mut text);
    text
}

/// Times in states of which only the sum is kept, where there were any.
fn without_histogram(states: &States) -> impl Iterator<Item = (&'static str, Nanos)> {
    let times = [
        ("throttled", states.throttled_ns),
        ("runnable_idle", states.runnable_idle_ns),
        ("unattributed_wait", states.unattributed_wait_ns),
    ];
    times.into_iter().filter(|(_, time)| *time > Nanos(0))
}

fn quantile(histogram: &Histogram, share: f64) -> Option<Nanos> {
    histogram.quantile(share).map(|quantile| quantile.value)
}

/// Its parts, from the selector on.
fn name(group: &GroupAdded) -> String {
    let parts = [
        Some(group.selector.clone()),
        group.process.clone(),
        group.pid.map(|pid| pid.to_string()),
        group.thread.clone(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::config::SelectorConfig;
    use jiff::Timestamp;
    use model::losses::{Loss, LossCounts};
    use model::profile::units::Nanos;

    #[test]
    fn a_selector_is_shown_by_what_it_chooses_and_why_it_does_not() {
        let status = SelectorStatus {
            selector: SelectorConfig::of_pids("web".to_owned(), vec![4, 5]),
            temporary: true,
            processes: 2,
            threads: 9,
            processes_turned_away: 0,
            threads_without_slot: 1,
            problem: Some("no such unit".to_owned()),
        };
        let mut text = String::new();
        selectors(&[status]).render(&Style::plain(120), &mut text);
        for part in ["web", "pid 4,5", "until it is detached; no such unit"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn every_loss_of_an_interval_is_told() {
        let now = Timestamp::UNIX_EPOCH;
        for loss in Loss::OF_INTERVAL {
            let lost = LossCounts::of([(loss, 4_321)]);
            let text =
                interval(&Interval { from: now, until: now, length_ns: Nanos(1), lost, groups: vec![] });
            assert!(text.contains(&format!("lost: 4,321 {}", loss.described().noun)), "{loss:?}: {text}");
        }
    }
}
