//! The four switch metrics, and what a thread was blocked on.

use super::{
    pages::record,
    slots::{self, slot},
    task::{self, Task, now_ns},
};
use profiler_ebpf::{
    layout::{BLOCKED_ON_ENTRIES, BlockedOn, Slot, TaskState, blocked_key, state},
    metric::Metric,
};

/// Set in a dead task's state at its last switch (include/linux/sched.h).
const TASK_DEAD: u32 = 0x80;

/// A CPU turns from one thread to another.
#[inline(always)]
pub(crate) fn sched_switch(prev: Task, next: Task, prev_state: u32) {
    let leaving = task::state(prev);
    let entering = task::state(next);
    // One stamp for both, and none for two threads outside the target. Written as branches, because the
    // compiler would join two tests for a null pointer with an OR, which the verifier forbids.
    let now = match leaving {
        Some(thread) => {
            let now = now_ns();
            switched_out(thread, prev, next, now, prev_state);
            now
        }
        None if entering.is_none() => return,
        None => now_ns(),
    };
    if let Some(thread) = entering {
        switched_in(thread, now);
    }
}

/// A thread is woken. It only leaves its time: whether it ends a wait shows at the switch-in.
#[inline(always)]
pub(crate) fn sched_waking(woken: Task) {
    if let Some(thread) = task::state(woken) {
        thread.waking_ns = now_ns();
    }
}

#[inline(always)]
fn switched_out(thread: &mut TaskState, prev: Task, next: Task, now: u64, prev_state: u32) {
    if thread.state == state::CLOSED {
        return;
    }
    let was_running = thread.state == state::ON_CPU;
    let slice_start = thread.since_ns;
    // The kernel has raised one of the two counters already: voluntary is exactly what getrusage will say.
    let nvcsw = task::nvcsw(prev);
    let left = if nvcsw != thread.nvcsw {
        thread.nvcsw = nvcsw;
        thread.blocked_key = blocked_on(thread, prev);
        state::BLOCKED
    } else if task::tid(next) == 0 {
        state::HELD_BACK
    } else {
        state::PREEMPTED
    };
    thread.state = left;
    thread.since_ns = now;
    let dead = prev_state & TASK_DEAD != 0;
    match slot(thread.slot) {
        Some(slot) => {
            if was_running {
                measure(slot, Metric::OnCpu, slice_start, now);
                if slot.first_slice_ns == 0 && slot.newborn == 0 {
                    first_slice(slot, prev, now - slice_start);
                }
            }
            if dead {
                thread.state = state::CLOSED;
                slots::finish(prev, slot, now, left, now);
                slots::announce(slot, thread.slot);
            }
        }
        None => {
            if was_running {
                slots::record_slotless(Metric::OnCpu as u32, now.saturating_sub(slice_start));
            }
            if dead {
                thread.state = state::CLOSED;
                slots::finish_slotless(prev, slots::slotless_entry::TRACEPOINTS, left);
            }
        }
    }
}

/// The first switch-out of a thread that was found running: from here on CPU times can be compared.
#[inline(always)]
fn first_slice(slot: &mut Slot, prev: Task, slice_ns: u64) {
    slot.first_slice_ns = slice_ns.max(1);
    slot.start.cpu_ns = task::sum_exec_runtime(prev);
}

#[inline(always)]
fn switched_in(thread: &mut TaskState, now: u64) {
    let (since, woken, was) = (thread.since_ns, thread.waking_ns, thread.state);
    if was == state::CLOSED {
        return;
    }
    thread.state = state::ON_CPU;
    thread.since_ns = now;
    let Some(slot) = slot(thread.slot) else {
        switched_in_slotless(was, since, woken, now);
        return;
    };
    match was {
        state::BLOCKED => {
            // A waker can come between a thread's dequeue and its switch-out, never later than this switch-in:
            // a waking time before the switch-out means that the thread was ready all along.
            let ready = if woken > since { woken } else { since };
            let blocked = ready - since;
            record(&mut slot.metrics[Metric::Blocked.index()], blocked);
            add_blocked_on(slot, thread.blocked_key, blocked);
            measure(slot, Metric::RunqueueWait, ready, now);
        }
        state::PREEMPTED => measure(slot, Metric::Preempted, since, now),
        state::NEWBORN => measure(slot, Metric::RunqueueWait, since, now),
        state::HELD_BACK => slot.held_back.add(now.saturating_sub(since)),
        _ => {}
    }
}

#[inline(never)]
fn switched_in_slotless(was: u32, since: u64, woken: u64, now: u64) {
    let ready = if woken > since { woken } else { since };
    match was {
        state::BLOCKED => {
            slots::record_slotless(Metric::Blocked as u32, ready - since);
            slots::record_slotless(Metric::RunqueueWait as u32, now.saturating_sub(ready));
        }
        state::PREEMPTED => slots::record_slotless(Metric::Preempted as u32, now.saturating_sub(since)),
        state::NEWBORN => slots::record_slotless(Metric::RunqueueWait as u32, now.saturating_sub(since)),
        state::HELD_BACK => {
            if let Some(totals) = slots::slotless(slots::slotless_entry::TRACEPOINTS) {
                totals.held_back.add(now.saturating_sub(since));
            }
        }
        _ => {}
    }
}

/// Records an interval. Times of two CPUs may be out of order: that is counted, and nothing invented.
#[inline(always)]
fn measure(slot: &mut Slot, metric: Metric, from: u64, to: u64) {
    if to < from {
        slot.clock_backwards += 1;
        return;
    }
    record(&mut slot.metrics[metric.index()], to - from);
}

/// What a thread that switches out voluntarily waits for.
#[inline(always)]
fn blocked_on(thread: &TaskState, prev: Task) -> u64 {
    if thread.kernel_worker != 0 {
        return blocked_key::KERNEL_WORKER;
    }
    let number = task::syscall_number(prev);
    if number >= 0 {
        blocked_key::SYSCALL_0 + number as u64
    } else if thread.fault_ns != 0 {
        blocked_key::PAGE_FAULT
    } else {
        blocked_key::NO_SYSCALL
    }
}

#[inline(always)]
fn add_blocked_on(slot: &mut Slot, key: u64, ns: u64) {
    let mut place = key as usize;
    for _ in 0..BLOCKED_ON_ENTRIES {
        let entry = &mut slot.blocked_on[place % BLOCKED_ON_ENTRIES];
        if entry.key == 0 {
            entry.key = key;
        }
        if entry.key == key {
            add_wait(entry, ns);
            return;
        }
        place += 1;
    }
    add_wait(&mut slot.blocked_on_others, ns);
}

#[inline(always)]
fn add_wait(entry: &mut BlockedOn, ns: u64) {
    entry.count += 1;
    entry.sum_ns += ns;
    if ns > entry.max_ns {
        entry.max_ns = ns;
    }
}
