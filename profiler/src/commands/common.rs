//! The steps that several commands take once a profile is there: the report, the file and the exit code.

use crate::files::messages;
use crate::files::output::{Kept, Output};
use crate::report::{self, Style};
use crate::settings::Shown;
use crate::target::user::Invoker;
use anyhow::Result;
use model::profile::{Profile, Run};

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

/// As above, without a report.
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
