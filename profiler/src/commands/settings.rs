//! How anything is recorded, whether it is started or runs already; and what is the same about every profile.

use crate::kernel::load::{Limits, Target};
use crate::kernel::requirements::{self, Missing};
use crate::kernel::self_cost::{KernelCost, Measurement};
use crate::kernel::session::Session;
use crate::privilege;
use crate::record::machine::{self, Stolen};
use crate::record::reconcile::{Child, Reference};
use crate::record::recording::{Recorded, Recording};
use crate::remedy;
use crate::target::supervise::Times;
use anyhow::{Context, Result};
use model::profile::later::Later;
use model::profile::self_cost::SelfCost;
use model::profile::units::{Bytes, Nanos};
use model::profile::usage::Usage;
use model::profile::{Options, Profile, Run, SCHEMA, Tool};
use std::path::Path;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How to record, checked.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How much room the recording has.
    pub limits: Limits,
    /// Whether child processes are followed.
    pub follow: bool,
    /// The time limit.
    pub duration: Option<Duration>,
    /// How often a snapshot is taken, if any is.
    pub interval: Option<Duration>,
    /// Whether to measure what the recording itself costs.
    pub measure_self: bool,
}

/// A recording that has begun.
pub(super) struct Begun {
    pub(super) recording: Recording<Session>,
    measurement: Option<Measurement>,
    stolen_before: Stolen,
}

impl Settings {
    /// Does everything that needs capabilities.
    ///
    /// # Errors
    /// If the kernel refuses the programs; with what the doctor knows of the cause.
    pub(super) fn begin(&self, target: Target<'_>) -> Result<Begun> {
        let (session, measurement) = privilege::raised(|| {
            let measurement = self.measure_self.then(Measurement::start).transpose()?;
            let session = Session::start(self.limits, target, self.interval.is_some())
                .or_else(|error| explain(error, self.limits))?;
            Ok((session, measurement))
        })?;
        let stolen_before = machine::stolen(Path::new("/"));
        Ok(Begun { recording: Recording::new(session), measurement, stolen_before })
    }

    pub(super) fn times(&self) -> Times {
        Times { limit: self.duration, interval: self.interval }
    }

    /// For the profile.
    pub(super) fn options(&self) -> Options {
        Options {
            follow: self.follow,
            max_threads: self.limits.max_threads,
            histogram_memory_bytes: Bytes(self.limits.histogram_memory),
            duration_ns: self.duration.map(nanos),
            interval_ns: self.interval.map(nanos),
        }
    }
}

impl Begun {
    /// From here on the intervals count, if there are to be any.
    pub(super) fn cut_from(mut self, from: Nanos, settings: &Settings) -> Self {
        if settings.interval.is_some() {
            self.recording = self.recording.with_intervals(from);
        }
        self
    }

    /// Ends the recording. `child` is what the kernel says of the target, if that was a child.
    ///
    /// # Errors
    /// If the records can't be read.
    pub(super) fn finish(self, child: Option<Child<'_>>) -> Result<(Recorded, Option<SelfCost>)> {
        let Self { recording, measurement, stolen_before } = self;
        let stolen_ns = machine::stolen(Path::new("/")).at_most_since(&stolen_before);
        let kernel_cost = measurement.as_ref().map(|_| KernelCost::read(recording.source())).transpose()?;
        let recorded = recording.finish(Some(&Reference { child, stolen_ns }))?;
        let self_cost =
            measurement.zip(kernel_cost).map(|(measured, kernel)| measured.finish(kernel)).transpose()?;
        Ok((recorded, self_cost))
    }
}

/// A refusal of the kernel often has a cause that the doctor knows; else its remedy is that of the kernel's answer.
pub(super) fn explain<T>(error: anyhow::Error, limits: Limits) -> Result<T> {
    let missing = requirements::missing(requirements::thorough(limits));
    if !missing.is_empty() {
        return Err(error.context(Missing(missing)));
    }
    let remedy = remedy::of_bpf(remedy::answer(&error));
    Err(error.context(format!("this can't be recorded; {remedy}")))
}

/// A profile of what was recorded.
pub(super) fn profile(run: Run, usage: Usage, recorded: Recorded, self_cost: Option<SelfCost>) -> Profile {
    Profile {
        schema: SCHEMA,
        tool: Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("PROFILER_COMMIT").map(str::to_owned),
        },
        machine: machine::read(Path::new("/")),
        run,
        usage: Some(usage),
        threads: recorded.threads,
        intervals: recorded.intervals,
        without_slot: recorded.without_slot,
        reconciliation: recorded.reconciliation,
        lost: recorded.lost,
        self_cost,
        later: Later::default(),
    }
}

/// What waits for signals, timers and descriptors.
///
/// # Errors
/// If it can't be started.
pub(super) fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("cannot start tokio")
}

/// To the nanosecond, always in as many digits.
pub(super) fn rfc3339(time: jiff::Timestamp) -> String {
    format!("{time:.9}")
}

fn nanos(time: Duration) -> Nanos {
    Nanos(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
