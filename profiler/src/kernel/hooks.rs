//! Loads and attaches the programs of probes, and runs their iterators.

use super::hotplug;
use super::probes::{Hook, Probe, Program, on_each_cpu, programs};
use anyhow::{Context, Result, bail};
use aya::programs::perf_event::{PerfEventConfig, PerfEventScope, SamplePolicy, SoftwareEvent};
use aya::programs::{BtfTracePoint, Iter, PerfEvent, ProgramFd};
use aya::{Btf, Ebpf};
use model::outside_text::excerpt;
use std::collections::BTreeSet;
use std::os::fd::{AsFd as _, AsRawFd as _};

/// Has the kernel verify the programs of these probes.
pub(super) fn load_all(ebpf: &mut Ebpf, btf: &Btf, probes: &[&'static Probe]) -> Result<()> {
    programs(probes.iter().copied()).try_for_each(|program| load(ebpf, btf, program.name))
}

/// Attaches them in their order; software events on each of `cpus`. Iterators run when they are asked to.
pub(super) fn attach_all(ebpf: &mut Ebpf, probes: &[&'static Probe], cpus: &BTreeSet<u32>) -> Result<()> {
    for &Program { name, hook } in programs(probes.iter().copied()) {
        match hook {
            Hook::Tracepoint { .. } => {
                let tracepoint: &mut BtfTracePoint = program(ebpf, name)?;
                tracepoint.attach().with_context(|| format!("cannot attach to the tracepoint {name}"))?;
            }
            Hook::Software(event) => {
                cpus.iter().try_for_each(|&cpu| attach_on(ebpf, name, event, cpu))?;
            }
            Hook::TaskIterator => {}
        }
    }
    Ok(())
}

/// Has the kernel verify a program.
pub(super) fn load(ebpf: &mut Ebpf, btf: &Btf, name: &str) -> Result<()> {
    match ebpf.program_mut(name).with_context(|| missing(name))? {
        aya::programs::Program::Iter(iterator) => iterator.load("task", btf),
        aya::programs::Program::BtfTracePoint(tracepoint) => tracepoint.load(name, btf),
        aya::programs::Program::PerfEvent(event) => event.load(),
        _ => bail!("the program {name} is of another type than expected"),
    }
    .with_context(|| format!("the kernel refused the program {name}"))
}

/// Attaches those of the programs that hang on each CPU to one that has come online.
pub(super) fn attach_to_cpu(ebpf: &mut Ebpf, probes: &[&'static Probe], cpu: u32) -> Result<()> {
    on_each_cpu(probes).try_for_each(|(name, event)| attach_on(ebpf, name, event, cpu))
}

/// Attaches a program to a software event on one CPU. A CPU that has gone away again meanwhile is passed over.
fn attach_on(ebpf: &mut Ebpf, name: &str, event: SoftwareEvent, cpu: u32) -> Result<()> {
    let attached = attach_event(program(ebpf, name)?, event, cpu);
    if attached.is_err() && !hotplug::online()?.contains(&cpu) {
        return Ok(());
    }
    attached.with_context(|| format!("cannot attach {name} on CPU {cpu}"))
}

/// Period 1: every fault.
fn attach_event(program: &mut PerfEvent, event: SoftwareEvent, cpu: u32) -> Result<()> {
    let scope = PerfEventScope::AllProcessesOneCpu { cpu };
    program
        .attach(PerfEventConfig::Software(event), scope, SamplePolicy::Period(1), false)
        .context("cannot open the software event")?;
    Ok(())
}

/// Runs a task iterator over all of the machine's tasks.
pub(super) fn walk_tasks(ebpf: &mut Ebpf, name: &str) -> Result<()> {
    let iterator: &mut Iter = program(ebpf, name)?;
    let link = iterator.attach().context("cannot make the task iterator")?;
    let mut walk = iterator
        .take_link(link)
        .map(aya::programs::iter::IterLink::into_file)
        .context("cannot make the task iterator")?
        .context("cannot open the task iterator")?;
    // The program prints nothing: one read to the end is a pass over all tasks.
    std::io::copy(&mut walk, &mut std::io::sink()).context("cannot walk the machine's tasks")?;
    Ok(())
}

/// The programs that are in the kernel: those for snapshots, for joining and for releasing need not be.
pub(super) fn loaded(ebpf: &Ebpf) -> impl Iterator<Item = (&str, &aya::programs::Program)> {
    ebpf.programs().filter(|(_, program)| program.fd().is_ok())
}

/// The number of times the kernel skipped one of the programs because it was already running on that CPU
/// (`recursion_misses`, kernel/bpf/syscall.c `bpf_prog_show_fdinfo`).
pub(super) fn missed_runs(ebpf: &Ebpf) -> Result<u64> {
    let mut missed = 0;
    for (name, program) in loaded(ebpf) {
        let fd = program.fd().with_context(|| format!("the program {name} is not loaded"))?;
        missed +=
            recursion_misses(fd).with_context(|| format!("cannot read how often {name} was skipped"))?;
    }
    Ok(missed)
}

fn recursion_misses(program: &ProgramFd) -> Result<u64> {
    let path = format!("/proc/self/fdinfo/{}", program.as_fd().as_raw_fd());
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    recursion_misses_in(&text).with_context(|| format!("cannot use {path}"))
}

pub(crate) fn recursion_misses_in(info: &str) -> Result<u64> {
    let value = info
        .lines()
        .find_map(|line| line.strip_prefix("recursion_misses:"))
        .context("it has no line recursion_misses")?;
    value.trim().parse().with_context(|| format!("recursion_misses is {:?}", excerpt(value)))
}

fn program<'a, P>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut P>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program, Error = aya::programs::ProgramError>,
{
    ebpf.program_mut(name)
        .with_context(|| missing(name))?
        .try_into()
        .with_context(|| format!("the program {name} is of another type than expected"))
}

fn missing(name: &str) -> String {
    format!("the BPF object has no program {name}; build it again with cargo xtask ebpf")
}
