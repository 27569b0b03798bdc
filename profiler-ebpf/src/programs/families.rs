//! Families, for a daemon: a process that a selector has chosen, and all that it starts. In: births and last switches of
//! threads. Out: the number of each family's threads, its rules, and execs of processes outside, which user space may choose.

use super::{
    atomic,
    global::global,
    task::{self, Task},
};
use aya_ebpf::{
    btf_maps::{Array, RingBuf},
    macros::btf_map,
};
use profiler_ebpf::{
    Shared,
    layout::{Executed, KERNEL_WORKER, LEFT, NO_SLOT, SharedFamily, TaskState, rule},
};

// The loader sets the size of each.
#[btf_map]
static FAMILIES: Array<SharedFamily, 1> = Array::new();

/// The rules of user space for each tree: bits of [`rule`].
#[btf_map]
static RULES: Array<Shared<u32>, 1> = Array::new();

/// Execs of processes outside the target, sent to user space. Messages that do not fit are counted.
#[btf_map]
static EXECS: RingBuf<Executed, 4096> = RingBuf::new();

/// Returns the number of a thread's process tree.
#[inline(always)]
pub(crate) fn of(thread: &TaskState) -> u16 {
    thread.family.get() & !KERNEL_WORKER
}

#[inline(always)]
fn counts<'a>(family: u16) -> Option<&'a SharedFamily> {
    // SAFETY: a live element of the map, whose fields are all shared.
    FAMILIES.get_ptr(u32::from(family)).map(|counts| unsafe { &*counts })
}

/// Returns the bits of [`rule`] that user space has set for a tree.
#[inline(always)]
pub(crate) fn rules(family: u16) -> u32 {
    // SAFETY: a live element of the map.
    RULES.get_ptr(u32::from(family)).map_or(0, |rules| unsafe { &*rules }.get())
}

/// True if a child of a thread belongs to the thread's tree. The child is a process if `is_process`, else a thread.
#[inline(always)]
pub(crate) fn grows(parent: &TaskState, is_process: bool) -> bool {
    if !task::watches() {
        return true;
    }
    let refused = if is_process { rule::RELEASED | rule::THREADS_ONLY } else { rule::RELEASED };
    rules(of(parent)) & refused == 0
}

/// A thread has become part of the target.
#[inline(always)]
pub(crate) fn entered(family: u16) {
    if task::watches()
        && let Some(counts) = counts(family)
    {
        atomic::add(&counts.threads, 1);
    }
}

/// Counts a thread of a tree that got no slot.
#[inline(always)]
pub(crate) fn without_slot(family: u16) {
    if task::watches()
        && let Some(counts) = counts(family)
    {
        atomic::add(&counts.without_slot, 1);
    }
}

/// Counts a thread out of its tree. Its last switch and the task-iterator pass that forgets it may both come here: returns
/// `true` to the first, which counts.
#[inline(always)]
pub(crate) fn left(thread: &TaskState) -> bool {
    if !task::watches() {
        // Nothing but its last switch forgets it then.
        return true;
    }
    let slot = thread.slot.get();
    let first = slot != LEFT && atomic::replace(&thread.slot, slot, LEFT);
    if first && let Some(counts) = counts(of(thread)) {
        // One less.
        atomic::add(&counts.threads, u64::MAX);
    }
    first
}

/// Sends the exec of a process outside the target to user space.
#[inline(always)]
pub(crate) fn announce(task: Task) {
    let Some(global) = global() else { return };
    // Nothing can have been chosen before the first pass.
    let Some(level) = global.namespace_level.get().checked_sub(1) else { return };
    let Some((pid, start_ticks)) = task::process_at(task, level as u32) else { return };
    let executed = Executed { pid, reserved: 0, start_ticks, name: task::name(task) };
    if EXECS.output(executed, 0).is_err() {
        atomic::add(&global.missed_execs, 1);
    }
}

// Neither is a slot's number.
const _: () = assert!(LEFT != NO_SLOT);
