//! The programs, and what each is attached to.

use super::hotplug;
use anyhow::{Context, Result, bail};
use aya::programs::perf_event::{PerfEventConfig, PerfEventScope, SamplePolicy, SoftwareEvent};
use aya::programs::{BtfTracePoint, Iter, PerfEvent, Program, ProgramFd};
use aya::{Btf, Ebpf};
use model::outside_text::excerpt;
use std::collections::BTreeSet;
use std::os::fd::{AsFd as _, AsRawFd as _};

/// A tracepoint that a program of the same name hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracepoint {
    /// The kernel's name of it.
    pub name: &'static str,
    /// The folder it is in below tracefs' `events`.
    pub group: &'static str,
    /// What is measured there.
    pub purpose: &'static str,
}

/// Every tracepoint that is needed. The order is that of attaching: a thread can't be born before its switches
/// are seen, nor join before its faults are.
pub const TRACEPOINTS: [Tracepoint; 9] = [
    Tracepoint { name: "sched_switch", group: "sched", purpose: "on_cpu, blocked, preempted, runqueue_wait" },
    Tracepoint { name: "sched_waking", group: "sched", purpose: "blocked, runqueue_wait" },
    Tracepoint { name: QUEUED, group: "sched", purpose: "throttled, before Linux 6.18" },
    Tracepoint {
        name: "page_fault_user",
        group: "exceptions",
        purpose: "entry of minor_fault and major_fault",
    },
    Tracepoint {
        name: "page_fault_kernel",
        group: "exceptions",
        purpose: "entry of minor_fault and major_fault",
    },
    Tracepoint { name: "sched_wakeup_new", group: "sched", purpose: "first runqueue_wait of a thread" },
    Tracepoint { name: "task_rename", group: "task", purpose: "names of threads" },
    Tracepoint { name: "sched_process_fork", group: "sched", purpose: "threads and processes that are born" },
    Tracepoint { name: "sched_process_exec", group: "sched", purpose: "the target's start" },
];

/// The tracepoint that only a kernel needs which throttles run queues as a whole: elsewhere its program is not loaded, as it costs
/// each wake of the machine.
const QUEUED: &str = "sched_wakeup";

/// The software events that end a fault, with the programs that hang on them.
const FAULT_ENDS: [(&str, SoftwareEvent); 2] =
    [("minor_fault", SoftwareEvent::PageFaultsMin), ("major_fault", SoftwareEvent::PageFaultsMaj)];

/// The program that closes all records.
const CLOSE: &str = "close_all";

/// The program that looks at all threads. Loaded only where it is wanted: the verifier's work is most of a run's start.
const SNAPSHOT: &str = "snapshot";

/// The program that has the threads of chosen processes join; likewise.
const JOIN: &str = "join_chosen";

/// The program that ends families; likewise.
const RELEASE: &str = "release";

/// Has the kernel verify every program that it needs and attaches it; those that end a fault on each of `cpus`.
pub(super) fn attach_all(
    ebpf: &mut Ebpf,
    btf: &Btf,
    cpus: &BTreeSet<u32>,
    throttles_queues: bool,
) -> Result<()> {
    let is_needed = |name: &str| throttles_queues || name != QUEUED;
    for name in needed_always().filter(|name| is_needed(name)) {
        load(ebpf, btf, name)?;
    }
    // Ends before entries: an end without an entry would count as one.
    for &cpu in cpus {
        attach_fault_ends(ebpf, cpu)?;
    }
    for Tracepoint { name, .. } in TRACEPOINTS.into_iter().filter(|hook| is_needed(hook.name)) {
        let tracepoint: &mut BtfTracePoint = program(ebpf, name)?;
        tracepoint.attach().with_context(|| format!("cannot attach to the tracepoint {name}"))?;
    }
    Ok(())
}

/// Every program of the object.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    needed_always().chain([SNAPSHOT, JOIN, RELEASE])
}

/// The programs that every recording needs, on one kernel or another.
fn needed_always() -> impl Iterator<Item = &'static str> {
    let tracepoints = TRACEPOINTS.iter().map(|tracepoint| tracepoint.name);
    [CLOSE].into_iter().chain(tracepoints).chain(FAULT_ENDS.iter().map(|(name, _)| *name))
}

/// Has the kernel verify a program.
pub(super) fn load(ebpf: &mut Ebpf, btf: &Btf, name: &str) -> Result<()> {
    match ebpf.program_mut(name).with_context(|| missing(name))? {
        Program::Iter(iterator) => iterator.load("task", btf),
        Program::BtfTracePoint(tracepoint) => tracepoint.load(name, btf),
        Program::PerfEvent(event) => event.load(),
        _ => bail!("the program {name} is of another type than expected"),
    }
    .with_context(|| format!("the kernel refused the program {name}"))
}

/// Watches the ends of faults on a CPU. One that has gone away again meanwhile is passed over.
pub(super) fn attach_fault_ends(ebpf: &mut Ebpf, cpu: u32) -> Result<()> {
    for (name, event) in FAULT_ENDS {
        let attached = attach_to_cpu(program(ebpf, name)?, event, cpu);
        if attached.is_err() && !hotplug::online()?.contains(&cpu) {
            return Ok(());
        }
        attached.with_context(|| format!("cannot attach {name} on CPU {cpu}"))?;
    }
    Ok(())
}

/// Period 1: every fault.
fn attach_to_cpu(program: &mut PerfEvent, event: SoftwareEvent, cpu: u32) -> Result<()> {
    let scope = PerfEventScope::AllProcessesOneCpu { cpu };
    program
        .attach(PerfEventConfig::Software(event), scope, SamplePolicy::Period(1), false)
        .context("cannot open the software event")?;
    Ok(())
}

/// Has the kernel verify the program for [`look_at_all`].
pub(super) fn load_snapshot(ebpf: &mut Ebpf, btf: &Btf) -> Result<()> {
    load(ebpf, btf, SNAPSHOT)
}

/// Has the kernel verify the program for [`join_chosen`].
pub(super) fn load_join(ebpf: &mut Ebpf, btf: &Btf) -> Result<()> {
    load(ebpf, btf, JOIN)
}

/// Has the kernel verify the program for [`release`].
pub(super) fn load_release(ebpf: &mut Ebpf, btf: &Btf) -> Result<()> {
    load(ebpf, btf, RELEASE)
}

/// Closes the records of the families that are to be released, or forgets their threads: what their rules say.
pub(super) fn release(ebpf: &mut Ebpf) -> Result<()> {
    walk_tasks(ebpf, RELEASE)
}

/// Has the threads of the chosen processes join, those that have not.
pub(super) fn join_chosen(ebpf: &mut Ebpf) -> Result<()> {
    walk_tasks(ebpf, JOIN)
}

/// Writes into each slot what its thread is doing.
pub(super) fn look_at_all(ebpf: &mut Ebpf) -> Result<()> {
    walk_tasks(ebpf, SNAPSHOT)
}

/// Closes the record of every thread that still lives, so that nothing in a slot changes any more.
pub(super) fn close_all(ebpf: &mut Ebpf) -> Result<()> {
    walk_tasks(ebpf, CLOSE)
}

/// Runs a task iterator over all of the machine's tasks.
fn walk_tasks(ebpf: &mut Ebpf, name: &str) -> Result<()> {
    let iterator: &mut Iter = program(ebpf, name)?;
    let link = iterator.attach().context("cannot make the task iterator")?;
    let mut walk = iterator
        .take_link(link)
        .map(aya::programs::iter::IterLink::into_file)
        .context("cannot make the task iterator")?
        .context("cannot open the task iterator")?;
    // The program prints nothing: one read to the end walks all tasks.
    std::io::copy(&mut walk, &mut std::io::sink()).context("cannot walk the machine's tasks")?;
    Ok(())
}

/// The programs that are in the kernel: those for snapshots, for joining and for releasing need not be.
pub(super) fn loaded(ebpf: &Ebpf) -> impl Iterator<Item = (&str, &Program)> {
    ebpf.programs().filter(|(_, program)| program.fd().is_ok())
}

/// How often the kernel skipped one of the programs because it was already running on that CPU
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
