//! A recording from its beginning to its profile: `recipe` of a command that is started, `attachment` of processes that run
//! already, and here what is the same about both.

pub(crate) mod attachment;
pub(crate) mod recipe;

use crate::kernel::load::Target;
use crate::kernel::requirements;
use crate::kernel::self_cost::{KernelCost, Measurement};
use crate::kernel::session::Session;
use crate::privilege;
use crate::record::machine::{self, Stolen};
use crate::record::reconcile::{Child, Reference};
use crate::record::recording::{Recorded, Recording};
use crate::settings::Settings;
use anyhow::{Context, Result};
use model::profile::later::Later;
use model::profile::self_cost::SelfCost;
use model::profile::units::Nanos;
use model::profile::usage::Usage;
use model::profile::{Profile, Run, SCHEMA, Tool};
use std::path::Path;
use tokio::runtime::{Builder, Runtime};

/// A recording that has begun.
pub(super) struct Begun {
    pub(super) recording: Recording<Session>,
    measurement: Option<Measurement>,
    stolen_before: Stolen,
}

/// Does everything that needs capabilities.
///
/// # Errors
/// If the kernel refuses the programs; with what the doctor knows of the cause.
pub(super) fn begin(settings: &Settings, target: Target<'_>) -> Result<Begun> {
    let (session, measurement) = privilege::raised(|| {
        let measurement = settings.measure_self.then(Measurement::start).transpose()?;
        let session =
            Session::start(settings, target).map_err(|error| requirements::explained(error, settings))?;
        Ok((session, measurement))
    })?;
    let stolen_before = machine::stolen(Path::new("/"));
    Ok(Begun { recording: Recording::new(session), measurement, stolen_before })
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

/// The runtime that waits for signals, timers and descriptors.
///
/// # Errors
/// If it can't be started.
pub(crate) fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("cannot start tokio")
}

/// To the nanosecond, always in as many digits.
pub(super) fn rfc3339(time: jiff::Timestamp) -> String {
    format!("{time:.9}")
}
