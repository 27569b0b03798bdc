//! Settings of the programs from user space: offsets of the kernel's fields, the user's choices, the target.

in_memory! {
    /// A process whose threads join while they live; the key is its number as user space sees it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    #[repr(C)]
    pub struct Chosen, SharedChosen {
        /// The start, in clock ticks since boot as /proc shows it: another process with its number is not it.
        pub start_ticks: u64,
        /// Threads of it that have joined.
        pub joined: u64,
        /// The process tree that they and their descendants belong to.
        pub family: u32,
        /// Keeps the size a multiple of 8.
        pub reserved: u32,
    }
}

/// Nanoseconds of a clock tick in /proc (`USER_HZ` is 100 on x86).
pub const TICK_NS: u64 = 10_000_000;

/// The offsets of the fields that the programs read, in bytes from the start of the struct.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Offsets {
    /// `task_struct.pid`
    pub pid: u32,
    /// `task_struct.tgid`
    pub tgid: u32,
    /// `task_struct.flags`
    pub flags: u32,
    /// `task_struct.comm`
    pub comm: u32,
    /// `task_struct.start_time`
    pub start_time: u32,
    /// `task_struct.nvcsw`
    pub nvcsw: u32,
    /// `task_struct.nivcsw`
    pub nivcsw: u32,
    /// `task_struct.min_flt`
    pub min_flt: u32,
    /// `task_struct.maj_flt`
    pub maj_flt: u32,
    /// `task_struct.se.sum_exec_runtime`
    pub sum_exec_runtime: u32,
    /// `task_struct.se.nr_migrations`
    pub nr_migrations: u32,
    /// `pt_regs.orig_ax`
    pub orig_ax: u32,
    /// `task_struct.__state`
    pub run_state: u32,
    /// `task_struct.on_cpu`
    pub on_cpu: u32,
    /// `task_struct.start_boottime`
    pub start_boottime: u32,
    /// `task_struct.group_leader`
    pub group_leader: u32,
    /// `task_struct.signal`
    pub signal: u32,
    /// `task_struct.thread_pid`
    pub thread_pid: u32,
    /// `signal_struct.pids`
    pub signal_pids: u32,
    /// `pid.level`
    pub pid_level: u32,
    /// `pid.numbers`
    pub pid_numbers: u32,
    /// `task_struct.thread_info.status`
    pub thread_status: u32,
    /// Offsets of the fields by which a limit shows that keeps a thread from running.
    pub throttling: Throttling,
}

/// Offsets of the fields that show that a limit keeps a thread from running. Each is 0 on a kernel without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Throttling {
    /// `task_struct.prio`, which tells the scheduling class.
    pub prio: u32,
    /// `task_struct.throttled`, from Linux 6.18 on.
    pub task: u32,
    /// `task_struct.se.cfs_rq`
    pub cfs_rq: u32,
    /// `cfs_rq.throttle_count`: groups above and at the run queue that are out of quota.
    pub throttle_count: u32,
    /// `cfs_rq.throttled_clock_pelt_time`, which grows whenever such a time is over.
    pub throttled_time: u32,
    /// `cfs_rq.rq`
    pub cfs_rq_rq: u32,
    /// `rq.rt.rt_throttled`
    pub rq_rt_throttled: u32,
    /// `task_struct.rt.rt_rq`, where real-time threads have groups
    pub rt_rq: u32,
    /// `rt_rq.rt_throttled`
    pub rt_throttled: u32,
    /// The byte that has `task_struct.dl.dl_throttled`.
    pub dl_throttled: u32,
    /// Its bit in that.
    pub dl_throttled_mask: u32,
}

impl Throttling {
    /// Tells that the kernel throttles a run queue as a whole, as before Linux 6.18.
    #[inline(always)]
    pub const fn is_by_run_queue(&self) -> bool {
        self.task == 0 && self.throttled_time != 0
    }
}

/// The settings that user space makes before the programs are loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Settings {
    /// Device of the pid namespace in which `target_pid` holds.
    pub namespace_device: u64,
    /// Inode of that namespace.
    pub namespace_inode: u64,
    /// CLOCK_BOOTTIME as user space reads it less the kernel's own, modulo 2^64: start times are compared as /proc shows them.
    pub boottime_offset_ns: u64,
    /// The process whose next exec makes it the target; 0 for none.
    pub target_pid: u32,
    /// 1 to follow child processes, 0 to follow only the threads of the target process.
    pub follow_children: u32,
    /// Slots there are.
    pub slots: u32,
    /// Pages there are, page 0 included.
    pub pages: u32,
    /// 32 less the binary logarithm of the number of entries of the table of states, 1 to 31.
    pub place_shift: u32,
    /// 1 if running threads are attached to. Constant to the verifier, so the code for it is dropped when 0.
    pub joins: u32,
    /// 1 for a daemon: process trees are tracked, execs reported, bucket counters wrap. Dropped by the verifier when 0.
    pub watches: u32,
    /// Keeps the size a multiple of 8.
    pub reserved: u32,
}

const _: () = {
    assert!(size_of::<Offsets>() == 132);
    assert!(size_of::<Settings>() == 56);
    assert!(size_of::<Chosen>() == 24);
};
