//! Births, execs and renames. In: `sched_process_fork`, `sched_wakeup_new`, `sched_process_exec`, `task_rename`. Out: a state
//! and a slot for each thread that belongs to the target from its first moment on, the names of threads, and for a daemon
//! the execs of processes that no selector has chosen yet.

use super::{
    atomic, families,
    global::global,
    slots::{self, slot},
    states::{self, Start, begun},
    task::{self, Task, now_ns},
    throttle,
};
use aya_ebpf::{bindings::bpf_pidns_info, helpers::generated::bpf_get_ns_current_pid_tgid};
use profiler_ebpf::layout::{EARLIER_NAMES, KernelCounters, NO_SLOT, state};

/// The tree of every thread where process trees are not tracked.
const NO_FAMILY: u16 = 0;

/// A thread of the target starts another thread or process.
#[inline(always)]
pub(crate) fn sched_process_fork(parent: Task, child: Task) {
    states::forget_earlier(child);
    let Some(parent_state) = states::of(parent) else { return };
    if parent_state.state.get() == state::CLOSED {
        return;
    }
    let is_process = task::pid(child) != task::pid(parent);
    if (is_process && !task::follows_children()) || !families::grows(parent_state, is_process) {
        return;
    }
    let family = families::of(parent_state);
    let now = now_ns();
    let counters = KernelCounters {
        voluntary_switches: 0,
        involuntary_switches: 0,
        minor_faults: 0,
        major_faults: 0,
        cpu_ns: 0,
        migrations: 0,
    };
    join(child, state::NEWBORN, &Start { from_ns: now, newborn: true, family, counters });
}

/// A worker that lives for longer without having run waits for a CPU: nobody is about to have it join (100 ms: a hypervisor
/// may stop the CPU that wakes it).
const WAKING_NS: u64 = 100_000_000;

/// True if `sched_wakeup_new` may be at work on a thread that joins there: two joins would give it two records.
#[inline(always)]
pub(crate) fn may_be_waking(task: Task) -> bool {
    task::flags(task) & states::USER_WORKER_FLAGS != 0
        && !task::has_run(task)
        && now_ns().saturating_sub(task::start_ns(task)) < WAKING_NS
}

/// A newborn thread is put on a run queue: its first wait begins.
///
/// The kernel starts workers without `sched_process_fork` (kernel/fork.c `create_io_thread`, kernel/vhost_task.c: they call
/// `copy_process` and wake the thread themselves). Whoever does so is a thread of the same process, and wakes it here.
#[inline(always)]
pub(crate) fn sched_wakeup_new(newborn: Task) {
    let is_at_attach = || states::of(newborn).is_some_and(|thread| states::is_at_attach(thread.state.get()));
    if task::flags(newborn) & states::USER_WORKER_FLAGS != 0 && !is_at_attach() {
        sched_process_fork(task::current(), newborn);
    }
    let Some(thread) = states::of(newborn) else { return };
    if thread.state.get() != state::NEWBORN {
        return;
    }
    let now = now_ns();
    match slot(thread.slot.get()) {
        Some(slot) => {
            slot.from_ns.set(now);
            states::enter(thread, state::NEWBORN, now);
            // Tells a snapshot that the record has begun: before this it is not known from when on it counts.
            thread.waking_ns.set(now | throttle::at_wake(newborn) | throttle::queued(thread, newborn));
        }
        None => thread.since_ns.set(now),
    }
}

/// A program was executed.
#[inline(always)]
pub(crate) fn sched_process_exec(task: Task) {
    if let Some(thread) = states::of(task)
        && !(task::watches() && thread.state.get() == state::CLOSED)
    {
        // A thread that is not the leader takes over the leader's id (fs/exec.c `de_thread`).
        if let Some(slot) = slot(thread.slot.get()) {
            slot.tid.set(task::tid(task));
        }
        return;
    }
    if task::watches() {
        families::announce(task);
        return;
    }
    if !is_target() {
        return;
    }
    let now = now_ns();
    let counters = task::counters(task);
    join(task, state::FOUND, &Start { from_ns: now, newborn: false, family: NO_FAMILY, counters });
}

/// A thread is about to change its name.
#[inline(always)]
pub(crate) fn task_rename(task: Task) {
    let Some(thread) = states::of(task) else { return };
    if thread.state.get() == state::CLOSED {
        return;
    }
    let Some(slot) = slot(thread.slot.get()) else { return };
    let earlier = slot.renames.get();
    slot.renames.set(earlier + 1);
    if (earlier as usize) < EARLIER_NAMES {
        task::read_name(task, &slot.earlier_names[earlier as usize]);
    }
}

/// Makes a thread part of the target.
#[inline(always)]
fn join(task: Task, initial: u32, start: &Start) {
    // The end of the recording must not find it before it has its slot.
    match states::create(task, begun(task, start, NO_SLOT, state::CLOSED)) {
        // Before the thread runs on: it is newborn, or it is the one that executes this.
        Some(thread) => {
            families::entered(start.family);
            let slot = slots::claim(task, start, slots::slotless_entry::TRACEPOINTS);
            // Before the state.
            thread.slot.set(slot);
            if initial == state::FOUND {
                // It may have been preempted since they were read. What little is left of that is found out by its first
                // switch.
                slots::restart(thread, &task::counters(task), slots::slotless_entry::TRACEPOINTS);
            }
            states::enter(thread, initial, start.from_ns);
        }
        None => {
            if let Some(global) = global() {
                atomic::add(&global.threads_without_state, 1);
            }
        }
    }
}

/// True if the current process is the one that user space started as the target.
#[inline(always)]
fn is_target() -> bool {
    let (target, device, inode) = task::target();
    let mut ids = bpf_pidns_info { pid: 0, tgid: 0 };
    // SAFETY: writes one `bpf_pidns_info`; fails where the process is in another namespace, which leaves 0.
    let failed = unsafe {
        bpf_get_ns_current_pid_tgid(device, inode, &raw mut ids, size_of::<bpf_pidns_info>() as u32)
    };
    failed == 0 && target != 0 && ids.tgid == target
}
