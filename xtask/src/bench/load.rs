//! The loads, alone and under the profiler.

use crate::{command::Run as _, workspace::Workspace};
use anyhow::{Context as _, Result, ensure};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use super::{beside::Beside, machine, profile::Profile};

/// Which hooks the empty BPF programs are put on.
#[derive(Clone, Copy)]
pub(super) enum Hooks {
    /// Those of the switch metrics.
    Switch,
    /// Those of the fault metrics.
    Fault,
}

/// `sched_switch` and `sched_waking`.
const SWITCH_HOOKS: usize = 2;

/// `page_fault_user`; the end of a fault is hooked on each CPU.
const FAULT_ENTRIES: usize = 1;

/// The programs that are measured, and where they leave their files.
pub(super) struct Programs {
    release: PathBuf,
    folder: PathBuf,
}

impl Programs {
    /// Those that `cargo xtask bench` has built.
    pub(super) fn of(workspace: &Workspace) -> Self {
        Self { release: workspace.release(), folder: super::folder(workspace) }
    }

    /// `profiler` itself.
    pub(super) fn profiler(&self) -> Command {
        Command::new(self.release.join("profiler"))
    }

    /// Attaches the empty BPF programs as long as what it returns lives.
    pub(super) fn empty_probes(&self, object: &Path, hooks: Hooks) -> Result<Beside> {
        let (mut command, attached) = self.empty_command(object, hooks)?;
        Beside::start(&mut command, attached).context("the empty BPF programs")
    }

    /// What attaches the empty BPF programs, and how many links it makes.
    pub(super) fn empty_command(&self, object: &Path, hooks: Hooks) -> Result<(Command, usize)> {
        let (name, attached) = match hooks {
            Hooks::Switch => ("switch", SWITCH_HOOKS),
            Hooks::Fault => ("fault", FAULT_ENTRIES + machine::online_cpus()?),
        };
        let mut command = Command::new(self.release.join("examples/empty_probes"));
        command.arg(object).arg(name);
        Ok((command, attached))
    }

    /// Where the files of the runs are left.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A load by itself.
    pub(super) fn load<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(self.load_program());
        command.args(arguments);
        command
    }

    /// A load under the profiler, and where its profile will be.
    pub(super) fn profiled<A: AsRef<OsStr>>(
        &self,
        name: &str,
        options: &[&str],
        arguments: &[A],
    ) -> (Command, PathBuf) {
        let profile = self.folder.join(format!("{name}.profile.json"));
        let mut command = self.profiler();
        command.args(["run", "--force", "--output"]).arg(&profile).args(options);
        command.arg("--").arg(self.load_program()).args(arguments);
        (command, profile)
    }

    /// The figure that a load prints.
    pub(super) fn figure<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Result<f64> {
        parse(&self.load(arguments).read()?)
    }

    /// The figure that a load prints under the profiler, which must have lost nothing meanwhile.
    pub(super) fn profiled_figure<A: AsRef<OsStr>>(&self, name: &str, arguments: &[A]) -> Result<f64> {
        let (mut command, profile) = self.profiled(name, &[], arguments);
        let figure = parse(&command.read()?)?;
        let lost = Profile::read(&profile)?.lost()?;
        ensure!(
            lost == 0,
            "the profiler lost {lost} samples or threads: see `lost` in {}",
            profile.display()
        );
        Ok(figure)
    }

    /// The program that is all the loads.
    pub(super) fn load_program(&self) -> PathBuf {
        self.release.join("bench-load")
    }
}

fn parse(output: &str) -> Result<f64> {
    output.trim().parse().with_context(|| format!("a load printed {output:?} instead of a number"))
}
