//! Limits that keep a thread from running though it could: the quota of its control group (`cpu.max`), a deadline
//! thread's runtime, the real-time limit.
//!
//! The kernel says it of the thread, or of the run queue that the thread is in. From Linux 6.18 on a thread whose group is
//! out of quota is taken off its run queue as it returns to user space (kernel/sched/fair.c `throttle_cfs_rq_work`), so
//! that its switch-out shows it. Before, the group's run queue is taken off as a whole, with whoever waits in it: that
//! shows at a switch-out and where a woken thread is queued, and where it happens during a wait, by a sum of the run queue
//! that has grown.

use super::task::{self, Task};
use aya_ebpf::helpers::bpf_get_smp_processor_id;
use profiler_ebpf::layout::{TaskState, WOKEN_THROTTLED, state};

/// The first priority of threads that are neither deadline nor real-time ones (include/linux/sched/prio.h `MAX_RT_PRIO`);
/// those of deadline threads are negative.
const MAX_RT_PRIO: i32 = 100;

/// Something in the kernel that a field of a task leads to.
type Kernel = *mut u8;

/// Reads a field of what a field of a task led to.
///
/// # Safety
/// As for [`task::field`].
#[inline(always)]
unsafe fn field<T: Copy>(of: Kernel, offset: u32) -> T {
    // SAFETY: promised by the caller; the verifier checks the access against the kernel's BTF.
    unsafe { task::field(of.cast(), offset) }
}

/// Tells that a limit keeps a thread from running: one that is being switched out, or woken.
#[inline(always)]
pub(crate) fn is_throttled(task: Task) -> bool {
    let fields = task::throttling();
    // SAFETY: here and below, user space read the offset of this very field from the kernel's BTF.
    let prio: i32 = unsafe { task::field(task, fields.prio) };
    if prio < 0 {
        // SAFETY: as above.
        return fields.dl_throttled != 0
            && u32::from(unsafe { task::field::<u8>(task, fields.dl_throttled) }) & fields.dl_throttled_mask
                != 0;
    }
    if prio < MAX_RT_PRIO {
        return is_real_time_throttled(task);
    }
    if fields.task != 0 {
        // SAFETY: as above.
        return unsafe { task::field::<u8>(task, fields.task) } != 0;
    }
    if fields.throttle_count == 0 {
        return false;
    }
    // SAFETY: as above.
    let cfs_rq: Kernel = unsafe { task::field(task, fields.cfs_rq) };
    // SAFETY: as above.
    unsafe { field::<u32>(cfs_rq, fields.throttle_count) != 0 }
}

/// The limit of a real-time thread's group, or else of all of its CPU.
#[inline(always)]
fn is_real_time_throttled(task: Task) -> bool {
    let fields = task::throttling();
    if fields.rt_rq != 0 {
        // SAFETY: as in `is_throttled`.
        let rt_rq: Kernel = unsafe { task::field(task, fields.rt_rq) };
        // SAFETY: likewise. An `int`, and less on some kernels: the first byte says the same.
        return unsafe { field::<u8>(rt_rq, fields.rt_throttled) } != 0;
    }
    if fields.rq_rt_throttled == 0 {
        return false;
    }
    // SAFETY: as in `is_throttled`.
    let cfs_rq: Kernel = unsafe { task::field(task, fields.cfs_rq) };
    // SAFETY: likewise.
    let rq: Kernel = unsafe { field(cfs_rq, fields.cfs_rq_rq) };
    // SAFETY: likewise.
    unsafe { field::<u8>(rq, fields.rq_rt_throttled) != 0 }
}

/// Set beside the time of a wake: see [`WOKEN_THROTTLED`]. Where a run queue is throttled as a whole, [`queued`] tells: the thread
/// is in none yet, or in that of another CPU.
#[inline(always)]
pub(crate) fn at_wake(woken: Task) -> u64 {
    if !(is_by_run_queue() && is_fair(woken)) && is_throttled(woken) { WOKEN_THROTTLED } else { 0 }
}

/// A thread of neither a deadline nor a real-time policy.
#[inline(always)]
fn is_fair(task: Task) -> bool {
    // SAFETY: as in `is_throttled`.
    unsafe { task::field::<i32>(task, task::throttling().prio) >= MAX_RT_PRIO }
}

/// Of a kernel that throttles a run queue as a whole.
#[inline(always)]
fn is_by_run_queue() -> bool {
    task::throttling().is_by_run_queue()
}

/// Set in the mark of a run queue that was ever throttled.
const EVER: u32 = 1 << 8;

/// The bits of a mark that tell the CPU.
const CPU: u32 = 0xff;

/// Of the run queue that a thread is in: its CPU, and a digest of how long it has been throttled in all.
#[inline(always)]
fn mark(task: Task) -> u32 {
    let fields = task::throttling();
    // SAFETY: as in `is_throttled`.
    let cfs_rq: Kernel = unsafe { task::field(task, fields.cfs_rq) };
    // SAFETY: likewise.
    let throttled_ns: u64 = unsafe { field(cfs_rq, fields.throttled_time) };
    // SAFETY: no arguments, no preconditions.
    let cpu = unsafe { bpf_get_smp_processor_id() } & CPU;
    if throttled_ns == 0 {
        return cpu;
    }
    // 23 bits of a sum of nanoseconds: it has grown by a multiple of 8 ms, to the nanosecond, where this misses it.
    (throttled_ns as u32) << 9 | EVER | cpu
}

/// A thread switches out involuntarily, and no limit keeps it from running yet.
#[inline(always)]
pub(crate) fn note(thread: &TaskState, task: Task) {
    if is_by_run_queue() {
        thread.queue_mark.set(mark(task));
    }
}

/// Likewise one that waits in a run queue after a wake or since its birth. What is returned is set beside the time of that:
/// see [`WOKEN_THROTTLED`].
#[inline(always)]
pub(crate) fn queued(thread: &TaskState, task: Task) -> u64 {
    if !is_by_run_queue() {
        return 0;
    }
    thread.queue_mark.set(mark(task));
    if is_fair(task) && is_throttled(task) { WOKEN_THROTTLED } else { 0 }
}

/// A wait that began with an involuntary switch, of which nobody can tell: a thread that changed its CPU, among run queues
/// that were throttled at some time.
pub(crate) const UNTOLD: u32 = u32::MAX;

/// The state that a wait is accounted in, and the time of its wake with what stands beside it: the wait may have turned into
/// another since it began. One after a wake of which nobody can tell is shown as one without a wake, so that its parts
/// are not known; the first one of a newborn thread stays as it was.
#[inline(always)]
pub(crate) fn settled(thread: &TaskState, task: Task, was: u32) -> (u32, u64) {
    let woken = thread.waking_ns.get();
    if !is_by_run_queue() || was == state::ON_CPU || woken & WOKEN_THROTTLED != 0 {
        return (was, woken);
    }
    let (before, now) = (thread.queue_mark.get(), mark(task));
    if before == now || (before | now) & EVER == 0 {
        return (was, woken);
    }
    let is_same_queue = (before ^ now) & CPU == 0;
    match was {
        state::PREEMPTED | state::RUNNABLE_IDLE if is_same_queue => (state::THROTTLED, woken),
        state::PREEMPTED | state::RUNNABLE_IDLE => (UNTOLD, woken),
        state::BLOCKED | state::NEWBORN if woken != 0 && is_same_queue => (was, woken | WOKEN_THROTTLED),
        state::BLOCKED => (was, 0),
        _ => (was, woken),
    }
}
