//! The tables, in Markdown: test × kernel, program × kernel, and a line for each kernel for `docs/kernels.md`.

use super::{Run, results::Outcome, verifier::Committed};
use std::{collections::BTreeSet, fmt::Write as _};

/// The program that runs most often, whose figure that page shows.
const HOTTEST: &str = "sched_switch";

const ABSENT: &str = "–";

/// The line to read first.
pub(super) fn tests(runs: &[Run]) -> String {
    let mut seen = BTreeSet::new();
    let names = runs.iter().flat_map(|run| &run.results.tests).map(|(name, _)| name);
    let names: Vec<&String> = names.filter(|name| seen.insert(name.as_str())).collect();
    let rows = names.into_iter().map(|name| {
        let outcome = |run: &Run| {
            let found = run.results.tests.iter().find(|(test, _)| test == name);
            found.map_or(ABSENT, |(_, outcome)| word(outcome)).to_owned()
        };
        row(format!("`{name}`"), runs, outcome)
    });
    let totals = row("passed".to_owned(), runs, passed);
    let machine = row("CPUs, groups that share an L3".to_owned(), runs, |run| {
        let cpus = run.results.cpus.map_or_else(|| ABSENT.to_owned(), |cpus| cpus.to_string());
        let groups = run.results.l3_groups.join(" ");
        if groups.is_empty() { format!("{cpus}, no L3 shown") } else { format!("{cpus}, L3: {groups}") }
    });
    let time = row("time".to_owned(), runs, |run| format!("{} s", run.took.as_secs()));
    markdown(&heading("test", runs), rows.chain([totals, machine, time]))
}

/// The verifier's figures of each program.
pub(super) fn programs(runs: &[Run], committed: &Committed) -> String {
    let mut names: Vec<&str> = Vec::new();
    for program in runs.iter().flat_map(|run| &run.results.programs) {
        if !names.contains(&program.name.as_str()) {
            names.push(&program.name);
        }
    }
    let rows = names.into_iter().map(|name| {
        row(format!("`{name}`"), runs, |run| {
            let Some(program) = run.results.programs.iter().find(|program| program.name == name) else {
                return ABSENT.to_owned();
            };
            let instructions = program.verified_instructions;
            let mut cell = instructions.map_or_else(|| ABSENT.to_owned(), |count| count.to_string());
            if let Some(before) = committed.figure(&run.name, name).filter(|_| run.has_figures)
                && Some(before) != instructions
            {
                let _ = write!(cell, " (committed: {before})");
            }
            let _ = write!(cell, ", {:.1} ms", program.load_ms);
            cell
        })
    });
    markdown(&heading("program: instructions verified, time to load", runs), rows)
}

/// One line a kernel.
pub(super) fn page(runs: &[Run], date: &str) -> String {
    let columns = [
        "kernel".to_owned(),
        "from".to_owned(),
        "CPUs".to_owned(),
        "live tests passed".to_owned(),
        format!("`{HOTTEST}`: instructions verified"),
        "date".to_owned(),
    ];
    let rows = runs.iter().map(|run| {
        let results = &run.results;
        let hottest = results.programs.iter().find(|program| program.name == HOTTEST);
        let instructions = hottest.and_then(|program| program.verified_instructions);
        let or_absent = |text: Option<String>| text.unwrap_or_else(|| ABSENT.to_owned());
        vec![
            or_absent(results.release.clone()),
            run.origin.clone(),
            or_absent(results.cpus.map(|cpus| match results.l3_groups.len() {
                0 | 1 => cpus.to_string(),
                groups => format!("{cpus} in {groups} L3 groups"),
            })),
            passed(run),
            or_absent(instructions.map(|count| count.to_string())),
            date.to_owned(),
        ]
    });
    markdown(&columns, rows)
}

/// The number of tests that passed.
fn passed(run: &Run) -> String {
    let results = &run.results;
    let all = format!("{} of {}", results.passed(), results.tests.len());
    match results.tried_again() {
        0 => all,
        tries => format!("{all} ({tries} when tried again)"),
    }
}

/// The tests that failed at the first try alone, kernel by kernel.
pub(super) fn first_failures(runs: &[Run]) -> String {
    let mut text = String::new();
    for run in runs {
        for (name, outcome) in &run.results.tests {
            if let Outcome::TriedAgain(message) = outcome {
                let _ =
                    writeln!(text, "{}: {name} failed at the first try\n  {}", title(run), indented(message));
            }
        }
    }
    text
}

/// The tests that took longest, kernel by kernel, in the live tests' own words.
pub(super) fn slowest(runs: &[Run]) -> String {
    let told = runs.iter().filter(|run| !run.results.slowest.is_empty());
    told.map(|run| format!("{}: {}\n", title(run), run.results.slowest)).collect()
}

/// The failures, kernel by kernel.
pub(super) fn failures(runs: &[Run]) -> String {
    let mut text = String::new();
    for run in runs.iter().filter(|run| !run.results.is_good()) {
        let _ = writeln!(text, "\n{}:", title(run));
        for problem in &run.results.problems {
            let _ = writeln!(text, "  {problem}");
        }
        for (name, outcome) in &run.results.tests {
            match outcome {
                Outcome::Passed | Outcome::TriedAgain(_) => {}
                Outcome::Failed(message) => {
                    let _ = writeln!(text, "  {name}\n    {}", indented(message));
                }
                Outcome::Unfinished => {
                    let _ = writeln!(text, "  {name}\n    did not come to its end");
                }
            }
        }
    }
    text
}

fn indented(message: &str) -> String {
    message.replace('\n', "\n    ")
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "ok",
        Outcome::TriedAgain(_) => "ok, tried again",
        Outcome::Failed(_) => "FAILED",
        Outcome::Unfinished => "UNFINISHED",
    }
}

fn title(run: &Run) -> String {
    match &run.results.release {
        Some(release) => format!("{} ({release})", run.name),
        None => run.name.clone(),
    }
}

fn heading(first: &str, runs: &[Run]) -> Vec<String> {
    row(first.to_owned(), runs, title)
}

fn row(label: String, runs: &[Run], cell: impl Fn(&Run) -> String) -> Vec<String> {
    std::iter::once(label).chain(runs.iter().map(cell)).collect()
}

fn markdown(heading: &[String], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).chain(heading.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!(" {cell:width$} |"));
        format!("|{}\n", padded.collect::<String>())
    };
    let rule: String = widths.iter().map(|width| format!(" {} |", "-".repeat(*width))).collect();
    format!("{}|{rule}\n{}", line(heading), rows.iter().map(|row| line(row)).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::results::Results;
    use std::time::Duration;

    fn run(name: &str, tests: &[(&str, Outcome)]) -> Run {
        let tests = tests.iter().map(|(name, outcome)| ((*name).to_owned(), outcome.clone())).collect();
        let results =
            Results { release: Some(format!("{name}.0")), cpus: Some(2), tests, ..Results::default() };
        let origin = "Debian x".to_owned();
        let took = Duration::from_secs(9);
        Run { name: name.to_owned(), origin, has_figures: true, took, results }
    }

    #[test]
    fn every_test_of_any_kernel_has_a_line() {
        let runs = [
            run("6.1", &[("a", Outcome::Passed)]),
            run("6.12", &[("a", Outcome::Failed("why".to_owned())), ("b", Outcome::Unfinished)]),
        ];
        let table = tests(&runs);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines[0], "| test                          | 6.1 (6.1.0)    | 6.12 (6.12.0)  |");
        assert_eq!(lines[2], "| `a`                           | ok             | FAILED         |");
        assert_eq!(lines[3], "| `b`                           | –              | UNFINISHED     |");
        assert_eq!(lines[4], "| passed                        | 1 of 1         | 0 of 2         |");
        let said = failures(&runs);
        assert!(
            !said.contains("6.1 (6.1.0)") && said.contains("6.12 (6.12.0)") && said.contains("why"),
            "{said}"
        );
    }

    #[test]
    fn what_is_not_known_is_not_shown_as_a_figure() {
        let table = page(&[run("6.1", &[("a", Outcome::Passed)])], "2026-01-01");
        let cells: Vec<&str> = table.lines().nth(2).unwrap().split('|').map(str::trim).collect();
        assert_eq!(cells[1..7], ["6.1.0", "Debian x", "2", "1 of 1", "–", "2026-01-01"]);
    }
}
