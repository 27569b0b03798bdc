//! Switches and wakes: the hot path. In: `sched_switch`, `sched_waking`, on some kernels `sched_wakeup`. Out: samples of
//! `on_cpu`, `blocked`, `runqueue_wait` and `preempted`, waits by state without a histogram, and the causes of waits.
//!
//! ```text
//! switch-out        waking           switch-in            switch-out
//!     |---blocked-----|--runqueue_wait--|-------on_cpu---------|---preempted--- ...
//! ```
//!
//! The rule: a switch-out is voluntary exactly if the kernel has raised `nvcsw`. A waker only leaves its time; the switch-in
//! splits the wait there. Each stamp is read once and used for both threads of a switch.

use super::{
    families, first_switch,
    pages::record,
    slots::{self, add_interval, inferred_switch_in, slot},
    states,
    task::{self, TASK_DEAD, TASK_RUNNING, Task, now_ns},
    throttle,
};
use profiler_ebpf::{
    layout::{
        BLOCKED_ON_ENTRIES, KERNEL_WORKER, SharedBlockedOn, SharedSlot, TaskState, WOKEN_THROTTLED,
        blocked_key, state,
    },
    metric::Metric,
};

/// Bits in the state of a task that waits for SIGCONT, or for its tracer (`__TASK_STOPPED`, `__TASK_TRACED`).
const TASK_STOPPED_OR_TRACED: u32 = 0x4 | 0x8;

/// A CPU turns from one thread to another.
#[inline(always)]
pub(crate) fn sched_switch(preempt: u32, prev: Task, next: Task, prev_state: u32) {
    // One stamp for both, and none for two threads outside the target. The one is done with before the other is
    // looked for: else the verifier follows each way to have found the one with each way to have found the other.
    let mut now = NOT_READ;
    if let Some(thread) = states::of(prev) {
        now = now_ns();
        switched_out(thread, prev, next, now, prev_state, preempt);
    }
    if let Some(thread) = states::of(next) {
        if now == NOT_READ {
            now = now_ns();
        }
        switched_in(thread, next, now);
    }
}

/// The clock before it is read; never a time of CLOCK_MONOTONIC, which starts at boot.
const NOT_READ: u64 = 0;

/// A thread is woken. It only leaves its time: whether it ends a wait shows at the switch-in.
#[inline(always)]
pub(crate) fn sched_waking(woken: Task) {
    if let Some(thread) = states::of(woken) {
        thread.waking_ns.set(now_ns() | throttle::at_wake(woken));
    }
}

/// A woken thread is on a run queue now: the one in which it will wait.
#[inline(always)]
pub(crate) fn sched_wakeup(woken: Task) {
    if let Some(thread) = states::of(woken) {
        let throttled = throttle::queued(thread, woken);
        // Without the time of the wake nothing stands beside it.
        if throttled != 0 {
            let waking_ns = thread.waking_ns.get();
            if waking_ns != 0 {
                thread.waking_ns.set(waking_ns | throttled);
            }
        }
    }
}

#[inline(always)]
fn switched_out(thread: &TaskState, prev: Task, next: Task, now: u64, prev_state: u32, preempt: u32) {
    let mut was = thread.state.get();
    let dead = prev_state & TASK_DEAD != 0;
    if was == state::CLOSED {
        if dead {
            closed_before(thread, prev);
        }
        return;
    }
    let cpu_ns = task::sum_exec_runtime(prev);
    if was != state::ON_CPU {
        if states::is_at_attach(was) {
            let preemption = if preempt != 0 { first_switch::PREEMPTION } else { 0 };
            if !first_switch::settle_out(thread, prev, now, prev_state | preemption) {
                return;
            }
            was = state::ON_CPU;
        } else if was == state::FOUND {
            first_slice_ends(thread, prev, now);
        } else {
            infer_switch_in(thread, prev, was, cpu_ns, now);
            was = thread.state.get();
            if was == state::CLOSED {
                if dead {
                    closed_before(thread, prev);
                }
                return;
            }
        }
    }
    thread.cpu_ns.set(cpu_ns);
    let slice_start = thread.since_ns.get();
    let nvcsw = task::nvcsw(prev);
    let left = leave(thread, prev, next, now, nvcsw, prev_state);
    let slot = slot(thread.slot.get());
    // A sum or an announcement can't be taken back: it is either done here or by the end of the recording.
    let to = if dead { state::CLOSED } else { left };
    if (dead || slot.is_none()) && !states::replace(thread, was, to) {
        if dead {
            closed_before(thread, prev);
        }
        return;
    }
    if !dead {
        states::enter(thread, left, now);
        match left {
            state::BLOCKED => states::counted_voluntary(thread, nvcsw),
            _ => states::counted_involuntary(thread, task::nivcsw(prev)),
        }
    }
    match slot {
        Some(slot) => measure(slot, Metric::OnCpu, slice_start, now),
        None => slots::measure_slotless(Metric::OnCpu as u32, slice_start, now),
    }
    if dead {
        ended(thread, prev, now, left);
    }
}

/// The last switch of a thread whose record was closed before.
#[inline(always)]
fn closed_before(thread: &TaskState, prev: Task) {
    if task::watches() && families::left(thread) {
        states::forget(prev);
    }
}

/// A thread's last switch: nothing in its record changes after this.
#[inline(never)]
fn ended(thread: &TaskState, prev: Task, now: u64, left: u32) {
    if thread.fault_ns.get() != 0 {
        slots::never_accounted(thread.slot.get());
    }
    let counters = task::counters(prev);
    match slot(thread.slot.get()) {
        Some(slot) => {
            slots::finish(prev, slot, &counters, now, left, now);
            slots::announce(slot, thread.slot.get());
        }
        None => slots::finish_slotless(&counters, slots::slotless_entry::TRACEPOINTS, left),
    }
    if families::left(thread) {
        states::forget(prev);
    }
}

/// The first switch-out of the thread that executed the command: from here on CPU times can be compared.
#[inline(never)]
fn first_slice_ends(thread: &TaskState, prev: Task, now: u64) {
    if let Some(slot) = slot(thread.slot.get()) {
        slot.found_ns.set(now.saturating_sub(thread.since_ns.get()));
        slot.found_state.set(state::FOUND);
        slot.start.cpu_ns.set(task::sum_exec_runtime(prev));
    }
    // A preemption between the reading of the counters and the state that is found here: from Linux 7 on tracepoints can
    // be preempted (include/linux/tracepoint.h `__DECLARE_TRACE`). This switch is one of those counted since.
    let voluntary = (task::nvcsw(prev) as u32).wrapping_sub(thread.nvcsw.get());
    let involuntary = (task::nivcsw(prev) as u16).wrapping_sub(thread.nivcsw.get());
    let since = u64::from(voluntary) + u64::from(involuntary);
    if since > 1 {
        slots::starts_later(thread.slot.get(), since - 1);
    }
}

/// Classifies a switch-out: the state it leads to.
#[inline(always)]
fn leave(thread: &TaskState, prev: Task, next: Task, now: u64, nvcsw: u64, prev_state: u32) -> u32 {
    // The kernel has raised one of the two counters already: voluntary is exactly what getrusage will say.
    if nvcsw as u32 == thread.nvcsw.get() {
        if throttle::is_throttled(prev) {
            return state::THROTTLED;
        }
        throttle::note(thread, prev);
        return if task::tid(next) == 0 { state::RUNNABLE_IDLE } else { state::PREEMPTED };
    }
    thread.blocked_key.set(blocked_on(thread, prev, prev_state));
    // About to sleep, but a signal was pending (kernel/sched/core.c `try_to_block_task`): it stays on the run
    // queue and nobody will wake it. Older kernels still show the sleeping state here, so that such a wait
    // is counted as one without a wake.
    if prev_state == TASK_RUNNING && thread.waking_ns.get() == 0 {
        thread.waking_ns.set(now | throttle::queued(thread, prev));
    }
    state::BLOCKED
}

/// The kernel announced no switch-in since the last switch-out. Seen on one virtual machine, whose kernel fires no
/// tracepoint in the context of some threads (its agent's, one CPU's idle task): about 30 of 100 000 switches.
/// The time that the thread has run since then, by the kernel's own account, tells when it was.
#[inline(never)]
fn infer_switch_in(thread: &TaskState, task: Task, was: u32, cpu_ns: u64, now: u64) {
    let ran = cpu_ns.saturating_sub(thread.cpu_ns.get());
    let earliest = ready_since(thread.since_ns.get(), thread.woken_ns());
    let begun = now.saturating_sub(ran);
    slice_begins(thread, task, was, if begun > earliest { begun } else { earliest });
    inferred_switch_in(thread.slot.get());
}

#[inline(always)]
fn switched_in(thread: &TaskState, next: Task, now: u64) {
    let mut was = thread.state.get();
    if states::is_at_attach(was) {
        was = first_switch::settle_in(thread, next, now);
    }
    if was != state::CLOSED {
        slice_begins(thread, next, was, now);
    }
}

/// A wait of the thread ends, and a slice begins.
#[inline(always)]
fn slice_begins(thread: &TaskState, task: Task, was: u32, now: u64) {
    let since = thread.since_ns.get();
    let (settled, woken) = throttle::settled(thread, task, was);
    let Some(slot) = slot(thread.slot.get()) else {
        if states::replace(thread, was, state::ON_CPU) {
            thread.since_ns.set(now);
            thread.waking_ns.set(0);
            switched_in_slotless(settled, since, woken, now);
        }
        return;
    };
    thread.waking_ns.set(0);
    states::enter(thread, state::ON_CPU, now);
    match settled {
        state::BLOCKED if woken != 0 => {
            let ready = ready_since(since, woken & !WOKEN_THROTTLED);
            let blocked = ready - since;
            record(&slot.metrics[Metric::Blocked.index()], blocked);
            add_blocked_on(slot, thread.blocked_key.get(), blocked);
            waited_for_cpu(slot, woken, ready, now);
        }
        // The kernel announced no wake: the parts of this wait are not known, and none is invented.
        state::BLOCKED => add_interval(&slot.unattributed_wait, since, now, &slot.clock_backwards),
        state::PREEMPTED => measure(slot, Metric::Preempted, since, now),
        state::NEWBORN => waited_for_cpu(slot, woken, since, now),
        state::RUNNABLE_IDLE => add_interval(&slot.runnable_idle, since, now, &slot.clock_backwards),
        state::THROTTLED => add_interval(&slot.throttled, since, now, &slot.clock_backwards),
        throttle::UNTOLD => {
            let counted = slot.unattributed_wait.count.get();
            add_interval(&slot.unattributed_wait, since, now, &slot.clock_backwards);
            slot.unattributed_wait_involuntary.increase(slot.unattributed_wait.count.get() - counted);
        }
        _ => {}
    }
}

/// A wait that began with a wake is over.
#[inline(always)]
fn waited_for_cpu(slot: &SharedSlot, woken: u64, ready: u64, now: u64) {
    if woken & WOKEN_THROTTLED == 0 {
        measure(slot, Metric::RunqueueWait, ready, now);
        return;
    }
    let counted = slot.throttled.count.get();
    add_interval(&slot.throttled, ready, now, &slot.clock_backwards);
    slot.throttled_wakes.increase(slot.throttled.count.get() - counted);
}

#[inline(never)]
fn switched_in_slotless(was: u32, since: u64, woken: u64, now: u64) {
    let Some(totals) = slots::slotless(slots::slotless_entry::TRACEPOINTS) else { return };
    let (into, from) = match was {
        state::BLOCKED if woken != 0 => {
            let ready = ready_since(since, woken & !WOKEN_THROTTLED);
            totals.metrics[Metric::Blocked.index()].add(ready - since);
            if woken & WOKEN_THROTTLED != 0 {
                totals.throttled_wakes.increase(1);
                (&totals.throttled, ready)
            } else {
                (&totals.metrics[Metric::RunqueueWait.index()], ready)
            }
        }
        state::BLOCKED => (&totals.unattributed_wait, since),
        state::PREEMPTED => (&totals.metrics[Metric::Preempted.index()], since),
        state::NEWBORN => (&totals.metrics[Metric::RunqueueWait.index()], since),
        state::RUNNABLE_IDLE => (&totals.runnable_idle, since),
        state::THROTTLED => (&totals.throttled, since),
        throttle::UNTOLD => {
            totals.unattributed_wait_involuntary.increase(1);
            (&totals.unattributed_wait, since)
        }
        _ => return,
    };
    add_interval(into, from, now, &totals.clock_backwards);
}

/// From when on a thread that left voluntarily could run again. A waker can come between its dequeue and its
/// switch-out: a waking time before the switch-out means that it was ready all along.
#[inline(always)]
fn ready_since(left: u64, woken: u64) -> u64 {
    if woken > left { woken } else { left }
}

/// Records an interval. Times of two CPUs may be out of order: that is counted, and nothing invented.
#[inline(always)]
fn measure(slot: &SharedSlot, metric: Metric, from: u64, to: u64) {
    if to < from {
        if !states::is_no_sample(from) {
            slot.clock_backwards.increase(1);
        }
        return;
    }
    record(&slot.metrics[metric.index()], to - from);
}

/// The key of what a thread waits for that switches out voluntarily.
#[inline(always)]
fn blocked_on(thread: &TaskState, prev: Task, prev_state: u32) -> u32 {
    if thread.family.get() & KERNEL_WORKER != 0 {
        return blocked_key::KERNEL_WORKER;
    }
    // The registers still hold the call that a stop has interrupted, or that it comes before.
    if prev_state & TASK_STOPPED_OR_TRACED != 0 {
        return blocked_key::NO_SYSCALL;
    }
    let number = task::syscall_number(prev);
    if (0..=blocked_key::LAST_SYSCALL).contains(&number) {
        let table = if task::is_32bit_syscall(prev) { blocked_key::OF_32BIT } else { 0 };
        table | (blocked_key::SYSCALL_0 + number as u32)
    } else if thread.fault_ns.get() != 0 {
        blocked_key::PAGE_FAULT
    } else {
        blocked_key::NO_SYSCALL
    }
}

#[inline(always)]
fn add_blocked_on(slot: &SharedSlot, key: u32, ns: u64) {
    for probe in 0..BLOCKED_ON_ENTRIES {
        let entry = &slot.blocked_on[(key as usize + probe) % BLOCKED_ON_ENTRIES];
        let found = entry.key.get();
        if found != key {
            if found != 0 {
                continue;
            }
            entry.key.set(key);
        }
        add_wait(entry, ns);
        return;
    }
    add_wait(&slot.blocked_on_others, ns);
}

#[inline(always)]
fn add_wait(entry: &SharedBlockedOn, ns: u64) {
    entry.count.increase(1);
    entry.sum_ns.increase(ns);
    if ns > entry.max_ns.get() {
        entry.max_ns.set(ns);
    }
}
