//! The profile's own proof: what was measured beside what the kernel itself counted.

use super::later::{Unknown, open_enum, open_schema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// One quantity, measured and counted by the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// The quantity.
    pub quantity: Quantity,
    /// Over what.
    pub scope: Scope,
    /// The kernel's figure; nanoseconds for times.
    pub kernel: u64,
    /// The profiler's.
    pub measured: u64,
    /// `measured - kernel`.
    pub difference: i64,
    /// The rule of the kernel that explains the difference; absent if there is none to explain, or none does.
    pub explanation: Option<Explanation>,
}

impl Check {
    /// A comparison whose difference nothing explains yet.
    #[must_use]
    pub fn new(quantity: Quantity, scope: Scope, kernel: u64, measured: u64) -> Self {
        let difference = Self::difference_of(kernel, measured);
        Self { quantity, scope, kernel, measured, difference, explanation: None }
    }

    /// Adds an explanation, if there is a difference and it lies within `bounds`.
    #[must_use]
    pub fn explained(mut self, bounds: RangeInclusive<i64>, rules: &[Rule], text: impl Into<String>) -> Self {
        if self.difference != 0 && bounds.contains(&self.difference) {
            self.explanation = Some(Explanation { rules: rules.to_vec(), text: text.into() });
        }
        self
    }

    /// `measured - kernel`, or the nearest that a difference can hold.
    #[must_use]
    pub fn difference_of(kernel: u64, measured: u64) -> i64 {
        let magnitude = i64::try_from(measured.abs_diff(kernel)).unwrap_or(i64::MAX);
        if measured < kernel { -magnitude } else { magnitude }
    }

    /// True if the figures agree, or a rule of the kernel explains why they do not.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.difference == 0 || self.explanation.is_some()
    }
}

/// A quantity that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
#[serde(remote = "Self", rename_all = "snake_case")]
#[schemars(transform = open_schema)]
pub enum Quantity {
    /// Voluntary switches.
    VoluntarySwitches,
    /// Involuntary switches.
    InvoluntarySwitches,
    /// Minor faults.
    MinorFaults,
    /// Major faults.
    MajorFaults,
    /// The sum of `on_cpu` against the kernel's CPU time, in nanoseconds.
    CpuTimeNs,
    /// The sum of everything a thread did against its lifetime, in nanoseconds.
    LifetimeNs,
    /// Threads of the target's processes that lived when the recording was closed, against the records that were open.
    LivingThreads,
    /// A word of a later version.
    #[serde(skip)]
    Unknown(Unknown),
}

open_enum!(Quantity);

impl Quantity {
    /// The words a report uses.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::VoluntarySwitches => "voluntary switches",
            Self::InvoluntarySwitches => "involuntary switches",
            Self::MinorFaults => "minor faults",
            Self::MajorFaults => "major faults",
            Self::CpuTimeNs => "CPU time",
            Self::LifetimeNs => "lifetime",
            Self::LivingThreads => "living threads",
            Self::Unknown(word) => word.text(),
        }
    }
}

/// Over what a quantity is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
#[serde(remote = "Self", rename_all = "snake_case")]
#[schemars(transform = open_schema)]
pub enum Scope {
    /// The sum over all threads against the sum of the kernel's counters of these threads.
    Threads,
    /// The sum over all threads against what `wait4` reports of the child.
    Wait4,
    /// One thread.
    Thread {
        /// Process id.
        pid: u32,
        /// Thread id.
        tid: u32,
    },
    /// A word of a later version.
    #[serde(skip)]
    Unknown(Unknown),
}

open_enum!(Scope);

/// A rule of the kernel that explains a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct Explanation {
    /// The named rules of the kernel that apply.
    pub rules: Vec<Rule>,
    /// The arithmetic, in words.
    pub text: String,
}

/// A rule of the kernel that makes its figure differ from the measured one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
#[serde(remote = "Self", rename_all = "snake_case")]
#[schemars(transform = open_schema)]
pub enum Rule {
    /// A thread's last switch happens after its counters were added to its process's.
    LastSwitch,
    /// The child's switches, faults and time inside the exec itself count in its process's usage, and are over
    /// when the recording of it begins.
    BeforeExec,
    /// Faults that the kernel takes without registers raise no event.
    WithoutRegisters,
    /// Descendants that nobody waited for, or that still ran, are not in `wait4`'s figures.
    NotWaitedFor,
    /// Children that were waited for are in `wait4`'s figures, and were not to be followed.
    NotFollowed,
    /// `on_cpu` is time on the CPU; the kernel's CPU time leaves out interrupts and time stolen by a
    /// hypervisor, and stamps a switch a little earlier than the tracepoint.
    ClockPoints,
    /// The thread was running while the recording was closed: a fault may end meanwhile, and the switch-in before that
    /// may not have been announced.
    RunningAtClose,
    /// A word of a later version.
    #[serde(skip)]
    Unknown(Unknown),
}

open_enum!(Rule);

/// The verdict over a whole profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Differences that no rule explains.
    pub unexplained: usize,
    /// Differences of sums that a rule explains.
    pub explained: usize,
    /// Differences of single threads that a rule explains: parts of those sums.
    pub explained_in_threads: usize,
    /// True if anything was lost.
    pub lost: bool,
}
