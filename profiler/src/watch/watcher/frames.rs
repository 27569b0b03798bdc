//! What viewers see of the watch.

use super::Watcher;
use crate::watch::frame::{Frame, Lost};
use crate::watch::viewer::Shared;
use anyhow::Result;

impl Watcher {
    /// Lets a viewer look on.
    ///
    /// # Errors
    /// If it can't be: why, for whoever asked.
    pub fn admit_viewer(&mut self, viewer: &Shared) -> Result<()> {
        self.viewers.admit(viewer, &self.selectors)
    }

    /// The next frame of a viewer. What it shows stays in the interval that is under way.
    ///
    /// # Errors
    /// If the threads can't be looked at.
    pub fn frame(&mut self, viewer: &Shared) -> Result<Frame> {
        let at = self.look(Some(viewer))?;
        let losses = self.session.losses()?;
        let mut viewer = viewer.borrow_mut();
        let shown = || self.selectors.iter().filter(|watched| viewer.wants(&watched.label));
        let processes = shown().map(|watched| self.members.of(&watched.label).count() as u64).sum();
        let lost = Lost {
            threads_without_slot: shown().map(|watched| watched.threads_without_slot).sum(),
            threads_without_state: losses.threads_without_state,
            missed_program_runs: losses.missed_program_runs,
            cpus_watched_late: losses.cpus_watched_late,
        };
        Ok(viewer.take(at, processes, lost))
    }
}
