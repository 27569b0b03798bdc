//! `profiler run -- COMMAND`: what was asked for, checked; one command recorded; its report, its file, its exit code.

use super::output::{Kept, Output, Wanted};
use super::progress::Progress;
use super::recipe::{Recipe, record};
use super::{compare, messages};
use crate::cli::{LimitArgs, RunArgs};
use crate::kernel::load::Limits;
use crate::kernel::requirements::{self, Missing};
use crate::profile::Run;
use crate::report::{self, Style};
use crate::target::signals::Signals;
use crate::target::user::Invoker;
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};

/// Runs the command. Returns the exit code to end with: the command's own.
///
/// # Errors
/// If the machine can't be profiled, the output can't be written, or the command can't be executed.
pub fn run(args: &RunArgs) -> Result<u8> {
    let user = if args.as_root { None } else { Invoker::detect()? };
    let limits = limits(&args.limits)?;
    let Some(name) = args.command.first() else { return compare::compare(args, user, limits) };
    if args.json && args.output.as_deref() != Some(Path::new("-")) {
        bail!("--json prints the profile instead of the report, so it needs --output -");
    }
    let path: PathBuf = args.output.clone().unwrap_or_else(|| Output::default_path(name));
    let wanted = Wanted { path: &path, flag: "--output", force: args.force };
    let output = Output::prepare(wanted, name, user.as_ref())?;
    let mut signals = Signals::take()?;
    check_machine(limits)?;
    let recipe = Recipe {
        name: None,
        command: args.command.clone(),
        user,
        limits,
        follow: !args.no_follow,
        duration: args.duration,
        interval: args.interval,
        measure_self: args.measure_self,
        more_to_come: false,
    };
    let mut progress = Progress::beside(name);
    let profile = record(&recipe, recipe.hold(&signals)?, &mut signals, |exited| progress.draw(exited));
    drop(progress);
    let profile = profile?;
    let style = Style { threads: args.report.threads, ..Style::for_stderr() };
    let printed =
        if args.json { Ok(()) } else { messages::print(&format!("\n{}", report::single(&profile, &style))) };
    let written = output.write(&profile, recipe.user.as_ref());
    if let Ok(Kept::InPlace(path)) = &written {
        messages::tell(&format!("profile: {}", path.display()));
    }
    let left = if args.json || printed.is_err() { NOTHING_LEFT } else { REPORT_LEFT };
    let mut done = is_in_place(written, left);
    if let Err(error) = printed {
        messages::complain(&error);
        done = false;
    }
    Ok(code(exit_code(&profile.run), done))
}

/// The command's exit code, unless it says that all went well and the profiler's own part did not.
#[must_use]
pub fn code(of_command: u8, done: bool) -> u8 {
    if of_command == 0 && !done { 1 } else { of_command }
}

/// What is left of a run whose profile could not be written anywhere.
pub const REPORT_LEFT: &str = "the report above is all that is left of the run";

/// Likewise, without a report.
pub const NOTHING_LEFT: &str = "nothing is left of the run";

/// Whether a profile is where it was asked for. Says where it is instead, or what is `left`.
pub fn is_in_place(written: Result<Kept>, left: &'static str) -> bool {
    match written {
        Ok(Kept::Stdout | Kept::InPlace(_)) => true,
        Ok(Kept::Elsewhere { path, reason }) => {
            messages::complain(&reason.context(format!("the profile is kept in {} instead", path.display())));
            false
        }
        Err(error) => {
            messages::complain(&error.context(left));
            false
        }
    }
}

/// The limits, with the defaults that follow from one another.
///
/// # Errors
/// If they make no sense together.
fn limits(args: &LimitArgs) -> Result<Limits> {
    let default = Limits::for_threads(args.max_threads);
    let histogram_memory = args.histogram_memory.unwrap_or(default.histogram_memory);
    if histogram_memory > Limits::MOST_HISTOGRAM_MEMORY {
        bail!("--histogram-memory may be at most {}", bytesize::ByteSize(Limits::MOST_HISTOGRAM_MEMORY));
    }
    Ok(Limits { histogram_memory, ..default })
}

/// Fails with the words of `profiler doctor` for what is missing.
///
/// # Errors
/// [`Missing`].
pub fn check_machine(limits: Limits) -> Result<()> {
    let missing = requirements::missing(requirements::quick(limits));
    if missing.is_empty() { Ok(()) } else { bail!(Missing(missing)) }
}

/// The exit code that tells the target's fate: its own, or 128 and the signal that ended it.
#[must_use]
pub fn exit_code(run: &Run) -> u8 {
    let code = match (run.exit_code, run.signal) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 1,
    };
    u8::try_from(code).unwrap_or(u8::MAX)
}
