//! Frames for viewers of the watch.

use super::Watcher;
use crate::watch::frame::Frame;
use crate::watch::viewer::Shared;
use anyhow::Result;
use model::losses::Loss;

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
        let at = self.take_snapshot(Some(viewer))?;
        let mut viewer = viewer.borrow_mut();
        let shown = || self.selectors.iter().filter(|watched| viewer.wants(&watched.label));
        let processes = shown().map(|watched| self.members.of(&watched.label).count() as u64).sum();
        // Of all processes alike, but for slots, which are counted by selector; what one interval or another lost of
        // groups is in no frame.
        let mut lost = self.session.lost()?;
        lost[Loss::ThreadsWithoutSlot] = shown().map(|watched| watched.threads_without_slot).sum();
        lost[Loss::MissedExecs] = 0;
        Ok(viewer.take(at, processes, lost))
    }
}
