//! Counters that belong to no thread, and how all CPUs add to what they share.

use aya_ebpf::{btf_maps::Array, macros::btf_map};
use core::intrinsics::AtomicOrdering;
use profiler_ebpf::layout::Global;

#[btf_map]
static GLOBALS: Array<Global, 1> = Array::new();

/// The counters that belong to no thread.
#[inline(always)]
pub(crate) fn global<'a>() -> Option<&'a mut Global> {
    // SAFETY: a live element of the map; its counters are shared by all CPUs and changed by `add_shared` only.
    GLOBALS.get_ptr_mut(0).map(|global| unsafe { &mut *global })
}

/// Raises a counter that all CPUs share and returns what it was before.
#[inline(always)]
pub(crate) fn add_shared(counter: &mut u64) -> u64 {
    add_shared_many(counter, 1)
}

/// Adds to a counter that all CPUs share and returns what it was before.
///
/// `core::sync::atomic` offers no read-modify-write for BPF targets, though the kernel has had the instruction
/// (`BPF_FETCH | BPF_ADD`) since 5.12. Sequentially consistent, because LLVM 22 turns a relaxed one into the
/// instruction without `BPF_FETCH` and takes the addend for its result.
#[inline(always)]
pub(super) fn add_shared_many(counter: &mut u64, more: u64) -> u64 {
    // SAFETY: a valid, aligned counter.
    unsafe { core::intrinsics::atomic_xadd::<u64, u64, { AtomicOrdering::SeqCst }>(counter, more) }
}

/// Takes the next of the things numbered from 0 to `limit - 1` that were never used before.
#[inline(always)]
pub(crate) fn take_next(used: &mut u64, limit: u64) -> Option<u64> {
    // Looked at before it is raised, so that it can't wrap around however often nothing is left.
    if *used >= limit {
        return None;
    }
    let number = add_shared(used);
    (number < limit).then_some(number)
}
