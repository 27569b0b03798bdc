//! Everything that a recording or a daemon can lose: one entry of [`TABLE`] a loss, from which messages, columns,
//! metrics and the schema of the profile follow, and the counts of all of them.
//!
//! To add one: a variant, its entry, its place in [`Loss::OF_PROFILE`] or [`Loss::OF_INTERVAL`]; then whoever notices
//! it counts it with `counts[Loss::Name] += 1`.

mod counts;
mod written;

pub use counts::LossCounts;
pub use written::{OfProfile, in_interval, in_profile};

/// A kind of loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Loss {
    /// Bucket memory was short.
    SamplesWithoutBucket,
    /// Slots were short.
    ThreadsWithoutSlot,
    /// No event told of a thread's birth, or the kernel had no memory for its state.
    ThreadsWithoutState,
    /// A thread's last switch did not come in time.
    ThreadsUnfinished,
    /// The kernel skipped a program.
    MissedProgramRuns,
    /// An interval was stamped as ended before it began.
    ClockBackwards,
    /// A CPU came online during the recording.
    CpusWatchedLate,
    /// The ring buffer of execs was full.
    MissedExecs,
    /// A selector had its `max_groups`.
    ThreadsInOthers,
}

/// A limit that, raised, mends a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Threads at a time.
    Threads,
    /// Memory for buckets.
    HistogramMemory,
    /// Groups of a selector.
    Groups,
}

/// The placeholder in [`Described::because`] for the name of the limit.
pub const LIMIT: &str = "LIMIT";

/// A loss in words.
#[derive(Debug)]
pub struct Described {
    /// The name in files, columns and labels.
    pub name: &'static str,
    /// The meaning of its count in a profile; `None` for a loss that no recording has.
    pub in_profile: Option<&'static str>,
    /// The meaning of its count in an interval of a daemon; `None` for a loss that no daemon has.
    pub in_interval: Option<&'static str>,
    /// The thing that is counted, in the singular.
    pub noun: &'static str,
    /// The fault in it; follows the counted noun.
    pub trouble: &'static str,
    /// The reason, with [`LIMIT`] where the limit's name belongs.
    pub because: &'static str,
    /// The limit to raise.
    pub limit: Option<Limit>,
}

/// In the order of [`Loss`], which is the order in which they are told.
static TABLE: [Described; Loss::COUNT] = [
    Described {
        name: "samples_without_bucket",
        in_profile: Some("Samples that count in the totals but are in no bucket."),
        in_interval: Some("samples that are in no bucket, for want of memory"),
        noun: "sample",
        trouble: " without a bucket",
        because: "no memory left for buckets: raise LIMIT",
        limit: Some(Limit::HistogramMemory),
    },
    Described {
        name: "threads_without_slot",
        in_profile: Some("Threads that have no histograms of their own; they are summed in `without_slot`."),
        in_interval: Some("threads that are in no group, since `max_threads` were recorded"),
        noun: "thread",
        trouble: " without a slot",
        because: "more threads at a time than LIMIT",
        limit: Some(Limit::Threads),
    },
    Described {
        name: "threads_without_state",
        in_profile: Some(
            "Threads of which nothing is known: the kernel had no memory for their state, or no event told of their birth.",
        ),
        in_interval: Some(
            "likewise, since no event told of their birth or the kernel had no memory for them",
        ),
        noun: "thread",
        trouble: " of which nothing is known (no event told of their birth, or the kernel was out of memory)",
        because: "no event told of their birth, or the kernel had no memory for their state",
        limit: None,
    },
    Described {
        name: "threads_unfinished",
        in_profile: Some(
            "Threads that had not made their last switch when the recording gave up waiting for it: their records are\nmissing.",
        ),
        in_interval: None,
        noun: "thread",
        trouble: " whose last switch never came",
        because: "their last switch had not come when the recording ended",
        limit: None,
    },
    Described {
        name: "missed_program_runs",
        in_profile: Some("Times the kernel skipped a program because it was already running on that CPU."),
        in_interval: Some("times that the kernel skipped a program"),
        noun: "program run",
        trouble: " skipped by the kernel",
        because: "the kernel skipped a program that was running already",
        limit: None,
    },
    Described {
        name: "clock_backwards",
        in_profile: Some(
            "Intervals that were not recorded because their end was stamped before their start.",
        ),
        in_interval: Some("samples that ended before they began, in no histogram"),
        noun: "interval",
        trouble: " with a clock that went backwards",
        because: "stamped as ended before they began, so not recorded",
        limit: None,
    },
    Described {
        name: "cpus_watched_late",
        in_profile: Some(
            "Times a CPU came online during the recording: until its probes were set, faults on it had no duration and\nare among `faults_without_latency`.",
        ),
        in_interval: Some("CPUs that came online, whose faults are watched from then on"),
        noun: "CPU",
        trouble: " watched late or not at all (it came online meanwhile: some faults there have no duration)",
        because: "came online meanwhile: some faults there have no duration",
        limit: None,
    },
    Described {
        name: "missed_execs",
        in_profile: None,
        in_interval: Some("execs not announced; all processes were looked through instead"),
        noun: "exec",
        trouble: " not announced (all processes were looked through instead)",
        because: "the kernel had no room to announce them: all processes were looked through instead",
        limit: None,
    },
    Described {
        name: "threads_in_others",
        in_profile: None,
        in_interval: Some("threads in a group `(others)`, since the selector had its `max_groups`"),
        noun: "thread",
        trouble: " put into the group (others)",
        because: "the selector had its LIMIT",
        limit: Some(Limit::Groups),
    },
];

impl Loss {
    /// The number of kinds.
    pub const COUNT: usize = 9;

    /// All kinds, in the order in which they are told.
    pub const ALL: [Self; Self::COUNT] = [
        Self::SamplesWithoutBucket,
        Self::ThreadsWithoutSlot,
        Self::ThreadsWithoutState,
        Self::ThreadsUnfinished,
        Self::MissedProgramRuns,
        Self::ClockBackwards,
        Self::CpusWatchedLate,
        Self::MissedExecs,
        Self::ThreadsInOthers,
    ];

    /// Those of a recording, in the order of the profile's fields.
    pub const OF_PROFILE: [Self; 7] = [
        Self::SamplesWithoutBucket,
        Self::ThreadsWithoutSlot,
        Self::MissedProgramRuns,
        Self::ThreadsWithoutState,
        Self::ThreadsUnfinished,
        Self::ClockBackwards,
        Self::CpusWatchedLate,
    ];

    /// Those of a daemon's interval, in the order of the store's columns.
    pub const OF_INTERVAL: [Self; 8] = [
        Self::SamplesWithoutBucket,
        Self::ThreadsWithoutSlot,
        Self::ThreadsWithoutState,
        Self::MissedProgramRuns,
        Self::MissedExecs,
        Self::CpusWatchedLate,
        Self::ClockBackwards,
        Self::ThreadsInOthers,
    ];

    /// Those that only the records of threads tell of.
    pub const OF_RECORDS: [Self; 2] = [Self::SamplesWithoutBucket, Self::ClockBackwards];

    /// Those that the first profiles of this schema lack: absent is 0.
    const ADDED_TO_PROFILE: [Self; 2] = [Self::ThreadsUnfinished, Self::CpusWatchedLate];

    /// The entry of the table.
    #[must_use]
    pub const fn described(self) -> &'static Described {
        &TABLE[self as usize]
    }

    /// The name in files, columns and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.described().name
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|loss| loss.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loss_has_its_own_entry_and_stands_where_it_says() {
        for (number, loss) in Loss::ALL.into_iter().enumerate() {
            assert_eq!(loss as usize, number);
            assert_eq!(Loss::of_name(loss.name()), Some(loss), "two losses have one name");
            let described = loss.described();
            assert_eq!(Loss::OF_PROFILE.contains(&loss), described.in_profile.is_some(), "{loss:?}");
            assert_eq!(Loss::OF_INTERVAL.contains(&loss), described.in_interval.is_some(), "{loss:?}");
            assert_eq!(described.because.contains(LIMIT), described.limit.is_some(), "{loss:?}");
        }
    }
}
