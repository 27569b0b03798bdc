//! What the view is fed with, wherever it comes from.

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

/// Where the view has its figures from.
pub trait Feed {
    /// How things stand, and what was added since the last time; `None` if that takes a while: it comes with
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

    /// What keeps a refresh from coming, if it is late.
    fn hindrance(&self) -> Option<String> {
        None
    }

    /// What a save does, as a question: the answer yes calls [`Self::save`].
    ///
    /// # Errors
    /// If there can be none.
    fn save_question(&self) -> Result<String>;

    /// Saves a profile, and ends the recording for it if it has not ended. Returns where it is, with the verdict.
    ///
    /// # Errors
    /// If there can be none, or its place does not take it. Where the recording had to be ended, it can be tried again.
    fn save(&mut self) -> Result<String>;

    /// Whether the recording has ended, so that there is nothing to refresh any more.
    fn has_ended(&self) -> bool;
}

/// What was added between two refreshes, and how things stood at the second.
#[derive(Clone, Debug)]
pub struct Frame {
    /// When the refresh before was.
    pub from: Nanos,
    /// When this one was.
    pub until: Nanos,
    /// The threads that live, and those that have exited in between.
    pub threads: Vec<Sighted>,
    /// What is known of processes, by their numbers, besides the records of their first threads.
    pub processes: BTreeMap<u32, Known>,
    /// What is not of a single thread.
    pub standing: Standing,
}

/// What is known of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// The label of the daemon's selector that chose it.
    pub selector: String,
}

/// A thread, once in each frame that it lived in.
#[derive(Clone, Debug)]
pub struct Sighted {
    /// Everything since it has been recorded.
    pub record: ThreadRecord,
    /// Whether nothing more comes of it: it has ended, or is watched no more.
    pub is_final: bool,
    /// What of that was added in this frame.
    pub added: Added,
}

/// What was added in a frame.
#[derive(Clone, Debug, Default)]
pub struct Added {
    /// Switches, and faults that raised an event.
    pub seen: Seen,
    /// Time by state.
    pub states: States,
    /// Metrics of which samples ended.
    pub histograms: BTreeMap<Metric, Histogram>,
}

/// How the recording stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whether any of the chosen processes lives.
    pub lives: bool,
    /// What was lost so far.
    pub lost: LossCounts,
    /// What there is of the threads that have ended.
    pub ended: Ended,
}

/// The records of threads that have ended: a profile of all needs every one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many threads have ended.
    pub threads: u64,
    /// Whether all of their records are kept, as far as they are to be.
    pub kept: bool,
    /// How many of them were in no frame.
    pub untold: u64,
}
