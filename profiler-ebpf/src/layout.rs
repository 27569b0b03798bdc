//! The layout of the memory and the messages that cross between the BPF programs and user space.
//!
//! Everything is fixed-width integers, every type's size is asserted, and there is no padding: what is not a
//! value is a named reserved field.

mod family;
mod settings;
pub mod state;
mod task;

use crate::{buckets, metric::Metric};
pub use family::{Executed, FAMILIES, KERNEL_WORKER, rule};
pub use settings::{Chosen, Offsets, Settings, SharedChosen, TICK_NS, Throttling};
pub use task::{Holder, LEFT, NO_SLOT, Place, TaskState, WOKEN_THROTTLED};

/// Bytes of a thread's name in the kernel, with the closing zero (`TASK_COMM_LEN`, include/linux/sched.h).
pub const NAME_BYTES: usize = 16;

/// Earlier names kept for a thread; further renames are only counted.
pub const EARLIER_NAMES: usize = 3;

/// System calls counted separately for a thread; further ones share [`Slot::blocked_on_others`].
pub const BLOCKED_ON_ENTRIES: usize = 16;

/// Keys of [`BlockedOn`].
pub mod blocked_key {
    /// Not inside a system call: stopped or traced on the way back to user space.
    pub const NO_SYSCALL: u32 = 1;
    /// Inside a page fault that user code took.
    pub const PAGE_FAULT: u32 = 2;
    /// A kernel thread working for the process (io_uring), which is never inside a system call.
    pub const KERNEL_WORKER: u32 = 3;
    /// The key of system call number 0; number `n` has the key `SYSCALL_0 + n`.
    pub const SYSCALL_0: u32 = 16;
    /// The highest number that has a key; no table comes near it.
    pub const LAST_SYSCALL: i32 = (OF_32BIT - SYSCALL_0 - 1) as i32;
    /// Set beside it where the number is of the 32-bit table: the call came by the 32-bit entry.
    pub const OF_32BIT: u32 = 1 << 31;
}

/// The phases of a slot, in the order in which it goes through them.
pub mod phase {
    /// Not in use, or freed.
    pub const FREE: u32 = 0;
    /// Its thread is being recorded.
    pub const LIVE: u32 = 1;
    /// Its thread has exited; nothing changes any more.
    pub const EXITED: u32 = 2;
    /// The recording was closed while the thread lived; nothing changes any more.
    pub const CLOSED: u32 = 3;
}

in_memory! {
    /// Count, sum and extremes of durations: exact whatever happens to their buckets.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(C)]
    pub struct Totals, SharedTotals {
        /// Number of samples.
        pub count: u64,
        /// Their sum in nanoseconds.
        pub sum_ns: u64,
        /// The smallest in nanoseconds; `u64::MAX` while `count` is 0.
        pub min_ns: u64,
        /// The largest in nanoseconds; 0 while `count` is 0.
        pub max_ns: u64,
    }

    /// One metric of one thread: the totals and where its buckets are.
    ///
    /// Aligned so that the totals share a cache line with the pages of the shortest durations.
    #[derive(Clone, Copy, Debug)]
    #[repr(C, align(64))]
    pub struct MetricSlot, SharedMetricSlot {
        /// Count, sum and extremes.
        pub totals: Totals,
        /// For each page of [`crate::buckets`] its number in the page memory; 0 where none was needed yet.
        pub pages: [u32; buckets::PAGES],
        /// Fills the last cache line.
        pub reserved: [u32; 4],
    }

    /// One page of bucket counters.
    #[derive(Clone, Copy, Debug)]
    #[repr(C)]
    pub struct BucketPage, SharedBucketPage {
        /// The samples of each bucket. A counter stays at its largest value where nobody takes counters out; the samples above
        /// are then without a bucket.
        pub counts: [u32; buckets::PAGE_BUCKETS],
    }

    /// A cause of waits, by the system call that the thread was inside.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(C)]
    pub struct BlockedOn, SharedBlockedOn {
        /// The key (see [`blocked_key`]), 0 for a free entry.
        pub key: u32,
        /// Keeps the next field aligned.
        pub reserved: u32,
        /// Number of waits that ended.
        pub count: u64,
        /// Their sum in nanoseconds.
        pub sum_ns: u64,
        /// The longest in nanoseconds.
        pub max_ns: u64,
    }

    /// The kernel's own counters of a thread, read from its `task_struct`.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[repr(C)]
    pub struct KernelCounters, SharedKernelCounters {
        /// Voluntary switches (`nvcsw`).
        pub voluntary_switches: u64,
        /// Involuntary switches (`nivcsw`).
        pub involuntary_switches: u64,
        /// Minor faults (`min_flt`).
        pub minor_faults: u64,
        /// Major faults (`maj_flt`).
        pub major_faults: u64,
        /// CPU time in nanoseconds (`se.sum_exec_runtime`).
        pub cpu_ns: u64,
        /// Moves to another CPU (`se.nr_migrations`).
        pub migrations: u64,
    }

    /// All that is recorded of one thread.
    ///
    /// Measurements are written by the CPU that switches the thread, or that runs it in a fault; the earlier names by
    /// whoever renames the thread; and by a task-iterator pass the state it saw, and the record's begin or end.
    #[derive(Clone, Copy, Debug)]
    #[repr(C, align(64))]
    pub struct Slot, SharedSlot {
        /// One for each of [`Metric::ALL`].
        pub metrics: [MetricSlot; Metric::COUNT],
        /// The causes of the thread's waits; entries are filled from a hash of the key on.
        pub blocked_on: [BlockedOn; BLOCKED_ON_ENTRIES],
        /// Waits on system calls for which no entry was free (key unused).
        pub blocked_on_others: BlockedOn,
        /// Involuntary switch-outs to the idle task.
        pub runnable_idle: Totals,
        /// Waits after a voluntary switch whose wake was not announced: `blocked` and `runqueue_wait` in one.
        pub unattributed_wait: Totals,
        /// Waits in which a limit kept the thread from running.
        pub throttled: Totals,
        /// Those of them that began with a wake, not with an involuntary switch.
        pub throttled_wakes: u64,
        /// Those of `unattributed_wait` that began with an involuntary switch: a limit may have kept the thread from running.
        pub unattributed_wait_involuntary: u64,
        /// Fills the last cache line.
        pub reserved: [u64; 2],
        /// One of [`phase`].
        pub phase: u32,
        /// Process id (`tgid`) in the initial pid namespace.
        pub pid: u32,
        /// Thread id (`pid` in the kernel) in the initial pid namespace.
        pub tid: u32,
        /// The number of the thread's renames.
        pub renames: u32,
        /// The time at which the kernel created the thread (`start_time`), CLOCK_MONOTONIC.
        pub start_ns: u64,
        /// From here on the thread was recorded, CLOCK_MONOTONIC.
        pub from_ns: u64,
        /// Until here the thread was recorded; 0 while it still is.
        pub until_ns: u64,
        /// One of [`state`]: what the thread was doing at `until_ns`.
        pub open_state: u32,
        /// 1 if the thread was born during the recording, 0 if it was there before.
        pub newborn: u16,
        /// The number of its process tree; 0 where trees are not tracked.
        pub family: u16,
        /// Since when it was doing that.
        pub open_since_ns: u64,
        /// Intervals whose end was stamped before their start: counted here, not recorded.
        pub clock_backwards: u64,
        /// Switch-ins that were not announced; their time is inferred from the kernel's CPU time.
        pub inferred_switch_ins: u64,
        /// Fault ends of this thread without a recorded entry, minor.
        pub minor_without_entry: u64,
        /// Fault ends of this thread without a recorded entry, major.
        pub major_without_entry: u64,
        /// Faults of this thread that were entered and never accounted.
        pub faults_never_accounted: u64,
        /// The kernel's counters when the recording of this thread began.
        pub start: KernelCounters,
        /// The kernel's counters when it ended.
        pub end: KernelCounters,
        /// The time for which `found_state` lasted from `from_ns` on. After a state on a CPU, CPU time is compared from
        /// its end on, since the kernel brings its figure up to date only then.
        pub found_ns: u64,
        /// The name it has, or had last.
        pub name: [u8; NAME_BYTES],
        /// The names it had before, oldest first.
        pub earlier_names: [[u8; NAME_BYTES]; EARLIER_NAMES],
        /// Since when the thread was doing what `seen_state` says.
        pub seen_since_ns: u64,
        /// The time of its wake by then; 0 if it was not woken since its last switch-in.
        pub seen_waking_ns: u64,
        /// One of [`state`]: what it was doing when the task iterator last looked at it, for a snapshot or to close its
        /// record.
        pub seen_state: u32,
        /// FOUND or one of the MET of [`state`]: what the thread was doing at `from_ns`, once that is over; 0 before, and for
        /// a newborn thread. Written after `found_ns`.
        pub found_state: u32,
    }

    /// The sums of threads without a slot, for each CPU.
    #[derive(Clone, Copy, Debug)]
    #[repr(C)]
    pub struct SlotlessTotals, SharedSlotlessTotals {
        /// Threads that got no slot.
        pub threads: u64,
        /// Those of them that have exited or were closed.
        pub finished: u64,
        /// Waits that were still open when they were, counted by [`state`] (index 0 and others unused: 0).
        pub open: [u64; state::COUNTED],
        /// One for each of [`Metric::ALL`].
        pub metrics: [Totals; Metric::COUNT],
        /// Involuntary switch-outs to the idle task.
        pub runnable_idle: Totals,
        /// Waits whose wake was not announced.
        pub unattributed_wait: Totals,
        /// Waits in which a limit kept the thread from running.
        pub throttled: Totals,
        /// [`Slot::throttled_wakes`]
        pub throttled_wakes: u64,
        /// [`Slot::unattributed_wait_involuntary`]
        pub unattributed_wait_involuntary: u64,
        /// Switch-ins that were not announced.
        pub inferred_switch_ins: u64,
        /// Fault ends without a recorded entry.
        pub faults_without_entry: u64,
        /// Faults that were entered and never accounted.
        pub faults_never_accounted: u64,
        /// Intervals whose end was stamped before their start.
        pub clock_backwards: u64,
        /// The kernel's counters at the end of the recording of those that are finished.
        pub end: KernelCounters,
        /// The kernel's counters where the recording of each began.
        pub start: KernelCounters,
    }

    /// The programs' counts of a process tree.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[repr(C)]
    pub struct Family, SharedFamily {
        /// Threads of it that are part of the target now. The number is free for another tree once there are none.
        pub threads: u64,
        /// Threads of it that got no slot, ever.
        pub without_slot: u64,
    }

    /// Counters that belong to no thread; index 0 of their map.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[repr(C)]
    pub struct Global, SharedGlobal {
        /// Slots taken that were never used before.
        pub slots_used: u64,
        /// Pages taken that were never used before; page 0 is never allocated.
        pub pages_used: u64,
        /// Threads of the target whose task storage could not be created: nothing is known of them.
        pub threads_without_state: u64,
        /// Records that were closed, and those that were left open because their thread was just being switched.
        pub closings: u64,
        /// Task-iterator passes that close records.
        pub walks: u64,
        /// Threads that joined while they lived.
        pub joined: u64,
        /// Threads that were being born or switched when a pass came to them, so that another pass is needed.
        pub postponed: u64,
        /// One more than the level of the pid namespace of the process that attached to threads; 0 before.
        pub namespace_level: u64,
        /// Execs that could not be announced, because too many were waiting to be read.
        pub missed_execs: u64,
        /// Living threads of the target that the passes of the census and of snapshots came to.
        pub recorded: u64,
        /// Living threads of the target's processes without a record, counted by the same passes.
        pub unrecorded: u64,
    }
}

impl Totals {
    /// No samples.
    pub const EMPTY: Self = Self { count: 0, sum_ns: 0, min_ns: u64::MAX, max_ns: 0 };

    /// Adds one sample.
    pub const fn add(&mut self, ns: u64) {
        self.sum_ns += ns;
        if ns < self.min_ns {
            self.min_ns = ns;
        }
        if ns > self.max_ns {
            self.max_ns = ns;
        }
        self.count += 1;
    }
}

impl SharedTotals {
    /// Adds one sample: to the count last, so that a reader who takes it first may lack the sample there and have it elsewhere,
    /// never the other way round.
    #[inline(always)]
    pub fn add(&self, ns: u64) {
        self.sum_ns.increase(ns);
        if ns < self.min_ns.get() {
            self.min_ns.set(ns);
        }
        if ns > self.max_ns.get() {
            self.max_ns.set(ns);
        }
        self.count.increase(1);
    }
}

impl SharedKernelCounters {
    /// Writes all of them.
    #[inline(always)]
    pub fn set(&self, counters: &KernelCounters) {
        self.voluntary_switches.set(counters.voluntary_switches);
        self.involuntary_switches.set(counters.involuntary_switches);
        self.minor_faults.set(counters.minor_faults);
        self.major_faults.set(counters.major_faults);
        self.cpu_ns.set(counters.cpu_ns);
        self.migrations.set(counters.migrations);
    }
}

/// The message that a thread has exited and its slot may be collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Exited {
    /// The slot.
    pub slot: u32,
    /// Keeps the size a multiple of 8.
    pub reserved: u32,
}

const _: () = {
    assert!(size_of::<Totals>() == 32);
    assert!(size_of::<MetricSlot>() == 192);
    assert!(size_of::<BucketPage>() == 512);
    assert!(size_of::<BlockedOn>() == 32);
    assert!(size_of::<KernelCounters>() == 48);
    assert!(size_of::<Slot>() == 2112);
    assert!(size_of::<Exited>() == 8);
    assert!(size_of::<Family>() == 16);
    assert!(size_of::<Global>() == 88);
    assert!(size_of::<SlotlessTotals>() == 520);
};

#[cfg(feature = "user")]
mod user {
    use super::{Chosen, Exited, Family, Global, Offsets, Settings, SlotlessTotals};

    // SAFETY: fixed-width integers without padding (sizes asserted above).
    unsafe impl aya::Pod for Offsets {}
    // SAFETY: as above.
    unsafe impl aya::Pod for Settings {}
    // SAFETY: as above.
    unsafe impl aya::Pod for Global {}
    // SAFETY: as above.
    unsafe impl aya::Pod for SlotlessTotals {}
    // SAFETY: as above.
    unsafe impl aya::Pod for Exited {}
    // SAFETY: as above.
    unsafe impl aya::Pod for Chosen {}
    // SAFETY: as above.
    unsafe impl aya::Pod for Family {}
}
