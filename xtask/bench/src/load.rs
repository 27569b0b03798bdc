//! The measured programs, and the folder of their files.

use super::{job::Event, machine};
use anyhow::{Context as _, Result};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};
use xtask::workspace::Workspace;

/// `sched_switch` and `sched_waking`.
const SWITCH_HOOKS: usize = 2;

/// `page_fault_user`; the end of a fault is a hook on each CPU.
const FAULT_ENTRIES: usize = 1;

/// A build of the profiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Build {
    /// The build of this checkout.
    Now,
    /// The build that `--against` names.
    Before,
}

/// Paths of the measured programs.
pub(super) struct Programs {
    release: PathBuf,
    folder: PathBuf,
    before: Option<PathBuf>,
}

impl Programs {
    /// The programs that `cargo xtask bench` has built.
    pub(super) fn of(workspace: &Workspace, before: Option<PathBuf>) -> Self {
        Self { release: workspace.release(), folder: super::folder(workspace), before }
    }

    /// The measured builds, each with the mark of its table rows.
    pub(super) fn builds(&self) -> Vec<(Build, &'static str)> {
        let before = self.before.iter().map(|_| (Build::Before, " of --against"));
        std::iter::once((Build::Now, "")).chain(before).collect()
    }

    /// `profiler` itself.
    ///
    /// # Errors
    /// If `--against` named no other build.
    pub(super) fn profiler(&self, build: Build) -> Result<Command> {
        Ok(match build {
            Build::Now => Command::new(self.release.join("profiler")),
            Build::Before => Command::new(self.before.as_ref().context("no --against was given")?),
        })
    }

    /// The command that attaches the empty BPF programs to the hooks of an event's metrics, and its number of
    /// links.
    pub(super) fn empty_programs(&self, object: &Path, event: Event) -> Result<(Command, usize)> {
        let (name, links) = match event {
            Event::Switch => ("switch", SWITCH_HOOKS),
            Event::Fault => ("fault", FAULT_ENTRIES + machine::online_cpus()?),
        };
        let mut command = Command::new(self.release.join("examples/empty_probes"));
        command.arg(object).arg(name);
        Ok((command, links))
    }

    /// The folder of the runs' files.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A load by itself.
    pub(super) fn load<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(self.load_program());
        command.args(arguments);
        command
    }

    /// A load under the profiler, and the path of its profile.
    pub(super) fn profiled<A: AsRef<OsStr>>(
        &self,
        build: Build,
        name: &str,
        options: &[&str],
        arguments: &[A],
    ) -> Result<(Command, PathBuf)> {
        let profile = self.folder.join(format!("{name}.profile.json"));
        let mut command = self.profiler(build)?;
        command.args(["run", "--force", "--output"]).arg(&profile).args(options);
        command.arg("--").arg(self.load_program()).args(arguments);
        Ok((command, profile))
    }

    /// The program with all loads.
    pub(super) fn load_program(&self) -> PathBuf {
        self.release.join("bench-load")
    }
}
