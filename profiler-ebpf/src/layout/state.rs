//! The states of a thread, between two events.

/// Running on a CPU.
pub const ON_CPU: u32 = 1;
/// Off CPU since a voluntary switch.
pub const BLOCKED: u32 = 2;
/// Off CPU since an involuntary switch to another thread.
pub const PREEMPTED: u32 = 3;
/// Off CPU since an involuntary switch to the idle task: it may run, and nobody took its CPU (a move to
/// another CPU).
pub const RUNNABLE_IDLE: u32 = 4;
/// Born and not yet switched in.
pub const NEWBORN: u32 = 5;
/// No longer recorded: it exited or the recording was closed.
pub const CLOSED: u32 = 6;
/// Running on a CPU, in the slice during which it executed the target's command: its first.
pub const FOUND: u32 = 7;
/// Off CPU since an involuntary switch, kept from running by a limit: its group's quota, its deadline runtime.
pub const THROTTLED: u32 = 8;

/// Every state up to here is an index of [`super::SlotlessTotals::open`].
pub const COUNTED: usize = THROTTLED as usize + 1;

// States at attach of a thread that joined while it lived. They had begun before, so that they are no
// sample. The task iterator samples it from another CPU, perhaps in the middle of a switch: the state is provisional
// until the thread's first switch settles it.

/// Running on a CPU.
pub const ATTACHED_ON_CPU: u32 = 9;
/// Asleep.
pub const ATTACHED_ASLEEP: u32 = 10;
/// Able to run, and on no CPU.
pub const ATTACHED_WAITING: u32 = 11;
/// Being sampled again, since it was switched during the sample.
pub const ATTACHING: u32 = 12;

/// True until the first context switch after attaching to a running thread.
#[must_use]
#[inline(always)]
pub const fn is_at_attach(state: u32) -> bool {
    state >= ATTACHED_ON_CPU
}
