//! `profiler doctor`: what the machine must offer, with its state and how to mend it; with `--programs` what its
//! kernel makes of each BPF program.

use crate::cli::DoctorArgs;
use crate::kernel::programs::{self, LoadedProgram};
use crate::kernel::requirements::{self, Requirement};
use crate::privilege;
use crate::report::Style;
use crate::settings::Settings;
use crate::target::visible;
use anyhow::{Context, Result};
use std::io::Write;

/// Prints what was asked for. Returns whether `run` would work.
///
/// # Errors
/// If it can't be written, or with `--programs` if the kernel refuses a program.
pub fn doctor(args: &DoctorArgs, out: impl Write) -> Result<bool> {
    if args.programs { list_programs(args.json, out).map(|()| true) } else { list_requirements(out) }
}

fn list_requirements(mut out: impl Write) -> Result<bool> {
    visible::show_all();
    let requirements = requirements::all(&Settings::default());
    let style = Style::for_stdout();
    let width = requirements.iter().map(|requirement| requirement.name.len()).max().unwrap_or_default();
    for requirement in &requirements {
        write!(out, "{}", line(requirement, width, &style)).context("cannot write the list")?;
    }
    let missing = requirements.iter().filter(|requirement| requirement.remedy.is_some()).count();
    let verdict = match missing {
        0 => "ready: profiler run will work".to_owned(),
        1 => "not ready: 1 requirement is missing".to_owned(),
        several => format!("not ready: {several} requirements are missing"),
    };
    writeln!(out, "{verdict}").context("cannot write the list")?;
    writeln!(out, "to do without sudo: {}", requirements::setcap()).context("cannot write the list")?;
    Ok(missing == 0)
}

fn line(requirement: &Requirement, width: usize, style: &Style) -> String {
    let Requirement { name, found, needed_by, remedy } = requirement;
    let mark = match remedy {
        None => style.reassuring("ok     "),
        Some(_) => style.alarming("MISSING"),
    };
    let remedy = remedy.as_ref().map_or_else(String::new, |remedy| format!("         -> {remedy}\n"));
    format!("{mark}  {name:width$}  {found}  (for {needed_by})\n{remedy}")
}

fn list_programs(json: bool, mut out: impl Write) -> Result<()> {
    requirements::check(&Settings::default())?;
    let programs = privilege::raised(programs::load_each)?;
    let text = if json {
        serde_json::to_string_pretty(&programs).context("cannot write the programs as JSON")?
    } else {
        programs_table(&programs)
    };
    writeln!(out, "{}", text.trim_end()).context("cannot write the list")
}

fn programs_table(programs: &[LoadedProgram]) -> String {
    const ABSENT: &str = "–";
    let figure = |value: Option<u32>| value.map_or_else(|| ABSENT.to_owned(), |value| value.to_string());
    let mut table = row("program", "type", "verified instructions", "machine code, bytes", "load time, ms");
    for program in programs {
        let LoadedProgram { name, hook, verified_instructions, jited_bytes, load_ms } = program;
        let (verified, jited) = (figure(*verified_instructions), figure(*jited_bytes));
        table += &row(name, hook, &verified, &jited, &format!("{load_ms:.2}"));
    }
    table
}

fn row(name: &str, hook: &str, verified: &str, jited: &str, load: &str) -> String {
    format!("{name:<20}  {hook:<10}  {verified:>21}  {jited:>19}  {load:>13}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_the_kernel_does_not_give_is_not_shown_as_zero() {
        let program = LoadedProgram {
            name: "sched_switch",
            hook: "tp_btf",
            verified_instructions: Some(2_000),
            jited_bytes: None,
            load_ms: 1.25,
        };
        let table = programs_table(&[program]);
        let cells: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(cells, ["sched_switch", "tp_btf", "2000", "–", "1.25"]);
    }
}
