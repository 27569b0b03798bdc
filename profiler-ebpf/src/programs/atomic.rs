//! Changes of a word of shared memory in one step, whoever else writes to it.
//!
//! `core::sync::atomic` offers no read-modify-write for BPF targets, though the kernel has had the instructions since 5.12. All
//! are sequentially consistent, because LLVM 22 turns a relaxed addition into the instruction without `BPF_FETCH` and takes
//! the addend for its result.

use core::intrinsics::{self, AtomicOrdering};
use profiler_ebpf::Shared;

/// Adds, modulo the size of the word, and returns what was there before.
#[inline(always)]
pub(crate) fn add<T: Copy>(word: &Shared<T>, more: T) -> T {
    // SAFETY: a valid, aligned word.
    unsafe { intrinsics::atomic_xadd::<T, T, { AtomicOrdering::SeqCst }>(word.as_ptr(), more) }
}

/// Replaces one value by another; fails if it is not that one any more.
#[inline(always)]
pub(crate) fn replace<T: Copy>(word: &Shared<T>, from: T, to: T) -> bool {
    // SAFETY: as above.
    let (_, replaced) = unsafe {
        intrinsics::atomic_cxchg::<T, { AtomicOrdering::SeqCst }, { AtomicOrdering::SeqCst }>(
            word.as_ptr(),
            from,
            to,
        )
    };
    replaced
}

/// Sets bits.
#[inline(always)]
pub(crate) fn set_bits(word: &Shared<u64>, bits: u64) {
    // SAFETY: as above.
    unsafe { intrinsics::atomic_or::<u64, u64, { AtomicOrdering::SeqCst }>(word.as_ptr(), bits) };
}

/// Clears all other bits.
#[inline(always)]
pub(crate) fn keep_bits(word: &Shared<u64>, bits: u64) {
    // SAFETY: as above.
    unsafe { intrinsics::atomic_and::<u64, u64, { AtomicOrdering::SeqCst }>(word.as_ptr(), bits) };
}

/// Takes the next of the things numbered from 0 to `limit - 1` that were never used before.
#[inline(always)]
pub(crate) fn take_next(used: &Shared<u64>, limit: u64) -> Option<u64> {
    // Looked at before it is raised, so that it can't wrap around however often nothing is left.
    if used.get() >= limit {
        return None;
    }
    let number = add(used, 1);
    (number < limit).then_some(number)
}
