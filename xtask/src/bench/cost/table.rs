//! The results as Markdown tables.

use super::{
    contender::Contender,
    results::{Measured, Quantity, Results, Used},
};
use crate::bench::{
    statistics::ratio,
    table::{self, Row, Unit},
};

/// The profiler's added time per switch at most in relation to the sum of those three that together give what it
/// gives.
const BAR_SUM: f64 = 1.0 / 5.0;

/// And in relation to `perf sched record`'s.
const BAR_PERF: f64 = 1.0 / 6.0;

/// Tools that together give what the profiler gives.
const TOGETHER: [Contender; 3] = [Contender::Runqlat, Contender::Cpudist, Contender::CpudistOff];

/// All tables, and what was measured where.
pub(super) fn markdown(results: &Results) -> String {
    let sections = [
        costs(results),
        table::markdown(&bars(results)),
        series("Added time per switch, by threads in the ring:", results, |measured| &measured.threads),
        series("Added time per switch, by switches per second without it:", results, |measured| {
            &measured.rates
        }),
        format!("{}\n", results.measured),
    ];
    sections.join("\n")
}

/// The bars, held against what was measured.
pub(super) fn bars(results: &Results) -> Vec<Row> {
    let added = |contender: Contender| {
        let measured = results.of(contender.name()).ok_or("it was not measured")?;
        measured
            .switch
            .as_ref()
            .map(|quantity| quantity.median_ns)
            .map_err(|why| format!("{}: {why}", measured.name))
    };
    let sum = TOGETHER.into_iter().map(added).sum::<Result<f64, String>>();
    let times = |of: Result<f64, String>| {
        let of = of?;
        ratio(added(Contender::Profiler)?, of)
            .ok_or_else(|| "what it is compared with added nothing".to_owned())
    };
    vec![
        Row::single(
            "a switch: `profiler run` / (`runqlat` + `cpudist` + `cpudist -O`)",
            Unit::Times,
            times(sum),
        )
        .at_most(BAR_SUM),
        Row::single(
            "a switch: `profiler run` / `perf sched record`",
            Unit::Times,
            times(added(Contender::PerfSched)),
        )
        .at_most(BAR_PERF),
        Row::single("lost by `profiler run` in all runs", Unit::Count, Ok(results.lost_by_profiler as f64))
            .at_most(0.0),
    ]
}

fn costs(results: &Results) -> String {
    let head =
        ["", "added to a switch", "added to a minor fault", "events lost", "file", "its CPU", "CPU in all"];
    let rows = results.contenders.iter().map(|measured| {
        let alone = measured.consumer.is_none();
        let time = |quantity: &Result<Quantity, String>| match quantity {
            Ok(quantity) if alone => format!("(itself {})", range(quantity)),
            Ok(quantity) => range(quantity),
            Err(why) => format!("not measured: {}", one_line(why)),
        };
        let [lost, file, cpu, cpu_in_all] = match &measured.consumer {
            Some(Ok(used)) => use_cells(used),
            Some(Err(_)) | None => [ABSENT; 4].map(str::to_owned),
        };
        vec![
            format!("`{}`", measured.name),
            time(&measured.switch),
            time(&measured.fault),
            lost,
            file,
            cpu,
            cpu_in_all,
        ]
    });
    lines(std::iter::once(head.map(str::to_owned).to_vec()).chain(rows).collect())
}

/// What stands for a figure that there is not.
const ABSENT: &str = "–";

fn use_cells(used: &Used) -> [String; 4] {
    let lost = used.lost.map(|lost| format!("{lost} of {}", used.made));
    [
        lost.unwrap_or_else(|| ABSENT.to_owned()),
        used.file_bytes.map_or_else(|| ABSENT.to_owned(), size),
        format!("{:.1} %", used.cpu_percent),
        format!("{:.0} ms", used.cpu_in_all_ms),
    ]
}

fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes >= 1e6 { format!("{:.1} MB", bytes / 1e6) } else { format!("{:.1} kB", bytes / 1e3) }
}

fn range(quantity: &Quantity) -> String {
    let Quantity { median_ns, least_ns, greatest_ns } = quantity;
    format!("{median_ns:.0} ns ({least_ns:.0} to {greatest_ns:.0})")
}

/// A line for each contender, a column for each place.
fn series(
    title: &str,
    results: &Results,
    points: impl Fn(&Measured) -> &Vec<super::results::Point>,
) -> String {
    let places = results.contenders.iter().map(&points).find(|points| !points.is_empty());
    let Some(places) = places else { return String::new() };
    let head =
        std::iter::once(String::new()).chain(places.iter().map(|point| format!("{:.0}", point.at))).collect();
    let rows = results.contenders.iter().filter(|measured| measured.consumer.is_some()).map(|measured| {
        let cells = points(measured).iter().map(|point| match &point.value {
            Ok(quantity) => format!("{:.0} ns", quantity.median_ns),
            Err(_) => ABSENT.to_owned(),
        });
        std::iter::once(format!("`{}`", measured.name)).chain(cells).collect()
    });
    format!("{title}\n\n{}", lines(std::iter::once(head).chain(rows).collect()))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Columns that line up in a terminal too; the first line is the head.
fn lines(cells: Vec<Vec<String>>) -> String {
    let columns = cells.first().map_or(0, Vec::len);
    let width = |column: usize| cells.iter().filter_map(|line| Some(line.get(column)?.chars().count())).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0).max(3)).collect();
    let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = String::new();
    for (number, line) in cells.iter().enumerate() {
        for line in std::iter::once(line).chain((number == 0).then_some(&rule)) {
            for (cell, width) in line.iter().zip(&widths) {
                text.push_str(&format!("| {cell:width$} "));
            }
            text.push_str("|\n");
        }
    }
    text
}
