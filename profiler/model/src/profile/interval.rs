//! The run cut into intervals (`--interval`).

use super::histogram::Histogram;
use super::thread::OpenState;
use super::units::Nanos;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The growth between two snapshots. Nothing is in two intervals and nothing in none: over all intervals counts,
/// sums and buckets add up to those of the threads, exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Interval {
    /// The time of the snapshot before it, or of the target's start.
    pub from_ns: Nanos,
    /// The time of the snapshot at its end, or of the last record's end. A sample is in the interval in which it ended,
    /// or, within the time that a snapshot takes, in the next.
    pub until_ns: Nanos,
    /// The threads that lived in it.
    pub threads: Vec<ThreadInterval>,
}

/// The growth of one thread in an interval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct ThreadInterval {
    /// Its place in the profile's `threads`, from 0 on.
    pub thread: u32,
    /// The time in each state; a state that began before or ends later counts with its part in this interval.
    pub states: States,
    /// By the metric's name; a metric of which no sample ended is left out. Extremes are as exact as the buckets.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = crate::profile::random::by_metric))]
    pub histograms: BTreeMap<String, Histogram>,
}

/// Time by state, unfinished waits and slices included, and of those that had begun before the recording their part in it. Over all intervals of a thread they add up to all the time that
/// it was recorded. What a wait was may turn out only when it ends (its wake was never announced): the part of it in
/// earlier intervals stays what it was taken for, blocked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct States {
    /// On a CPU.
    pub on_cpu_ns: Nanos,
    /// Woken and not yet on a CPU.
    pub runqueue_wait_ns: Nanos,
    /// After a voluntary switch, not yet woken.
    pub blocked_ns: Nanos,
    /// After an involuntary switch to another thread.
    pub preempted_ns: Nanos,
    /// After an involuntary switch to the idle task. Called `held_back_ns` in earlier files.
    #[serde(alias = "held_back_ns")]
    pub runnable_idle_ns: Nanos,
    /// Kept from running by a limit: of a control group, of deadline or real-time threads.
    #[serde(default)]
    pub throttled_ns: Nanos,
    /// Blocked or waiting for a CPU, in waits of which the kernel announced no wake. Called `unsplit_ns` in earlier files.
    #[serde(alias = "unsplit_ns")]
    pub unattributed_wait_ns: Nanos,
}

/// The times of a [`States`], in the order of its fields.
const TIMES: [fn(&mut States) -> &mut Nanos; States::COUNT] = [
    |states| &mut states.on_cpu_ns,
    |states| &mut states.runqueue_wait_ns,
    |states| &mut states.blocked_ns,
    |states| &mut states.preempted_ns,
    |states| &mut states.runnable_idle_ns,
    |states| &mut states.throttled_ns,
    |states| &mut states.unattributed_wait_ns,
];

impl States {
    /// The number of states.
    pub const COUNT: usize = size_of::<Self>() / size_of::<Nanos>();

    /// The times, in the order of the fields.
    #[must_use]
    pub fn all(&self) -> [Nanos; Self::COUNT] {
        let mut own = *self;
        TIMES.map(|time| *time(&mut own))
    }

    /// From times in that order.
    #[must_use]
    pub fn from_all(all: [Nanos; Self::COUNT]) -> Self {
        let mut states = Self::default();
        TIMES.iter().zip(all).for_each(|(time, ns)| *time(&mut states) = ns);
        states
    }

    /// The time in a state.
    pub fn of(&mut self, state: OpenState) -> &mut Nanos {
        match state {
            OpenState::OnCpu => &mut self.on_cpu_ns,
            OpenState::Newborn => &mut self.runqueue_wait_ns,
            OpenState::Preempted => &mut self.preempted_ns,
            OpenState::Throttled => &mut self.throttled_ns,
            OpenState::RunnableIdle => &mut self.runnable_idle_ns,
            OpenState::Blocked => &mut self.blocked_ns,
            // Nothing that is recorded is in one.
            OpenState::Unknown(_) => &mut self.unattributed_wait_ns,
        }
    }

    /// Adds the times of others.
    pub fn add(&mut self, others: &Self) {
        let mut all = self.all();
        all.iter_mut().zip(others.all()).for_each(|(time, more)| *time += more);
        *self = Self::from_all(all);
    }

    /// All of them together.
    #[must_use]
    pub fn total(&self) -> Nanos {
        self.all().into_iter().sum()
    }
}
