//! The interface between the view and its data source: a recording of its own, or a daemon.

use crate::record::ThreadRecord;
use crate::record::assemble::Seen;
use anyhow::Result;
use model::losses::LossCounts;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::units::Nanos;
use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;

/// The data source of the view.
pub trait Feed {
    /// Returns the state of all threads and what was added since the last call; `None` if that takes longer, in
    /// which case [`Self::collect`] returns it.
    ///
    /// # Errors
    /// If the source has failed for good.
    fn refresh(&mut self) -> Result<Option<Frame>>;

    /// Handles urgent work between refreshes, and returns a requested frame once it is complete.
    ///
    /// # Errors
    /// If the source has failed for good.
    fn collect(&mut self) -> Result<Option<Frame>>;

    /// A descriptor that becomes readable when [`Self::collect`] must be called.
    fn urgent(&self) -> Option<BorrowedFd<'_>>;

    /// The reason for a late refresh.
    fn hindrance(&self) -> Option<String> {
        None
    }

    /// The question before a save; if the answer is yes, [`Self::save`] follows.
    ///
    /// # Errors
    /// If no profile can be saved.
    fn save_question(&self) -> Result<String>;

    /// Saves a profile, ending the recording if it is still running. Returns its path and the verdict.
    ///
    /// # Errors
    /// If no profile can be saved, or it can't be written. It can be tried again, even if the recording was
    /// ended for it.
    fn save(&mut self) -> Result<String>;

    /// True if the recording has ended; no refresh follows.
    fn has_ended(&self) -> bool;
}

/// Additions between two refreshes, and the state at the second.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The time of the previous refresh.
    pub from: Nanos,
    /// The time of this refresh.
    pub until: Nanos,
    /// Living threads, and those that exited since the previous refresh.
    pub threads: Vec<ThreadUpdate>,
    /// Processes by pid, with properties that thread records lack.
    pub processes: BTreeMap<u32, Known>,
    /// State of the recording as a whole.
    pub standing: Standing,
}

/// Properties of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The name.
    pub name: String,
    /// The label of the daemon's selector that matched it.
    pub selector: String,
}

/// A thread in a frame.
#[derive(Clone, Debug)]
pub struct ThreadUpdate {
    /// The thread's whole record.
    pub record: ThreadRecord,
    /// True if the record is final: the thread has ended or left the target.
    pub is_final: bool,
    /// Additions in this frame.
    pub added: Added,
}

/// Additions to a thread in one frame: switches, times and samples.
#[derive(Clone, Debug, Default)]
pub struct Added {
    /// Switches, and faults that raised an event.
    pub seen: Seen,
    /// Time by state.
    pub states: States,
    /// Samples by metric.
    pub histograms: BTreeMap<Metric, Histogram>,
}

/// The state of the recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// True if any selected process lives.
    pub lives: bool,
    /// Losses so far.
    pub lost: LossCounts,
    /// Ended threads.
    pub ended: Ended,
}

/// Ended threads and their records, all of which a profile needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The number of ended threads.
    pub threads: u64,
    /// True if the records of all of them are kept.
    pub kept: bool,
    /// The number of ended threads that were in no frame.
    pub unsent: u64,
}
