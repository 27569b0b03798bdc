//! The time and the machine of a measurement, for the tables.

use anyhow::{Context as _, Result};
use nix::unistd::{SysconfVar, sysconf};
use std::{fs, process::Command, thread};
use xtask::command::Run as _;

/// The time and the machine.
pub(super) fn now_and_here() -> Result<String> {
    let date = Command::new("date").args(["--utc", "+%Y-%m-%d %H:%M UTC"]).read()?;
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let cpu = read("/proc/cpuinfo")?;
    let model = cpu_model(&cpu).unwrap_or("unknown CPU");
    let cpus = thread::available_parallelism().context("cannot count the CPUs")?;
    Ok(format!("{}, Linux {}, {model}, {cpus} CPUs", date.trim_end(), kernel.trim_end()))
}

/// Online CPUs, including those that this process may not use.
pub(super) fn online_cpus() -> Result<usize> {
    let cpus = sysconf(SysconfVar::_NPROCESSORS_ONLN).context("cannot count the CPUs")?;
    cpus.and_then(|cpus| usize::try_from(cpus).ok()).context("the number of CPUs is not known")
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {path}"))
}

fn cpu_model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, model)| model.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_the_first_processors() {
        let cpuinfo =
            "processor\t: 0\nmodel\t\t: 2\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel name\t: Other\n";
        assert_eq!(cpu_model(cpuinfo), Some("AMD EPYC"));
        assert_eq!(cpu_model("processor\t: 0\n"), None);
    }
}
