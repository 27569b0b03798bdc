//! The processes of a command: what descends from it, and what of that has lost its parent.

use super::tree;
use anyhow::{Context, Result};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use std::collections::BTreeSet;
use std::process;

/// A command's processes.
pub struct Family {
    child: u32,
    /// Children of this process that have nothing to do with the command.
    bystanders: BTreeSet<u32>,
}

impl Family {
    /// The processes of a child that is about to execute its command. From here on the kernel hands those whose parents
    /// end to this process instead of to init, so that they are found.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn of(child: u32) -> Result<Self> {
        prctl::set_child_subreaper(true).context("cannot adopt what the command leaves behind")?;
        let mut bystanders = tree::children(process::id());
        bystanders.remove(&child);
        Ok(Self { child, bystanders })
    }

    /// Those that live, the child among them.
    #[must_use]
    pub fn members(&self) -> Vec<u32> {
        tree::descendants_without(process::id(), &self.bystanders)
    }

    /// Sends a signal to all but the child.
    pub fn signal_others(&self, signal: Signal) {
        let others: Vec<u32> = self.members().into_iter().filter(|pid| *pid != self.child).collect();
        tree::signal_all(&others, signal);
    }

    /// Waits for those that were handed to this process and have ended, as init would: their numbers are free then.
    pub fn reap_orphans(&self) {
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while let Some(ended) = waitid(Id::All, look).ok().and_then(|status| status.pid()) {
            // Others wait for these. As long as one of them comes first, the orphans have to wait.
            let is_orphan = u32::try_from(ended.as_raw())
                .is_ok_and(|pid| pid != self.child && !self.bystanders.contains(&pid));
            if !is_orphan || waitpid(ended, Some(WaitPidFlag::WNOHANG)).is_err() {
                break;
            }
        }
    }
}
