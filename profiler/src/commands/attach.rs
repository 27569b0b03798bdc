//! `profiler attach`: processes that run already, recorded until they end, the time is over, or a signal comes. Nothing
//! is done to them.

use super::attachment::{Attachment, chosen_by};
use super::common::{self, Shown};
use super::settings::{self, Settings};
use crate::cli::AttachArgs;
use crate::files::messages;
use crate::files::subject::Subject;
use crate::report::printable;
use crate::target::detach;
use crate::target::inherited::Inherited;
use crate::target::select::{self, Process};
use crate::target::signals::{MeantFor, Signals};
use crate::target::user::Invoker;
use crate::target::visible;
use anyhow::Result;
use model::profile::Profile;
use model::profile::attached::Selection;

/// Attaches, and detaches again. Returns the exit code to end with.
///
/// # Errors
/// If the machine can't be profiled, the output can't be written, or no process can be attached to.
pub fn attach(args: &AttachArgs, inherited: &Inherited) -> Result<u8> {
    common::check_json(args.recording.json, args.output.as_deref())?;
    let user = Invoker::detect()?;
    let limits = common::limits(&args.recording.limits)?;
    let (selection, selector) = chosen_by(&args.choice);
    visible::show_all();
    let processes = select::choose(&selector)?;
    let subject = Subject::of_processes(&selection, &processes);
    let output = common::prepare(&subject, args.output.as_deref(), args.recording.force, user.as_ref())?;
    let mut signals = Signals::take(inherited, MeantFor::Profiler)?;
    common::check_machine(limits)?;
    let settings = Settings {
        limits,
        follow: !args.no_follow,
        duration: args.duration,
        interval: args.recording.interval,
        measure_self: args.recording.measure_self,
    };
    let note = select::note(&selector);
    let profile = record(&settings, selection, processes, note, &mut signals)?;
    let shown = Shown { json: args.recording.json, threads: args.recording.report.threads };
    Ok(common::code(0, common::hand_out(&profile, output, user.as_ref(), shown)))
}

/// Records processes until the recording is to end.
fn record(
    settings: &Settings,
    selection: Selection,
    processes: Vec<Process>,
    note: Option<String>,
    signals: &mut Signals,
) -> Result<Profile> {
    let runtime = settings::runtime()?;
    let _entered = runtime.enter();
    let mut attachment = Attachment::begin(settings, selection, processes, true)?;
    let whom = printable(&attachment.attached.describe());
    messages::tell(&format!("attached to {whom}; Ctrl-C ends the recording, not the target"));
    if let Some(note) = note {
        messages::tell(&printable(&note));
    }
    let processes = attachment.processes.clone();
    let recording = attachment.recording();
    runtime.block_on(detach::until_over(&processes, recording, signals, settings.times()))?;
    attachment.finish()
}
