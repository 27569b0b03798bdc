//! The detail of the selected row: distribution and exact totals of a metric, and the system calls blocked on.

use super::{Palette, as_many_as_fit, chart, columns, put, put_right};
use crate::record::assemble::Seen;
use crate::record::samples::Samples;
use crate::report::metrics::{DOUBTFUL, PARTIAL, QUANTILES};
use crate::report::units::ABSENT;
use crate::report::{count, duration, printable, shortened};
use crate::top::app::{App, Recorder};
use crate::top::model::{Identity, Model, blocked_on, summed, summed_seen};
use crate::top::view::history;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// The most intervals in the history.
const HISTORY: usize = 16;

pub(super) fn draw(app: &App, buffer: &mut Buffer, area: Rect, palette: Palette) {
    let model = app.shown();
    let Some(selected) = app.view.selected else {
        title(buffer, area, "", palette);
        return;
    };
    let metric = app.metric();
    let histogram = match app.of_interval {
        true => summed(model.members(selected).map(|thread| &thread.added)).histograms.remove(&metric),
        false => whole(model.members(selected).filter_map(|thread| thread.record.samples.get(&metric))),
    };
    let since = match app.recorder {
        Recorder::Own => "since the start",
        Recorder::Daemon => "since this view began",
    };
    let over = if app.of_interval { "last interval" } else { since };
    title(buffer, area, &format!("{} {over} · {}", metric.name(), who(model, selected)), palette);
    let line = history(model, selected).map(|history| chart::line(history.of(app.history_column()), HISTORY));
    let line = format!(" {} ", line.unwrap_or_default());
    put_right(buffer, area.right() - 1, HISTORY as u16 + 2, area.y, &line, palette.accent());
    let quantiles = quantiles(histogram.as_ref(), area.width);
    put(buffer, 0, area.y + 1, area.width, &quantiles, Style::new());
    let totals = totals(app, model, selected);
    let totals = as_many_as_fit(totals.iter().map(String::as_str), area.width);
    put(buffer, 0, area.y + 2, area.width, &totals, palette.faint());
    let rest = Rect { y: area.y + 3, height: area.height - 3, ..area };
    let chart = Rect { width: area.width / 2, ..rest };
    match &histogram {
        Some(histogram) => chart::histogram(histogram, buffer, chart, palette),
        None => {
            let none =
                format!("no {} ended {}", metric.name(), if app.of_interval { "in it" } else { "yet" });
            put(buffer, chart.x, chart.y, chart.right(), &none, palette.faint());
        }
    }
    let waits = Rect { x: chart.right() + 1, width: area.width - chart.width - 1, ..rest };
    draw_blocked_on(app, model, selected, buffer, waits, palette);
}

fn title(buffer: &mut Buffer, area: Rect, text: &str, palette: Palette) {
    put(buffer, 0, area.y, area.width, &"─".repeat(usize::from(area.width)), palette.faint());
    if !text.is_empty() {
        let text = shortened(text, usize::from(area.width).saturating_sub(HISTORY + 8));
        put(buffer, 2, area.y, area.width, &format!(" {text} "), palette.strong());
    }
}

/// `worker-3 4243 of python3 4242 (shop)`
fn who(model: &Model, identity: Identity) -> String {
    let name = |pid| model.process_name(pid).map_or(ABSENT, |name| name);
    let (pid, who) = match identity {
        Identity::Process(pid) => (pid, format!("{} {pid}", name(pid))),
        Identity::Thread(serial) => match model.threads.get(&serial) {
            Some(thread) if thread.record.pid == thread.record.tid => {
                (thread.record.pid, format!("{} {}", thread.name, thread.record.tid))
            }
            Some(thread) => {
                let pid = thread.record.pid;
                (pid, format!("{} {} of {} {pid}", thread.name, thread.record.tid, name(pid)))
            }
            None => return ABSENT.to_owned(),
        },
    };
    match model.selector(pid) {
        Some(selector) => format!("{who} ({selector})"),
        None => who,
    }
}

/// Merges the samples of several threads.
fn whole<'a>(mut parts: impl Iterator<Item = &'a Samples>) -> Option<Histogram> {
    let mut sum = Samples::<u64>::from(parts.next()?);
    parts.for_each(|part| sum.add(part));
    Some(sum.to_histogram())
}

/// `count 1,771  p50 10.2 µs  …  max 2.84 ms  total 54.3 ms`; quantiles in the middle are dropped if they do
/// not fit.
fn quantiles(histogram: Option<&Histogram>, width: u16) -> String {
    let Some(histogram) = histogram else {
        return format!("count 0  p50 {ABSENT}  p99 {ABSENT}  max {ABSENT}");
    };
    let partial = if histogram.without_bucket() > 0 { PARTIAL } else { "" };
    let quantile = |(name, share): (&str, f64)| {
        let quantile = histogram.quantile(share)?;
        let doubtful = if quantile.is_supported() { "" } else { DOUBTFUL };
        Some(format!("{name} {partial}{doubtful}{}", duration(quantile.value)))
    };
    let mut parts = vec![format!("count {}", count(histogram.count))];
    parts.extend(QUANTILES.into_iter().filter_map(quantile));
    parts.push(format!("max {}", duration(histogram.max_ns)));
    parts.push(format!("total {}", duration(histogram.sum_ns)));
    for dispensable in ["p90", "p99.9"] {
        let index = parts.iter().position(|part| part.starts_with(&format!("{dispensable} ")));
        if let Some(index) = index.filter(|_| columns(&parts.join("  ")) > width) {
            parts.remove(index);
        }
    }
    as_many_as_fit(parts.iter().map(String::as_str), width)
}

/// Exact totals, over the whole recording or the last interval.
fn totals(app: &App, model: &Model, selected: Identity) -> Vec<String> {
    let members = || model.members(selected);
    let (seen, states) = if app.of_interval {
        let added = summed(members().map(|thread| &thread.added));
        (added.seen, Some(added.states))
    } else {
        (summed_seen(members().map(|thread| Seen::of(&thread.record))), None)
    };
    let sum = |metric, of: fn(States) -> Nanos| match states {
        Some(states) => of(states),
        None => members().filter_map(|thread| thread.record.samples.get(&metric)).map(|of| of.sum_ns).sum(),
    };
    let throttled = match states {
        Some(states) => states.throttled_ns,
        None => members().filter_map(|thread| thread.record.throttled).map(|waits| waits.sum_ns).sum(),
    };
    let times = [
        ("on_cpu", sum(Metric::OnCpu, |states| states.on_cpu_ns)),
        ("blocked", sum(Metric::Blocked, |states| states.blocked_ns)),
        ("runqueue_wait", sum(Metric::RunqueueWait, |states| states.runqueue_wait_ns)),
    ];
    let switches = [count(seen.voluntary_switches), count(seen.involuntary_switches)];
    let faults = [count(seen.minor_faults), count(seen.major_faults)];
    let mut totals = vec![
        format!("switches {} vol, {} invol", switches[0], switches[1]),
        format!("faults {} minor, {} major", faults[0], faults[1]),
    ];
    if throttled > Nanos(0) {
        totals.push(format!("throttled {}", duration(throttled)));
    }
    totals.extend(times.iter().map(|(name, time)| format!("{name} {}", duration(*time))));
    totals
}

/// Draws the system calls blocked on over the whole recording: the kernel side keeps no intervals of them. A
/// daemon's recording may have begun long before the view.
fn draw_blocked_on(
    app: &App,
    model: &Model,
    selected: Identity,
    buffer: &mut Buffer,
    area: Rect,
    palette: Palette,
) {
    const FIGURES: [(&str, u16); 4] = [("waits", 8), ("%", 4), ("total", 9), ("longest", 9)];
    let waits = blocked_on(model.members(selected));
    let since = match app.recorder {
        Recorder::Own => "",
        Recorder::Daemon => " since recorded",
    };
    if waits.is_empty() {
        let never = format!("never blocked and woken{since}");
        put(buffer, area.x, area.y, area.right(), &never, palette.faint());
        return;
    }
    let figures = FIGURES.map(|(_, width)| width).iter().sum::<u16>();
    // The maximum is dropped first if space is short.
    let shown = if area.width >= figures + 16 { 4 } else { 3 };
    let name_end = area.right() - FIGURES.iter().take(shown).map(|(_, width)| width).sum::<u16>();
    let name_width = usize::from(name_end - area.x);
    let hidden = waits.len().saturating_sub(usize::from(area.height) - 1);
    let more = if hidden > 0 { format!(" (+{hidden})") } else { String::new() };
    put(buffer, area.x, area.y, name_end, &shortened("blocked on", name_width), palette.strong());
    let since = if columns(&format!("blocked on{more}{since}")) < name_width as u16 { since } else { "" };
    put(buffer, area.x + 10, area.y, name_end, &format!("{more}{since}"), palette.faint());
    let mut x = name_end;
    for (name, width) in FIGURES.into_iter().take(shown) {
        x += width;
        put_right(buffer, x, width - 1, area.y, name, palette.strong());
    }
    let all: Nanos = waits.iter().map(|wait| wait.sum_ns).sum();
    for (y, wait) in (area.y + 1..area.bottom()).zip(&waits) {
        put(buffer, area.x, y, name_end, &shortened(&printable(&wait.syscall), name_width), Style::new());
        let share = (all.0 > 0).then(|| format!("{:.0}", wait.sum_ns.0 as f64 * 100.0 / all.0 as f64));
        let cells = [
            count(wait.count),
            share.unwrap_or_else(|| ABSENT.to_owned()),
            duration(wait.sum_ns),
            duration(wait.max_ns),
        ];
        let mut x = name_end;
        for (cell, (_, width)) in cells.iter().zip(FIGURES).take(shown) {
            x += width;
            put_right(buffer, x, width - 1, y, &cell.replace('\u{a0}', " "), Style::new());
        }
    }
}
