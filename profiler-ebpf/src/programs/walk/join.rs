//! Attaching: threads of chosen processes that live already join. In: a task of a task iterator. Out: a state and a slot, whose
//! record begins at the time of the sample.
//!
//! The problem: the thread may be switched on another CPU while it is sampled. Neither its state is certain then, nor whether
//! its counters hold a switch whose tracepoint is still to come. `first_switch` settles both.

use crate::programs::{
    atomic,
    birth::may_be_waking,
    families,
    global::global,
    slots::{self, slot, slotless_entry},
    states::{self, Start, begun},
    task::{self, TASK_DEAD, TASK_NEW, Task, TaskIterator, now_ns},
};
use aya_ebpf::{btf_maps::HashMap, macros::btf_map};
use profiler_ebpf::layout::{SharedChosen, SharedGlobal, TaskState, state};

/// The processes whose threads join, by their numbers as user space sees them. The loader sets the size.
#[btf_map]
static CHOSEN: HashMap<u32, SharedChosen, 1> = HashMap::new();

/// The most samples of a thread in one pass, if it is switched during each. At 400 000 switches a second one in ten is.
const SAMPLES: u32 = 4;

/// Has a task join if it is a thread of a chosen process.
#[inline(always)]
pub(crate) fn join(iterator: *mut TaskIterator) {
    let Some(global) = global() else { return };
    let Some(task) = TaskIterator::task(iterator) else {
        if task::watches()
            && let Some(level) = task::reader_level()
        {
            global.namespace_level.set(u64::from(level) + 1);
        }
        return;
    };
    let run_state = task::run_state(task);
    if run_state & TASK_DEAD != 0 {
        // It has made its last switch, or is about to.
        return;
    }
    if let Some(thread) = states::of(task) {
        let found = thread.state.get();
        let stale = state::is_at_attach(found) && !states::agrees(thread, &task::counters(task));
        if stale && states::replace(thread, found, state::ATTACHING) {
            sample(thread, task, global);
        }
        return;
    }
    let Some((number, start_ticks)) = task::process(task) else { return };
    let Some(chosen) = CHOSEN.get_ptr(number) else { return };
    // SAFETY: a live element of the map, whose fields are all shared.
    let chosen = unsafe { &*chosen };
    if chosen.start_ticks.get() != start_ticks {
        return;
    }
    if run_state & TASK_NEW != 0 || may_be_waking(task) {
        // Its parent is in `sched_process_fork` or `sched_wakeup_new`, where it joins if its parent has. Only the next
        // walk can tell.
        atomic::add(&global.postponed, 1);
        return;
    }
    if attach(task, global, chosen.family.get() as u16) {
        // Only this walk writes to it.
        chosen.joined.increase(1);
        atomic::add(&global.joined, 1);
    }
}

/// Makes a thread part of the target that may be doing anything at the moment. Returns whether it is one now.
#[inline(always)]
fn attach(task: Task, global: &SharedGlobal, family: u16) -> bool {
    let start = Start { from_ns: now_ns(), newborn: false, family, counters: task::counters(task) };
    let number = slots::claim(task, &start, slotless_entry::WALKS);
    if let Some(slot) = slot(number) {
        // Just before the first fault that is measured.
        slot.start.minor_faults.set(task::min_flt(task));
        slot.start.major_faults.set(task::maj_flt(task));
    }
    let Some(thread) = states::create(task, begun(task, &start, number, state::ATTACHING)) else {
        slots::give_back(number, &start.counters, slotless_entry::WALKS);
        atomic::add(&global.threads_without_state, 1);
        return false;
    };
    families::entered(family);
    if let Some(slot) = slot(number) {
        // An exec that took over another's id before there was a state to find.
        slot.tid.set(task::tid(task));
    }
    let found = sample(thread, task, global);
    if task::run_state(task) & TASK_DEAD != 0 && states::replace(thread, found, state::CLOSED) {
        // Its last switch has come before there was a state to find, or finds it closed.
        let mut counters = start.counters;
        let later = thread.nvcsw.get().wrapping_sub(counters.voluntary_switches as u32);
        counters.voluntary_switches += u64::from(later);
        let later = thread.nivcsw.get().wrapping_sub(counters.involuntary_switches as u16);
        counters.involuntary_switches += u64::from(later);
        counters.cpu_ns = thread.cpu_ns.get();
        if families::left(thread) {
            states::forget(task);
        }
        slots::give_back(number, &counters, slotless_entry::WALKS);
        return false;
    }
    true
}

/// Samples a thread in the state ATTACHING until no switch comes in between. Returns its state at attach.
#[inline(always)]
fn sample(thread: &TaskState, task: Task, global: &SharedGlobal) -> u32 {
    let mut samples = 0;
    loop {
        slots::restart(thread, &task::counters(task), slotless_entry::WALKS);
        let now = now_ns();
        if let Some(slot) = slot(thread.slot.get()) {
            slot.from_ns.set(now);
        }
        let found = states::state_at_attach(task);
        states::enter(thread, found, now);
        // From here on its first switch is seen.
        if states::agrees(thread, &task::counters(task)) {
            return found;
        }
        samples += 1;
        if samples == SAMPLES {
            atomic::add(&global.postponed, 1);
            return found;
        }
        if !states::replace(thread, found, state::ATTACHING) {
            return found;
        }
    }
}
