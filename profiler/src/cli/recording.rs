//! Flags of the commands that record, and of the reports that they end with.

use crate::values::{interval, memory};
use clap::Args;
use std::time::Duration;

/// How anything is recorded and shown.
#[derive(Debug, Args)]
pub struct RecordingArgs {
    /// Print the profile instead of the report (only with --output -)
    #[arg(long, requires = "output")]
    pub json: bool,

    /// Overwrite an existing file, whatever is in it
    #[arg(long)]
    pub force: bool,

    /// Also record in intervals of this time, at least 1ms: what happened when. They add up to the whole (1s, 100ms)
    #[arg(long, value_parser = interval, value_name = "TIME")]
    pub interval: Option<Duration>,

    /// Measure what the recording itself costs: time and runs of the BPF programs, CPU and memory of the profiler.
    /// The kernel's statistics that this needs make every BPF program of the machine a little slower meanwhile
    #[arg(long)]
    pub measure_self: bool,

    /// How much room the recording has.
    #[command(flatten)]
    pub limits: LimitArgs,

    /// How the report looks.
    #[command(flatten)]
    pub report: StyleArgs,
}

/// How much room a recording has.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Threads that are recorded at the same time; those beyond are only summed
    #[arg(long, default_value_t = crate::kernel::load::Limits::DEFAULT_MAX_THREADS,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub max_threads: u32,

    /// Memory for histogram buckets, such as 64MiB [default: 9.5 KiB for each of --max-threads]
    #[arg(long, value_parser = memory, value_name = "SIZE")]
    pub histogram_memory: Option<u64>,
}

/// How a report looks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct StyleArgs {
    /// Show threads one by one up to this many, grouped by name beyond
    #[arg(long, default_value_t = crate::report::Style::DEFAULT_THREADS, value_name = "N")]
    pub threads: usize,
}
