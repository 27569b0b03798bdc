//! The interface between the view and its source: a recording of its own, or a daemon.

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

/// The source of the view's figures.
pub trait Feed {
    /// The state of all threads and their growth since the last call; `None` if that takes a while: it comes with
    /// [`Self::collect`] then.
    ///
    /// # Errors
    /// If it can't be read, and never can.
    fn refresh(&mut self) -> Result<Option<Frame>>;

    /// Takes what can't wait for a refresh, or what one has asked for once it is there.
    ///
    /// # Errors
    /// If it can't be read, and never can.
    fn collect(&mut self) -> Result<Option<Frame>>;

    /// Becomes readable when [`Self::collect`] can't wait either.
    fn urgent(&self) -> Option<BorrowedFd<'_>>;

    /// The reason why a refresh is late, if it is.
    fn hindrance(&self) -> Option<String> {
        None
    }

    /// The question to ask before a save; the answer yes calls [`Self::save`].
    ///
    /// # Errors
    /// If there can be none.
    fn save_question(&self) -> Result<String>;

    /// Saves a profile, and ends the recording for it if it has not ended. Returns where it is, with the verdict.
    ///
    /// # Errors
    /// If there can be none, or its place does not take it. Where the recording had to be ended, it can be tried again.
    fn save(&mut self) -> Result<String>;

    /// True if the recording has ended, so that there is nothing to refresh any more.
    fn has_ended(&self) -> bool;
}

/// The growth between two refreshes, and the state at the second.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The time of the refresh before.
    pub from: Nanos,
    /// The time of this one.
    pub until: Nanos,
    /// The threads that live, and those that have exited in between.
    pub threads: Vec<ThreadUpdate>,
    /// Processes by their numbers, besides the records of their first threads.
    pub processes: BTreeMap<u32, Known>,
    /// Everything that is not of a single thread.
    pub standing: Standing,
}

/// A process, apart from its threads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// The label of the daemon's selector that chose it.
    pub selector: String,
}

/// A thread, once in each frame that it lived in.
#[derive(Clone, Debug)]
pub struct ThreadUpdate {
    /// Everything since it has been recorded.
    pub record: ThreadRecord,
    /// True if nothing more comes of it: it has ended, or is watched no more.
    pub is_final: bool,
    /// The growth in this frame.
    pub added: Added,
}

/// The growth of a thread in one frame.
#[derive(Clone, Debug, Default)]
pub struct Added {
    /// Switches, and faults that raised an event.
    pub seen: Seen,
    /// Time by state.
    pub states: States,
    /// Metrics of which samples ended.
    pub histograms: BTreeMap<Metric, Histogram>,
}

/// The recording's own state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// True if any of the chosen processes lives.
    pub lives: bool,
    /// The losses so far.
    pub lost: LossCounts,
    /// The threads that have ended.
    pub ended: Ended,
}

/// The records of threads that have ended: a profile of all needs every one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The number of threads that have ended.
    pub threads: u64,
    /// True if all of their records are kept, as far as they are to be.
    pub kept: bool,
    /// The number of those that were in no frame.
    pub untold: u64,
}
