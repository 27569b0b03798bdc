//! Process trees of a daemon's recording, called families here: a chosen process and all that it starts.

use super::NAME_BYTES;

/// Maximum number of process trees at a time, with number 0, which stands for none. With [`RULES`](rule) they take 96 KiB.
pub const FAMILIES: u32 = 4096;

/// Flag next to the tree's number in [`super::TaskState::family`]: the thread can't be inside a system call.
pub const KERNEL_WORKER: u16 = 1 << 15;

const _: () = assert!(FAMILIES <= KERNEL_WORKER as u32);

/// The rules that user space sets for a process tree: bits.
pub mod rule {
    /// The children of its processes do not join.
    pub const THREADS_ONLY: u32 = 1;
    /// It is leaving: nothing joins it any more, and the task iterator closes its records.
    pub const RELEASED: u32 = 2;
    /// Records are closed even while their threads are being switched.
    pub const IMPATIENT: u32 = 4;
    /// All its records are closed: the task iterator forgets its threads.
    pub const FORGOTTEN: u32 = 8;
}

/// The message that a process outside the target has executed a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Executed {
    /// Its number, as user space sees it.
    pub pid: u32,
    /// Keeps the next field aligned.
    pub reserved: u32,
    /// The start, in clock ticks since boot.
    pub start_ticks: u64,
    /// The name that it has from now on.
    pub name: [u8; NAME_BYTES],
}

const _: () = {
    assert!(size_of::<Executed>() == 32);
};
