//! `profiler run -- COMMAND`: what was asked for, checked; one command recorded; its report, its file, its exit code.

use super::common::{Shown, check_json, check_machine, code, exit_code, hand_out, limits, prepare, settings};
use super::compare;
use super::progress::Progress;
use super::recipe::{Recipe, record};
use crate::cli::RunArgs;
use crate::files::subject::Subject;
use crate::target::inherited::Inherited;
use crate::target::signals::{MeantFor, Signals};
use crate::target::user::Invoker;
use anyhow::Result;

/// Runs the command. Returns the exit code to end with: the command's own.
///
/// # Errors
/// If the machine can't be profiled, the output can't be written, or the command can't be executed.
pub fn run(args: &RunArgs, inherited: Inherited) -> Result<u8> {
    let user = if args.as_root { None } else { Invoker::detect()? };
    let limits = limits(&args.recording.limits)?;
    if args.command.is_empty() {
        return compare::compare(args, user, limits, &inherited);
    }
    check_json(args.recording.json, args.output.as_deref())?;
    let subject = Subject::of_command(&args.command);
    let output = prepare(&subject, args.output.as_deref(), args.recording.force, user.as_ref())?;
    let mut signals = Signals::take(&inherited, MeantFor::Command)?;
    let inherited = inherited.with_timers()?;
    check_machine(limits)?;
    let recipe = Recipe {
        name: None,
        command: args.command.clone(),
        user,
        settings: settings(args, limits),
        more_to_come: false,
    };
    let mut progress = Progress::beside(subject.program());
    let profile = record(&recipe, recipe.hold(&inherited)?, &mut signals, |exited| progress.draw(exited));
    drop(progress);
    let profile = profile?;
    let shown = Shown { json: args.recording.json, threads: args.recording.report.threads };
    let done = hand_out(&profile, output, recipe.user.as_ref(), shown);
    Ok(code(exit_code(&profile.run), done))
}
