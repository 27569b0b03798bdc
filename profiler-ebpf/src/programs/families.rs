//! Families, of a recording that processes join and leave all the time: the one that a thread belongs to, its threads, and execs
//! that may begin another one.

use super::{
    global::{add_shared, global},
    task::{self, Task},
};
use aya_ebpf::{
    btf_maps::{Array, RingBuf},
    macros::btf_map,
};
use core::intrinsics::AtomicOrdering;
use profiler_ebpf::layout::{Executed, Family, KERNEL_WORKER, LEFT, NAME_BYTES, NO_SLOT, TaskState, rule};

// The loader sets the size of each.
#[btf_map]
static FAMILIES: Array<Family, 1> = Array::new();

/// The decisions of user space for each: bits of [`rule`].
#[btf_map]
static RULES: Array<u32, 1> = Array::new();

/// Says which processes outside the target have executed a program. What does not fit is counted.
#[btf_map]
static EXECS: RingBuf<Executed, 4096> = RingBuf::new();

/// The number of a thread's family.
#[inline(always)]
pub(crate) fn of(thread: &TaskState) -> u16 {
    thread.family & !KERNEL_WORKER
}

#[inline(always)]
fn counts<'a>(family: u16) -> Option<&'a mut Family> {
    // SAFETY: a live element of the map; its counters are shared by all CPUs and changed atomically only.
    FAMILIES.get_ptr_mut(u32::from(family)).map(|counts| unsafe { &mut *counts })
}

/// The bits of [`rule`] that user space has set for a family.
#[inline(always)]
pub(crate) fn rules(family: u16) -> u32 {
    // SAFETY: a live element of the map, one word that user space writes.
    RULES.get_ptr(u32::from(family)).map_or(0, |rules| unsafe { rules.read_volatile() })
}

/// True if a thread or process that a thread starts belongs to its family: a thread, or a process if `is_process`.
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
        add_shared(&mut counts.threads);
    }
}

/// A thread of a family found no slot.
#[inline(always)]
pub(crate) fn without_slot(family: u16) {
    if task::watches()
        && let Some(counts) = counts(family)
    {
        add_shared(&mut counts.without_slot);
    }
}

/// A thread is no longer part of the target. Its last switch and the walk that forgets it may both find that: `true` for the
/// first of them, which counts.
#[inline(always)]
pub(crate) fn left(thread: &mut TaskState) -> bool {
    if !task::watches() {
        // Nothing but its last switch forgets it then.
        return true;
    }
    let slot = thread.slot;
    if slot == LEFT {
        return false;
    }
    // SAFETY: a valid, aligned word.
    let (_, first) = unsafe {
        core::intrinsics::atomic_cxchg::<u32, { AtomicOrdering::SeqCst }, { AtomicOrdering::SeqCst }>(
            &raw mut thread.slot,
            slot,
            LEFT,
        )
    };
    if first && let Some(counts) = counts(of(thread)) {
        // SAFETY: a valid, aligned counter.
        unsafe {
            core::intrinsics::atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(
                &mut counts.threads,
                u64::MAX,
            )
        };
    }
    first
}

/// A thread outside the target has executed a program.
#[inline(always)]
pub(crate) fn announce(task: Task) {
    let Some(global) = global() else { return };
    // Nobody can have chosen anything before the first walk.
    let Some(level) = global.namespace_level.checked_sub(1) else { return };
    let Some((pid, start_ticks)) = task::process_at(task, level as u32) else { return };
    let mut executed = Executed { pid, reserved: 0, start_ticks, name: [0; NAME_BYTES] };
    task::read_name(task, &mut executed.name);
    if EXECS.output(executed, 0).is_err() {
        add_shared(&mut global.missed_execs);
    }
}

// Neither is a slot's number.
const _: () = assert!(LEFT != NO_SLOT);
