//! `profiler run -- COMMAND`: what was asked for, checked; one command recorded; its report, its file, its exit code.

use super::common::{code, exit_code, hand_out};
use super::compare;
use super::progress::Progress;
use crate::files::output::Output;
use crate::files::subject::Subject;
use crate::kernel::requirements;
use crate::recorder::recipe::{Recipe, record};
use crate::settings::run::{Run, What};
use crate::target::inherited::Inherited;
use crate::target::signals::{MeantFor, Signals};
use crate::target::user::Invoker;
use anyhow::Result;
use std::ffi::OsString;

/// Runs what was asked for. Returns the exit code to end with: the command's own.
///
/// # Errors
/// If the machine can't be profiled, the output can't be written, or the command can't be executed.
pub fn run(asked: &Run, inherited: Inherited) -> Result<u8> {
    let user = if asked.as_root { None } else { Invoker::detect()? };
    match &asked.what {
        What::Command(command) => one(asked, command, user, inherited),
        What::Comparison(comparison) => compare::compare(asked, comparison, user, &inherited),
    }
}

/// Runs one command.
fn one(asked: &Run, command: &[OsString], user: Option<Invoker>, inherited: Inherited) -> Result<u8> {
    let subject = Subject::of_command(command);
    let output = Output::at(&asked.destination, &subject, user.as_ref())?;
    let mut signals = Signals::take(&inherited, MeantFor::Command)?;
    let inherited = inherited.with_timers()?;
    requirements::check(&asked.settings)?;
    let recipe = Recipe {
        name: None,
        command: command.to_owned(),
        user,
        settings: asked.settings,
        more_to_come: false,
    };
    let mut progress = Progress::beside(subject.program());
    let profile = record(&recipe, recipe.hold(&inherited)?, &mut signals, |exited| progress.draw(exited));
    drop(progress);
    let profile = profile?;
    let done = hand_out(&profile, output, recipe.user.as_ref(), asked.shown);
    Ok(code(exit_code(&profile.run), done))
}
