//! The cost of recording, for profiles recorded with `--measure-self`.

use super::page::Page;
use super::style::Paint;
use super::subject::Subject;
use super::table::{Cell, Column, Table};
use super::units::{Unit, count, duration, number, percent, size};
use model::profile::self_cost::{ProgramCost, SelfCost};
use model::profile::units::Nanos;

/// Width of the labels.
const LABEL: usize = 23;

pub(super) fn section(page: &mut Page<'_>, subjects: &[Subject<'_>]) {
    let measured: Vec<(&Subject<'_>, &SelfCost)> =
        subjects.iter().filter_map(|subject| Some((subject, subject.profile.self_cost.as_ref()?))).collect();
    if measured.is_empty() {
        return;
    }
    page.section("What recording cost");
    for (number, (subject, cost)) in measured.into_iter().enumerate() {
        if number > 0 {
            page.blank();
        }
        page.title(&subject.title, "");
        figures(page, cost, subject.wall());
        programs(page, &cost.programs);
    }
    page.blank();
    page.paragraph(
        Paint::Faint,
        "The programs ran for every process of the machine. Counting their time cost time too (two readings of the \
         clock for each run, and more that they do not see): without --measure-self the run is faster.",
    );
}

fn figures(page: &mut Page<'_>, cost: &SelfCost, wall: Nanos) {
    let programs: Nanos = cost.programs.iter().map(|program| program.run_time_ns).sum();
    let mut time = duration(programs);
    if wall.0 > 0 {
        let share = percent(programs.0 as f64 / wall.0 as f64);
        time.push_str(&format!(", {share}\u{a0}% of one CPU over the run's wall time"));
    }
    page.labelled("BPF programs", LABEL, Paint::Plain, &time);
    let (user, system) = (duration(cost.user_ns), duration(cost.system_ns));
    let all = duration(cost.user_ns + cost.system_ns);
    let own = format!("{all} ({user} user, {system} system), the start with it");
    page.labelled("profiler's CPU time", LABEL, Paint::Plain, &own);
    let resident = size(cost.max_rss_bytes.0 as f64);
    let memory = format!("{resident} resident at most, {} in BPF maps", size(cost.map_bytes.0 as f64));
    page.labelled("memory", LABEL, Paint::Plain, &memory);
}

fn programs(page: &mut Page<'_>, programs: &[ProgramCost]) {
    let mut table = Table::new([
        Column::left("BPF program"),
        Column::right("runs"),
        Column::right("total, ms"),
        Column::right("each, ns"),
    ]);
    let mut programs: Vec<&ProgramCost> = programs.iter().collect();
    programs.sort_by_key(|program| std::cmp::Reverse(program.run_time_ns));
    for program in programs {
        let each = (program.runs > 0).then(|| number(program.run_time_ns.0 as f64 / program.runs as f64));
        table.row([
            Cell::text(program.name.clone()),
            Cell::figure(count(program.runs)),
            Cell::figure(Unit::Millis.fixed(program.run_time_ns, 3)),
            each.map_or_else(Cell::default, Cell::figure),
        ]);
    }
    page.blank();
    page.table(&table);
}
