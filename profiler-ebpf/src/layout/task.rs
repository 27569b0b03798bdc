//! The table of states: one entry for each living thread of the target, and the holder of each entry.

use crate::Shared;

/// The state that the programs keep of each thread of the target while it lives.
///
/// It is never plain: a waker, the task iterators and the CPU that switches the thread all use it at once.
///
/// 56 bytes: with the 8 bytes in front of it, here and in task storage, one cache line.
#[repr(C)]
pub struct TaskState {
    /// Since when the thread is doing what `state` says.
    pub since_ns: Shared<u64>,
    /// Time of its last wake, with [`WOKEN_THROTTLED`] beside it; 0 if there was none since its last switch-in.
    pub waking_ns: Shared<u64>,
    /// `se.sum_exec_runtime` at its last switch-out.
    pub cpu_ns: Shared<u64>,
    /// The time at which it entered the fault it is in, 0 if it is in none.
    pub fault_ns: Shared<u64>,
    /// `nvcsw` at its last switch-out, modulo 2^32: a switch is voluntary if and only if the counter grew. Written after `state`.
    pub nvcsw: Shared<u32>,
    /// Key of the cause of a wait, see [`super::blocked_key`].
    pub blocked_key: Shared<u32>,
    /// Mark of the run queue that it began to wait in, by which throttling shows that came later. On kernels that throttle a
    /// run queue as a whole; else 0.
    pub queue_mark: Shared<u32>,
    /// Its slot, or [`NO_SLOT`].
    pub slot: Shared<u32>,
    /// One of [`super::state`].
    pub state: Shared<u32>,
    /// The number of its process tree, and the flag [`super::KERNEL_WORKER`].
    pub family: Shared<u16>,
    /// `nivcsw` at its last switch-out, modulo 2^16: enough to see that it has grown. Written after `state`.
    pub nivcsw: Shared<u16>,
}

impl TaskState {
    /// Time of the last wake; 0 if there was none since the last switch-in.
    #[inline(always)]
    pub fn woken_ns(&self) -> u64 {
        self.waking_ns.get() & !WOKEN_THROTTLED
    }

    /// Becomes the state of another thread.
    #[inline(always)]
    pub fn set(&self, to: &Self) {
        self.since_ns.set(to.since_ns.get());
        self.waking_ns.set(to.waking_ns.get());
        self.cpu_ns.set(to.cpu_ns.get());
        self.fault_ns.set(to.fault_ns.get());
        self.nvcsw.set(to.nvcsw.get());
        self.blocked_key.set(to.blocked_key.get());
        self.queue_mark.set(to.queue_mark.get());
        self.slot.set(to.slot.get());
        self.state.set(to.state.get());
        self.family.set(to.family.get());
        self.nivcsw.set(to.nivcsw.get());
    }
}

/// Set in [`TaskState::waking_ns`] of a thread that was woken while a limit kept it from running. CLOCK_MONOTONIC gets there
/// after 292 years.
pub const WOKEN_THROTTLED: u64 = 1 << 63;

/// An entry of the table of states.
#[repr(C, align(64))]
pub struct Place {
    /// The thread that has it, and how many others would: a [`Holder`].
    pub holder: Shared<u64>,
    /// That thread's state.
    pub state: TaskState,
}

/// The holder of an entry: the address of a `task_struct`, 0 while the entry is free, and in its lowest bits the number of
/// threads of the target that collided with it, so that their state is in task storage.
///
/// Whoever is not in the place looks into task storage only where that number is not 0. A `task_struct` begins at a cache
/// line (kernel/fork.c `fork_init`), so that the number of up to 63 fits below its address. The number stays once it is
/// that large: nobody knows then how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Holder(pub u64);

impl Holder {
    /// The bits of the number of threads in task storage, and the largest such number.
    pub const IN_STORAGE: u64 = 64 - 1;

    /// Stands for the address while the state is being written. No task is there, and the address of each has this bit,
    /// as that of everything in the kernel.
    const CLAIMED: u64 = 1 << 63;

    /// The address of the thread's `task_struct`; 0 while the entry is free.
    #[must_use]
    #[inline(always)]
    pub const fn task(self) -> u64 {
        self.0 & !Self::IN_STORAGE
    }

    /// True if a thread of the target that collided with the entry may have its state in task storage.
    #[must_use]
    #[inline(always)]
    pub const fn is_shared(self) -> bool {
        self.0 & Self::IN_STORAGE != 0
    }

    /// A free entry that is being taken.
    #[must_use]
    #[inline(always)]
    pub const fn claimed(self) -> Self {
        Self(self.0 | Self::CLAIMED)
    }

    /// One thread more in task storage.
    #[must_use]
    #[inline(always)]
    pub const fn one_more(self) -> Self {
        if self.0 & Self::IN_STORAGE == Self::IN_STORAGE { self } else { Self(self.0 + 1) }
    }

    /// One thread less in task storage.
    #[must_use]
    #[inline(always)]
    pub const fn one_less(self) -> Self {
        match self.0 & Self::IN_STORAGE {
            0 | Self::IN_STORAGE => self,
            _ => Self(self.0 - 1),
        }
    }
}

/// [`TaskState::slot`] of a thread that got no slot.
pub const NO_SLOT: u32 = u32::MAX;

/// [`TaskState::slot`] of a thread that has left its process tree.
pub const LEFT: u32 = u32::MAX - 1;

const _: () = {
    assert!(size_of::<TaskState>() == 56);
    assert!(size_of::<Place>() == 64);
};

#[cfg(test)]
mod tests {
    use super::*;

    /// As the kernel hands them out.
    const TASK: u64 = 0xffff_8880_0123_4540;

    #[test]
    fn a_place_is_taken_and_left_whoever_is_in_storage() {
        let free = Holder(0).one_more().one_more();
        let claimed = free.claimed();
        assert_ne!(claimed.task(), 0);
        assert_ne!(claimed.task(), TASK);
        let taken = Holder(claimed.0 | TASK);
        assert_eq!(taken.task(), TASK);
        assert!(taken.is_shared());
        assert_eq!(Holder(taken.0 & Holder::IN_STORAGE), free);
    }

    #[test]
    fn the_number_in_storage_rises_and_falls_beside_the_address() {
        let alone = Holder(TASK);
        assert!(!alone.is_shared());
        let mut holder = alone;
        for _ in 0..62 {
            holder = holder.one_more();
            assert_eq!(holder.task(), TASK);
            assert!(holder.is_shared());
        }
        for _ in 0..62 {
            assert!(holder.is_shared());
            holder = holder.one_less();
        }
        assert_eq!(holder, alone);
        assert_eq!(holder.one_less(), alone);
    }

    #[test]
    fn a_number_that_is_not_known_any_more_stays() {
        let many = (0..100).fold(Holder(TASK), |holder, _| holder.one_more());
        assert_eq!(many.task(), TASK);
        assert!((0..100).fold(many, |holder, _| holder.one_less()).is_shared());
    }
}
