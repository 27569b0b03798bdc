//! Threads that join while they live: the walk that finds them, and the first switch of each.
//!
//! A thread may be switched on another CPU while a walk looks at it. So the look can't say for certain what the thread
//! is doing, nor whether its counters hold a switch whose tracepoint is still to come. The first switch after the look
//! can: a switch-out ends a slice and a switch-in ends a wait, and no other switch of the thread is under way then. The
//! record begins with the time of the look; its first switch settles what the thread was found at, and the counters
//! that the record starts from.

use super::{
    families,
    lifecycle::{self, TaskIterator, begun},
    slots::{self, Start, add_shared, global, slot, slotless_entry},
    states,
    switch::{self, TASK_DEAD, TASK_RUNNING},
    task::{self, Task, now_ns},
};
use aya_ebpf::{btf_maps::HashMap, macros::btf_map};
use profiler_ebpf::{
    layout::{Chosen, Global, KernelCounters, Slot, TaskState, state},
    metric::Metric,
};

/// The processes whose threads join, by their numbers as user space sees them. The loader sets the size.
#[btf_map]
static CHOSEN: HashMap<u32, Chosen, 1> = HashMap::new();

/// States of a task (include/linux/sched.h): being born, and woken but not yet on a run queue.
pub(crate) const TASK_NEW: u32 = 0x800;
const TASK_WAKING: u32 = 0x200;

/// The beginning of a slice that is no sample: later than any end.
const NO_SAMPLE: u64 = u64::MAX;

/// Whether a slice that began then is no sample.
#[inline(always)]
pub(crate) fn is_no_sample(from: u64) -> bool {
    task::joins() && from == NO_SAMPLE
}

/// Set in what [`settle_out`] is told of a switch, beside the task's state: it was a preemption.
pub(crate) const PREEMPTION: u32 = 1 << 31;

/// Looks at a thread in one walk, at most, that is switched each time. At 400 000 switches a second one in ten is.
const LOOKS: u32 = 4;

/// Whether a thread was met, and nothing has happened to it yet.
#[inline(always)]
pub(crate) fn is_met(state: u32) -> bool {
    task::joins() && state::is_met(state)
}

/// Has a task join if it is a thread of a chosen process.
#[inline(always)]
pub(crate) fn join(iterator: *mut TaskIterator) {
    let Some(global) = global() else { return };
    let Some(task) = TaskIterator::task(iterator) else {
        if task::watches()
            && let Some(level) = task::reader_level()
        {
            global.namespace_level = u64::from(level) + 1;
        }
        return;
    };
    let run_state = task::run_state(task);
    if run_state & TASK_DEAD != 0 {
        // It has made its last switch, or is about to.
        return;
    }
    if let Some(thread) = states::of(task) {
        let found = thread.state;
        let stale = state::is_met(found) && !states::agrees(thread, &task::counters(task));
        if stale && states::replace(thread, found, state::MEETING) {
            look(thread, task, global);
        }
        return;
    }
    let Some((number, start_ticks)) = task::process(task) else { return };
    let Some(chosen) = CHOSEN.get_ptr_mut(number) else { return };
    // SAFETY: a live element of the map, which only this program writes to.
    let chosen = unsafe { &mut *chosen };
    if chosen.start_ticks != start_ticks {
        return;
    }
    if run_state & TASK_NEW != 0 || lifecycle::may_be_waking(task) {
        // Its parent is in `sched_process_fork` or `sched_wakeup_new`, where it joins if its parent has. Only the next
        // walk can tell.
        add_shared(&mut global.postponed);
        return;
    }
    if meet(task, global, chosen.family as u16) {
        chosen.joined += 1;
        add_shared(&mut global.joined);
    }
}

/// Makes a thread part of the target that may be doing anything at the moment. Returns whether it is one now.
#[inline(always)]
fn meet(task: Task, global: &mut Global, family: u16) -> bool {
    let start = Start { from_ns: now_ns(), newborn: false, family, counters: task::counters(task) };
    let number = slots::claim(task, &start, slotless_entry::WALKS);
    if let Some(slot) = slot(number) {
        // Just before the first fault that is measured.
        slot.start.minor_faults = task::min_flt(task);
        slot.start.major_faults = task::maj_flt(task);
    }
    let Some(thread) = states::create(task, begun(task, &start, number, state::MEETING)) else {
        slots::give_back(number, &start.counters, slotless_entry::WALKS);
        add_shared(&mut global.threads_without_state);
        return false;
    };
    families::entered(family);
    if let Some(slot) = slot(number) {
        // An exec that took over another's id before there was a state to find.
        slot.tid = task::tid(task);
    }
    let found = look(thread, task, global);
    if task::run_state(task) & TASK_DEAD != 0 && states::replace(thread, found, state::CLOSED) {
        // Its last switch has come before there was a state to find, or finds it closed.
        let mut counters = start.counters;
        let later = thread.nvcsw.wrapping_sub(counters.voluntary_switches as u32);
        counters.voluntary_switches += u64::from(later);
        let later = (thread.nivcsw).wrapping_sub(counters.involuntary_switches as u16);
        counters.involuntary_switches += u64::from(later);
        counters.cpu_ns = thread.cpu_ns;
        families::left(thread);
        states::forget(task);
        slots::give_back(number, &counters, slotless_entry::WALKS);
        return false;
    }
    true
}

/// Looks at a thread that is in the state MEETING, until it is not switched meanwhile. Returns what it was found at.
#[inline(always)]
fn look(thread: &mut TaskState, task: Task, global: &mut Global) -> u32 {
    let mut looks = 0;
    loop {
        restart(thread, &task::counters(task), slotless_entry::WALKS);
        let now = now_ns();
        if let Some(slot) = slot(thread.slot) {
            slot.from_ns = now;
        }
        let found = found_at(task);
        states::enter(thread, found, now);
        // From here on its first switch is seen.
        if states::agrees(thread, &task::counters(task)) {
            return found;
        }
        looks += 1;
        if looks == LOOKS {
            add_shared(&mut global.postponed);
            return found;
        }
        if !states::replace(thread, found, state::MEETING) {
            return found;
        }
    }
}

/// What a thread is doing, as far as another CPU can tell.
#[inline(always)]
fn found_at(task: Task) -> u32 {
    if task::on_cpu(task) != 0 {
        return state::MET_ON_CPU;
    }
    match task::run_state(task) {
        TASK_RUNNING | TASK_WAKING => state::MET_WAITING,
        _ => state::MET_ASLEEP,
    }
}

/// What to show of a thread's state: one that nothing has happened to is looked at once more, which is reliable then.
#[inline(always)]
pub(crate) fn shown(state: u32, thread: &TaskState, task: Task) -> u32 {
    if !is_met(state) {
        return state;
    }
    match found_at(task) {
        // It can run since it was woken, and was asleep until then.
        state::MET_WAITING if thread.woken_ns() >= thread.since_ns => state::MET_ASLEEP,
        found => found,
    }
}

/// Has the record start from other counters. Faults stay: they are measured from the first look on.
#[inline(always)]
pub(crate) fn restart(thread: &mut TaskState, counters: &KernelCounters, entry: u32) {
    match slot(thread.slot) {
        Some(slot) => {
            slot.start.voluntary_switches = counters.voluntary_switches;
            slot.start.involuntary_switches = counters.involuntary_switches;
            slot.start.cpu_ns = counters.cpu_ns;
        }
        None => {
            // Either may be the larger: the sums over all CPUs are right, modulo 2^64.
            let Some(totals) = slots::slotless(entry) else { return };
            let voluntary = (counters.voluntary_switches as u32).wrapping_sub(thread.nvcsw) as i32;
            let involuntary = (counters.involuntary_switches as u16).wrapping_sub(thread.nivcsw) as i16;
            totals.start.voluntary_switches += i64::from(voluntary) as u64;
            totals.start.involuntary_switches += i64::from(involuntary) as u64;
            totals.start.cpu_ns += counters.cpu_ns - thread.cpu_ns;
        }
    }
    states::counted_voluntary(thread, counters.voluntary_switches);
    states::counted_involuntary(thread, counters.involuntary_switches);
    thread.cpu_ns = counters.cpu_ns;
}

/// The first switch of a thread that was met is a switch-out: it was on a CPU. Leaves it in a slice that is no sample;
/// `false` if it is being looked at, so that its record begins after this switch.
#[inline(never)]
pub(crate) fn settle_out(thread: &mut TaskState, prev: Task, now: u64, switch: u32) -> bool {
    let was = thread.state;
    if was == state::MEETING || !states::replace(thread, was, state::ON_CPU) {
        return false;
    }
    let mut counters = task::counters(prev);
    // The switch that is under way belongs to the record.
    if is_voluntary(thread, &counters, switch) {
        counters.voluntary_switches -= 1;
    } else {
        counters.involuntary_switches -= 1;
    }
    let ran = counters.cpu_ns - thread.cpu_ns;
    restart(thread, &counters, slotless_entry::TRACEPOINTS);
    let lasted = found_until(thread, now);
    // It was off CPU, and its switch-in was not announced.
    let is_hidden = was != state::MET_ON_CPU && lasted > ran;
    if is_hidden {
        switch::inferred_switch_in(thread.slot);
    }
    found(thread.slot, if is_hidden { was } else { state::MET_ON_CPU }, lasted);
    if thread.woken_ns() < thread.since_ns {
        thread.waking_ns = 0;
    }
    thread.since_ns = NO_SAMPLE;
    true
}

/// How the kernel has counted the switch that is under way.
#[inline(always)]
fn is_voluntary(thread: &TaskState, counters: &KernelCounters, switch: u32) -> bool {
    let voluntary = (counters.voluntary_switches as u32).wrapping_sub(thread.nvcsw);
    let involuntary = (counters.involuntary_switches as u16).wrapping_sub(thread.nivcsw);
    match (voluntary, involuntary) {
        (1, 0) => true,
        (0, 1) => false,
        // The counters held it at the look already, or the thread was switched between looks: by the kernel's own
        // rule (kernel/sched/core.c `__schedule`).
        _ => switch & PREEMPTION == 0 && switch != TASK_RUNNING,
    }
}

/// The first switch of a thread that was met is a switch-in: it was off CPU. Leaves it in a wait for a CPU that is a
/// sample, or in one that is none; returns its state then, CLOSED if it is being looked at.
#[inline(never)]
pub(crate) fn settle_in(thread: &mut TaskState, next: Task, now: u64) -> u32 {
    let was = thread.state;
    let (from, woken) = (thread.since_ns, thread.woken_ns());
    let is_whole = woken >= from && woken <= now;
    let to = if is_whole { state::NEWBORN } else { state::ON_CPU };
    if was == state::MEETING || !states::replace(thread, was, to) {
        return state::CLOSED;
    }
    restart(thread, &task::counters(next), slotless_entry::TRACEPOINTS);
    if is_whole {
        // The wait for a CPU began in the recording.
        found(thread.slot, state::MET_ASLEEP, woken - from);
        thread.since_ns = woken;
    } else {
        let lasted = found_until(thread, now);
        found(thread.slot, if was == state::MET_ON_CPU { state::MET_WAITING } else { was }, lasted);
    }
    to
}

/// How long a thread was doing what it was found at. Where the stamp of its first switch is earlier than that of the
/// look, the record begins with the switch.
#[inline(always)]
fn found_until(thread: &mut TaskState, now: u64) -> u64 {
    if now >= thread.since_ns {
        return now - thread.since_ns;
    }
    if let Some(slot) = slot(thread.slot) {
        slot.from_ns = now;
    }
    0
}

/// What a thread was found at is over.
#[inline(always)]
fn found(number: u32, state: u32, ns: u64) {
    if let Some(slot) = slot(number) {
        slot.found_ns = ns;
        slot.found_state = state;
    }
}

/// A fault was measured of a thread that nothing else has happened to. The look may have come between the kernel's
/// counting of this fault and its event: the record starts before the fault then.
#[inline(never)]
pub(crate) fn fault_accounted(slot: &mut Slot, metric: u32) {
    let task = task::current();
    if metric == Metric::MinorFault as u32 {
        let measured = slot.metrics[Metric::MinorFault.index()].totals.count + slot.minor_without_entry;
        let before = task::min_flt(task) - measured;
        if slot.start.minor_faults > before {
            slot.start.minor_faults = before;
        }
    } else {
        let measured = slot.metrics[Metric::MajorFault.index()].totals.count + slot.major_without_entry;
        let before = task::maj_flt(task) - measured;
        if slot.start.major_faults > before {
            slot.start.major_faults = before;
        }
    }
}
