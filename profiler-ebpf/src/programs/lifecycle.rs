//! Which threads belong to the target: birth, exec, rename, and the end of the recording.

use super::{
    census, families, met,
    slots::{self, Start, add_shared, global, slot},
    snapshot, states,
    task::{self, Task, now_ns},
    throttle,
};
use aya_ebpf::{bindings::bpf_pidns_info, helpers::generated::bpf_get_ns_current_pid_tgid};
use profiler_ebpf::layout::{
    EARLIER_NAMES, Global, KERNEL_WORKER, KernelCounters, NO_SLOT, TaskState, phase, state,
};

/// Threads that the kernel starts in a process for itself: io_uring's workers and vhost's (`PF_IO_WORKER`, `PF_USER_WORKER`,
/// include/linux/sched.h; before Linux 6.4 the second is not used, and vhost's are kernel threads).
const USER_WORKER_FLAGS: u32 = 0x0000_0010 | 0x0000_4000;

/// These and kernel threads (`PF_KTHREAD`): their saved registers do not hold a system call of theirs.
const KERNEL_WORKER_FLAGS: u32 = 0x0020_0000 | USER_WORKER_FLAGS;

/// Where families are not told apart.
const NO_FAMILY: u16 = 0;

/// A thread of the target starts another thread or process.
#[inline(always)]
pub(crate) fn sched_process_fork(parent: Task, child: Task) {
    states::forget(child);
    let Some(parent_state) = states::of(parent) else { return };
    if parent_state.state == state::CLOSED {
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
    task::flags(task) & USER_WORKER_FLAGS != 0
        && !task::has_run(task)
        && now_ns().saturating_sub(task::start_ns(task)) < WAKING_NS
}

/// A newborn thread is put on a run queue: its first wait begins.
///
/// The kernel starts workers without `sched_process_fork` (kernel/fork.c `create_io_thread`, kernel/vhost_task.c: they call
/// `copy_process` and wake the thread themselves). Whoever does so is a thread of the same process, and wakes it here.
#[inline(always)]
pub(crate) fn sched_wakeup_new(newborn: Task) {
    let is_met = || states::of(newborn).is_some_and(|thread| met::is_met(thread.state));
    if task::flags(newborn) & USER_WORKER_FLAGS != 0 && !is_met() {
        sched_process_fork(task::current(), newborn);
    }
    let Some(thread) = states::of(newborn) else { return };
    if thread.state != state::NEWBORN {
        return;
    }
    let now = now_ns();
    match slot(thread.slot) {
        Some(slot) => {
            slot.from_ns = now;
            states::enter(thread, state::NEWBORN, now);
            // Tells a snapshot that the record has begun: before this it is not known from when on it counts.
            thread.waking_ns = now | throttle::at_wake(newborn) | throttle::queued(thread, newborn);
        }
        None => thread.since_ns = now,
    }
}

/// A program was executed.
#[inline(always)]
pub(crate) fn sched_process_exec(task: Task) {
    if let Some(thread) = states::of(task)
        && !(task::watches() && thread.state == state::CLOSED)
    {
        // A thread that is not the leader takes over the leader's id (fs/exec.c `de_thread`).
        if let Some(slot) = slot(thread.slot) {
            slot.tid = task::tid(task);
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
    if thread.state == state::CLOSED {
        return;
    }
    let Some(slot) = slot(thread.slot) else { return };
    let earlier = slot.renames as usize;
    slot.renames += 1;
    if earlier < EARLIER_NAMES {
        task::read_name(task, &mut slot.earlier_names[earlier]);
    }
}

/// What the kernel passes to a task iterator (kernel/bpf/task_iter.c).
#[repr(C)]
pub(crate) struct TaskIterator {
    meta: *mut core::ffi::c_void,
    task: Task,
}

impl TaskIterator {
    /// The task that it has come to; `None` behind the last.
    #[inline(always)]
    pub(crate) fn task(iterator: *mut Self) -> Option<Task> {
        // SAFETY: the context of a task iterator; the verifier knows its layout.
        let task = unsafe { (*iterator).task };
        if task.is_null() { None } else { Some(task) }
    }
}

/// After so many walks a record is closed whatever the counters say, and the difference is in it: a switch under way
/// is over when the next walk begins, so that even a thread that always switches is met between two of them soon.
const PATIENCE: u64 = 16;

/// Closes the record of one task, if it belongs to the target, or leaves it to the next walk. The first walk closes nothing: it
/// takes the census, while every thread that is born joins.
///
/// The thread may be switched meanwhile on another CPU. Its record is left open while a switch is under way, so that
/// it holds what the counters hold. What is at work already when the state becomes CLOSED does not see that, and sets
/// another one: the next walk finds it, and closes the record again.
#[inline(always)]
pub(crate) fn close(iterator: *mut TaskIterator) {
    let Some(global) = global() else { return };
    let Some(task) = TaskIterator::task(iterator) else {
        add_shared(&mut global.walks);
        return;
    };
    if global.walks == 0 {
        census::count(task, global);
        return;
    }
    let Some(thread) = states::of(task) else { return };
    close_thread(task, thread, global, global.walks >= PATIENCE);
}

/// Closes the record of a thread, unless that is done already or, while there is patience, a switch is under way.
#[inline(always)]
pub(crate) fn close_thread(task: Task, thread: &mut TaskState, global: &mut Global, is_impatient: bool) {
    let was = thread.state;
    if was == state::CLOSED {
        return;
    }
    add_shared(&mut global.closings);
    let mut counters = task::counters(task);
    if !states::agrees(thread, &counters) && !is_impatient {
        return;
    }
    let open_state = met::shown(was, thread, task);
    if !states::replace(thread, was, state::CLOSED) {
        return;
    }
    if !states::agrees(thread, &counters) {
        // It went through the same state again in between.
        counters = task::counters(task);
    }
    match slot(thread.slot) {
        Some(slot) => {
            snapshot::saw(slot, thread, open_state);
            slots::finish(task, slot, &counters, now_ns(), open_state, thread.since_ns);
            slot.phase = phase::CLOSED;
        }
        None => slots::finish_slotless(&counters, slots::slotless_entry::WALKS, open_state),
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
            // SAFETY: a field of a valid reference. Volatile, because it must be written before the state.
            unsafe { (&raw mut thread.slot).write_volatile(slot) };
            if initial == state::FOUND {
                // It may have been preempted since they were read. What little is left of that is found out by its first
                // switch.
                met::restart(thread, &task::counters(task), slots::slotless_entry::TRACEPOINTS);
            }
            states::enter(thread, initial, start.from_ns);
        }
        None => {
            if let Some(global) = global() {
                add_shared(&mut global.threads_without_state);
            }
        }
    }
}

/// The state of a thread that nothing has happened to.
#[inline(always)]
pub(crate) fn begun(task: Task, start: &Start, slot: u32, state: u32) -> TaskState {
    let is_kernel_worker = task::flags(task) & KERNEL_WORKER_FLAGS != 0;
    TaskState {
        since_ns: start.from_ns,
        waking_ns: 0,
        cpu_ns: start.counters.cpu_ns,
        fault_ns: 0,
        nvcsw: start.counters.voluntary_switches as u32,
        blocked_key: 0,
        queue_mark: 0,
        slot,
        state,
        family: start.family | if is_kernel_worker { KERNEL_WORKER } else { 0 },
        nivcsw: start.counters.involuntary_switches as u16,
    }
}

/// Whether the current process is the one that user space started as the target.
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
