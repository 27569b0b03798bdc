//! `profiler attach`: processes that run already, recorded until they end, the time is over, or a signal comes. Nothing
//! is done to them.

use super::common;
use crate::files::messages;
use crate::files::output::Output;
use crate::files::subject::Subject;
use crate::kernel::requirements;
use crate::recorder::{self, attachment::Attachment};
use crate::report::printable;
use crate::settings::selector::Selector;
use crate::settings::{Attach, Settings};
use crate::target::detach;
use crate::target::inherited::Inherited;
use crate::target::select::{self, Process};
use crate::target::signals::{MeantFor, Signals};
use crate::target::user::Invoker;
use crate::target::visible;
use anyhow::Result;
use model::profile::Profile;

/// Attaches, and detaches again. Returns the exit code to end with.
///
/// # Errors
/// If the machine can't be profiled, the output can't be written, or no process can be attached to.
pub fn attach(asked: &Attach, inherited: &Inherited) -> Result<u8> {
    let user = Invoker::detect()?;
    visible::show_all();
    let processes = select::choose(&asked.selector)?;
    let subject = Subject::of_processes(&asked.selector, &processes);
    let output = Output::at(&asked.destination, &subject, user.as_ref())?;
    let mut signals = Signals::take(inherited, MeantFor::Profiler)?;
    requirements::check(&asked.settings)?;
    let profile = record(&asked.settings, &asked.selector, processes, &mut signals)?;
    Ok(common::code(0, common::hand_out(&profile, output, user.as_ref(), asked.shown)))
}

/// Records processes until the recording is to end.
fn record(
    settings: &Settings,
    selector: &Selector,
    processes: Vec<Process>,
    signals: &mut Signals,
) -> Result<Profile> {
    let note = select::note(selector);
    let runtime = recorder::runtime()?;
    let _entered = runtime.enter();
    let mut attachment = Attachment::begin(settings, selector, processes, true)?;
    let whom = printable(&attachment.attached.describe());
    messages::tell(&format!("attached to {whom}; Ctrl-C ends the recording, not the target"));
    if let Some(note) = note {
        messages::tell(&printable(&note));
    }
    let processes = attachment.processes.clone();
    let recording = attachment.recording();
    runtime.block_on(detach::until_over(&processes, recording, signals, settings.into()))?;
    attachment.finish()
}
