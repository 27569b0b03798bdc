//! The steps that several commands take: limits and requirements before anything is recorded, and afterwards the report, the file
//! and the exit code.

use super::settings::Settings;
use crate::cli::{LimitArgs, RunArgs};
use crate::files::messages;
use crate::files::output::{Kept, Output, Wanted};
use crate::files::subject::Subject;
use crate::kernel::load::Limits;
use crate::kernel::requirements::{self, Missing};
use crate::report::{self, Style};
use crate::target::user::Invoker;
use anyhow::{Result, bail};
use model::profile::{Profile, Run};
use std::path::Path;

/// Prepares the place of a profile: the one that was named, else the first name that is free, which is said if it is not
/// the usual one.
///
/// # Errors
/// As [`Output::prepare`].
pub(super) fn prepare(
    subject: &Subject,
    named: Option<&Path>,
    force: bool,
    owner: Option<&Invoker>,
) -> Result<Output> {
    let path = named.map_or_else(|| subject.default_path(force), Path::to_owned);
    let output = Output::prepare(Wanted { path: &path, flag: "--output", force }, subject, owner)?;
    let usual = Output::default_path(subject.program());
    if named.is_none() && path != usual {
        messages::tell(&format!(
            "{} is of something else and stays: this profile goes to {} (--output names another place)",
            usual.display(),
            path.display()
        ));
    }
    Ok(output)
}

/// The settings by which the command is recorded, or each that is compared.
#[must_use]
pub(super) fn settings(args: &RunArgs, limits: Limits) -> Settings {
    Settings {
        limits,
        follow: !args.no_follow,
        duration: args.duration,
        interval: args.recording.interval,
        measure_self: args.recording.measure_self,
    }
}

/// Standard output takes the profile only.
///
/// # Errors
/// If it is to be printed and goes elsewhere.
pub(super) fn check_json(json: bool, output: Option<&Path>) -> Result<()> {
    if json && output != Some(Path::new("-")) {
        bail!("--json prints the profile instead of the report, so it needs --output -");
    }
    Ok(())
}

/// The part of a profile that is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// Nothing: the profile itself is printed.
    pub(super) json: bool,
    /// Threads one by one up to this many.
    pub(super) threads: usize,
}

/// Prints a profile's report and writes the profile. Returns whether both are where they belong; says what is not.
pub(super) fn hand_out(profile: &Profile, output: Output, owner: Option<&Invoker>, shown: Shown) -> bool {
    let style = Style { threads: shown.threads, ..Style::for_stderr() };
    let printed =
        if shown.json { Ok(()) } else { messages::print(&format!("\n{}", report::single(profile, &style))) };
    let written = output.write(profile, owner);
    if let Ok(Kept::InPlace(path)) = &written {
        messages::tell(&format!("profile: {}", path.display()));
    }
    let left = if shown.json || printed.is_err() { NOTHING_LEFT } else { REPORT_LEFT };
    let mut done = is_in_place(written, left);
    if let Err(error) = printed {
        messages::complain(&error);
        done = false;
    }
    done
}

/// The command's exit code, unless it says that all went well and the profiler's own part did not.
#[must_use]
pub(super) fn code(of_command: u8, done: bool) -> u8 {
    if of_command == 0 && !done { 1 } else { of_command }
}

/// Said of a run whose profile could not be written anywhere.
pub(super) const REPORT_LEFT: &str = "the report above is all that is left of the run";

/// Likewise, without a report.
pub(super) const NOTHING_LEFT: &str = "nothing is left of the run";

/// True if a profile is in the place that was asked for. Says where it is instead, or what is `left`.
pub(super) fn is_in_place(written: Result<Kept>, left: &'static str) -> bool {
    match written {
        Ok(Kept::Stdout | Kept::InPlace(_)) => true,
        Ok(Kept::Elsewhere { place, reason }) => {
            messages::complain(&reason.context(format!("the profile is kept in {place} instead")));
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
pub(super) fn limits(args: &LimitArgs) -> Result<Limits> {
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
pub(super) fn check_machine(limits: Limits) -> Result<()> {
    let missing = requirements::missing(requirements::quick(limits));
    if missing.is_empty() { Ok(()) } else { bail!(Missing(missing)) }
}

/// The exit code that tells the target's fate: its own, or 128 and the signal that ended it.
#[must_use]
pub(super) fn exit_code(run: &Run) -> u8 {
    let code = match (run.exit_code, run.signal) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 1,
    };
    u8::try_from(code).unwrap_or(u8::MAX)
}
