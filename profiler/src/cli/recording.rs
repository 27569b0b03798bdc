//! Flags of the commands that record, and of the reports that they end with.

use crate::settings::limits::Limits;
use crate::settings::{Settings, Shown};
use crate::values::{interval, memory};
use anyhow::{Result, bail};
use clap::Args;
use std::path::Path;
use std::time::Duration;

/// Arguments of every recording.
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

    /// The limits of the recording.
    #[command(flatten)]
    pub limits: LimitArgs,

    /// The style of the report.
    #[command(flatten)]
    pub report: StyleArgs,
}

impl RecordingArgs {
    /// The settings of the recording.
    ///
    /// # Errors
    /// If the limits make no sense.
    pub(super) fn settings(&self, follow: bool, duration: Option<Duration>) -> Result<Settings> {
        Ok(Settings {
            limits: self.limits.limits()?,
            follow,
            duration,
            interval: self.interval,
            measure_self: self.measure_self,
        })
    }

    /// The parts of the report. Standard output takes the profile only.
    ///
    /// # Errors
    /// If the profile is to be printed and goes elsewhere.
    pub(super) fn shown(&self, output: Option<&Path>) -> Result<Shown> {
        if self.json && output != Some(Path::new("-")) {
            bail!("--json prints the profile instead of the report, so it needs --output -");
        }
        Ok(Shown { json: self.json, threads: self.report.threads })
    }
}

/// Limits of a recording.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Threads that are recorded at the same time; those beyond are only summed
    #[arg(long, default_value_t = Limits::DEFAULT_MAX_THREADS,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub max_threads: u32,

    /// Memory for histogram buckets, such as 64MiB [default: 9.5 KiB for each of --max-threads]
    #[arg(long, value_parser = memory, value_name = "SIZE")]
    pub histogram_memory: Option<u64>,
}

impl LimitArgs {
    /// The limits, with the defaults that follow from one another.
    ///
    /// # Errors
    /// If they make no sense together.
    pub(super) fn limits(&self) -> Result<Limits> {
        let default = Limits::for_threads(self.max_threads);
        let histogram_memory = self.histogram_memory.unwrap_or(default.histogram_memory);
        if histogram_memory > Limits::MOST_HISTOGRAM_MEMORY {
            bail!("--histogram-memory may be at most {}", bytesize::ByteSize(Limits::MOST_HISTOGRAM_MEMORY));
        }
        Ok(Limits { histogram_memory, ..default })
    }
}

/// The style of a report.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct StyleArgs {
    /// Show threads one by one up to this many, grouped by name beyond
    #[arg(long, default_value_t = crate::report::Style::DEFAULT_THREADS, value_name = "N")]
    pub threads: usize,
}
