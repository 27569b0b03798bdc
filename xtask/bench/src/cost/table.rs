//! The results as Markdown tables.

use super::{
    account::Account,
    notes,
    results::{Left, LongRuns, Measured, Point, Results},
};
use crate::{
    contender::Contender,
    job::Event,
    peers,
    statistics::Summary,
    table::{self, Row, Unit, lines_up, one_line},
    turns::times,
};

/// Bar: the profiler's added time a switch, relative to the sum of the three tools that together measure what
/// it does.
const BAR_SUM: f64 = 1.0 / 5.0;

/// Bar: the same, relative to `perf sched record`.
const BAR_PERF: f64 = 1.0 / 6.0;

/// Tools that together measure what the profiler does.
pub(super) const TOGETHER: [Contender; 3] = [Contender::Runqlat, Contender::Cpudist, Contender::CpudistOff];

/// The text for a missing figure.
const ABSENT: &str = "–";

/// All tables, with machine and time of the measurement.
pub(super) fn markdown(results: &Results) -> String {
    let mut sections = vec![added(results), table::markdown(&bars(results))];
    sections.extend(results.long_runs.iter().map(long_runs));
    sections.push(definitions(results));
    sections.push(series("Added to a switch, by threads in the ring, ns:", results, |it| &it.threads));
    sections
        .push(series("Added to a switch, by switches per second without it, ns:", results, |it| &it.rates));
    sections.extend(failures(results));
    sections.extend(missing(results));
    let versions = if results.versions.is_empty() { "none".to_owned() } else { results.versions.join(", ") };
    let Results { measured, rounds, rounds_of_a_place, .. } = results;
    sections.push(format!(
        "Measured {measured}, in {rounds} interleaved rounds, by threads and by switch rate in {rounds_of_a_place}. \
         Peers: {versions}.\n"
    ));
    sections.join("\n")
}

/// The bars, compared with the results.
pub(super) fn bars(results: &Results) -> Vec<Row> {
    let added = |contender: Contender| {
        let measured = results.of(contender).ok_or_else(|| format!("{} is missing", contender.name()))?;
        let median = measured.switch_ns.as_ref().map(|summary| summary.median);
        median.map_err(|why| format!("{}: {why}", contender.name()))
    };
    let sum = TOGETHER.into_iter().map(added).sum();
    let ours = || added(Contender::Profiler);
    let lost = results.lost_by_profiler as f64;
    vec![
        Row::single(
            "a switch: `profiler run` / (`runqlat` + `cpudist` + `cpudist -O`)",
            Unit::Times,
            times(ours(), sum),
        )
        .at_most(BAR_SUM),
        Row::single(
            "a switch: `profiler run` / `perf sched record`",
            Unit::Times,
            times(ours(), added(Contender::PerfSched)),
        )
        .at_most(BAR_PERF),
        Row::single("lost by `profiler run` in all runs", Unit::Count, Ok(lost)).at_most(0.0),
    ]
}

/// The table of costs added to a switch and to a fault.
fn added(results: &Results) -> String {
    let head = ["", "added to a switch", "added to a minor fault"].map(str::to_owned);
    let row = |measured: &Measured| {
        let cell = |added: &Result<Summary, String>, event| {
            let range = added.as_ref().map_or_else(|_| ABSENT.to_owned(), range);
            match measured.contender {
                Contender::Nothing => format!("(itself {range})"),
                contender if contender.watches(event) => range,
                _ => format!("no hook: {range}"),
            }
        };
        let (switch, fault) =
            (cell(&measured.switch_ns, Event::Switch), cell(&measured.fault_ns, Event::Fault));
        vec![name(measured.contender), switch, fault]
    };
    let table = lines_up(head.to_vec(), results.contenders.iter().map(row).collect());
    format!("{table}\nMedians over the load alone, in brackets the least and the greatest round.\n")
}

fn name(contender: Contender) -> String {
    match contender {
        Contender::Nothing | Contender::Empty => contender.name().to_owned(),
        _ => format!("`{}`", contender.name()),
    }
}

fn range(Summary { median, least, greatest, .. }: &Summary) -> String {
    format!("{median:.0} ns ({least:.0} to {greatest:.0})")
}

/// The table of counts, losses and usage with one load.
fn long_runs(long: &LongRuns) -> String {
    let head = ["", "counted", "lost", "record", "CPU meanwhile", "CPU in all"].map(str::to_owned);
    let rows = long.runs.iter().map(|run| {
        let cells = run.left.as_ref().map_or([ABSENT; 5].map(str::to_owned), left_cells);
        std::iter::once(name(run.contender)).chain(cells).collect()
    });
    let load = capitalised(&long.load);
    let what = "what each counts by its own definition, loses at most in three runs, and uses";
    format!("{load}: {what}:\n\n{}", lines_up(head.to_vec(), rows.collect()))
}

fn left_cells(left: &Left) -> [String; 5] {
    let Account { counted, lost, warnings, record_bytes } = &left.account;
    let absent = || ABSENT.to_owned();
    let lost = lost.map_or_else(absent, |lost| lost.to_string());
    let warnings = match warnings {
        0 => String::new(),
        1 => " (1 warning)".to_owned(),
        many => format!(" ({many} warnings)"),
    };
    [
        counted.map_or_else(absent, |counted| counted.to_string()),
        lost + &warnings,
        record_bytes.map_or_else(absent, size),
        format!("{:.1} %", left.cpu_percent),
        format!("{:.0} ms", left.cpu_in_all_ms),
    ]
}

fn size(bytes: u64) -> String {
    let bytes = bytes as f64;
    if bytes >= 1e6 { format!("{:.1} MB", bytes / 1e6) } else { format!("{:.1} kB", bytes / 1e3) }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The list of events that each counts.
fn definitions(results: &Results) -> String {
    let line = |measured: &Measured| {
        let counts = notes::counts(measured.contender)?;
        Some(format!("- {}: {counts}.\n", name(measured.contender)))
    };
    let lines: String = results.contenders.iter().filter_map(line).collect();
    format!("What they count:\n\n{lines}")
}

/// A table with a row for each contender and a column for each point.
fn series(title: &str, results: &Results, points: impl Fn(&Measured) -> &Vec<Point>) -> String {
    let followed = || {
        let others = results.contenders.iter().filter(|it| it.contender != Contender::Nothing);
        others.filter(|measured| !points(measured).is_empty())
    };
    let Some(first) = followed().next() else { return String::new() };
    let headings = points(first).iter().map(|point| format!("{:.0}", point.at));
    let rows = followed().map(|measured| {
        let cells = points(measured).iter().map(|point| match &point.switch_ns {
            Ok(added) => format!("{:.0}", added.median),
            Err(_) => ABSENT.to_owned(),
        });
        std::iter::once(name(measured.contender)).chain(cells).collect()
    });
    let head = std::iter::once(String::new()).chain(headings).collect();
    format!("{title}\n\n{}", lines_up(head, rows.collect()))
}

/// The reasons for empty cells, without duplicates.
fn failures(results: &Results) -> Option<String> {
    let measured = results.contenders.iter().flat_map(|measured| {
        let points = measured.threads.iter().chain(&measured.rates).map(|point| &point.switch_ns);
        [&measured.switch_ns, &measured.fault_ns].into_iter().chain(points).filter_map(|it| it.as_ref().err())
    });
    let runs = results.long_runs.iter().flat_map(|long| &long.runs).filter_map(|run| run.left.as_ref().err());
    let mut whys: Vec<String> = measured.chain(runs).map(|why| format!("- {}\n", one_line(why))).collect();
    whys.sort();
    whys.dedup();
    (!whys.is_empty()).then(|| format!("Not measured ({ABSENT}):\n\n{}", whys.concat()))
}

/// The unavailable contenders, and the remedy.
fn missing(results: &Results) -> Option<String> {
    let mut whys = results.missing.iter().map(|missing| missing.why.as_str()).collect::<Vec<_>>();
    whys.dedup();
    let names: Vec<String> = results.missing.iter().map(|missing| name(missing.contender)).collect();
    (!names.is_empty()).then(|| {
        let whys: Vec<String> = whys.into_iter().map(one_line).collect();
        format!(
            "Not there: {} ({}). {} gets the peers; those that are not installed are unpacked below target/peers \
             where the Debian archive can be reached.\n",
            names.join(", "),
            whys.join("; "),
            peers::advice()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::results::{LongRun, Missing};

    #[test]
    fn bars_are_held_against_what_the_peers_add() {
        // 300 / (500 + 600 + 700), and 300 / 1000
        let table = table::markdown(&bars(&Results::sample()));
        assert!(table.contains("| 0.17 × "), "{table}");
        assert!(table.contains("| 0.30 × "), "{table}");
        assert_eq!(table::unmet(&bars(&Results::sample())), 1);
        assert_eq!(table::unmet(&bars(&Results { lost_by_profiler: 1, ..Results::sample() })), 2);
    }

    #[test]
    fn who_is_not_there_is_in_no_table_but_in_a_line() {
        let mut results = Results::sample();
        results.contenders.retain(|measured| measured.contender != Contender::Bpftrace);
        results.missing.push(Missing { contender: Contender::Bpftrace, why: "no\nnetwork".to_owned() });
        let text = markdown(&results);
        assert!(!text.contains("| `bpftrace runqlat.bt`"), "{text}");
        let line =
            "Not there: `bpftrace runqlat.bt` (no network). `apt install libbpf-tools bpftrace linux-perf`";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn what_is_not_known_is_not_shown_as_a_figure() {
        let left = |account| Left { account, cpu_percent: 0.25, cpu_in_all_ms: 1234.0 };
        let silent = left_cells(&left(Account::default()));
        assert_eq!(silent, ["–", "–", "–", "0.2 %", "1234 ms"]);
        let account = Account { counted: Some(5), lost: Some(0), warnings: 2, record_bytes: Some(2_345_678) };
        assert_eq!(left_cells(&left(account))[..3], ["5", "0 (2 warnings)", "2.3 MB"]);
        let mut results = Results::sample();
        let runs = vec![LongRun { contender: Contender::PerfSched, left: Err("too\nslow".to_owned()) }];
        results.long_runs.push(LongRuns { load: "many".to_owned(), runs });
        let text = markdown(&results);
        assert!(text.contains("Not measured (–):\n\n- refused\n- too slow\n"), "{text}");
    }
}
