//! The fields of a thread's `task_struct`, and the constants that the loader sets.

use aya_ebpf::{
    bindings::task_struct,
    helpers::generated::{bpf_get_current_task_btf, bpf_ktime_get_ns, bpf_probe_read_kernel},
};
use profiler_ebpf::{
    Shared,
    layout::{KernelCounters, NAME_BYTES, Offsets, Settings, TICK_NS, Throttling},
};

/// A task as the tracepoints hand it over.
pub(crate) type Task = *mut task_struct;

/// Set in a dead task's state at its last switch (include/linux/sched.h).
pub(crate) const TASK_DEAD: u32 = 0x80;

/// The state of a thread that is on a run queue (include/linux/sched.h `TASK_RUNNING`).
pub(crate) const TASK_RUNNING: u32 = 0;

/// States of a task (include/linux/sched.h): being born, and woken but not yet on a run queue.
pub(crate) const TASK_NEW: u32 = 0x800;
pub(crate) const TASK_WAKING: u32 = 0x200;

/// The context that the kernel passes to a task iterator (kernel/bpf/task_iter.c).
#[repr(C)]
pub(crate) struct TaskIterator {
    meta: *mut core::ffi::c_void,
    task: Task,
}

impl TaskIterator {
    /// The task that it has come to; `None` behind the last.
    #[inline(always)]
    pub(crate) fn task(iterator: *mut Self) -> Option<Task> {
        // SAFETY: the context of a task iterator; the verifier knows its layout.
        let task = unsafe { (*iterator).task };
        if task.is_null() { None } else { Some(task) }
    }
}

/// CLOCK_MONOTONIC in nanoseconds.
#[inline(always)]
pub(crate) fn now_ns() -> u64 {
    // SAFETY: no arguments, no preconditions.
    unsafe { bpf_ktime_get_ns() }
}

/// The thread that runs on this CPU.
#[inline(always)]
pub(crate) fn current() -> Task {
    // SAFETY: no arguments, no preconditions.
    unsafe { bpf_get_current_task_btf() }
}

/// The offsets of the fields in the running kernel; set by the loader, constant to the verifier.
#[unsafe(no_mangle)]
static OFFSETS: Offsets = Offsets {
    pid: 0,
    tgid: 0,
    flags: 0,
    comm: 0,
    start_time: 0,
    nvcsw: 0,
    nivcsw: 0,
    min_flt: 0,
    maj_flt: 0,
    sum_exec_runtime: 0,
    nr_migrations: 0,
    orig_ax: 0,
    run_state: 0,
    on_cpu: 0,
    start_boottime: 0,
    group_leader: 0,
    signal: 0,
    thread_pid: 0,
    signal_pids: 0,
    pid_level: 0,
    pid_numbers: 0,
    thread_status: 0,
    throttling: Throttling {
        prio: 0,
        task: 0,
        cfs_rq: 0,
        throttle_count: 0,
        throttled_time: 0,
        cfs_rq_rq: 0,
        rq_rt_throttled: 0,
        rt_rq: 0,
        rt_throttled: 0,
        dl_throttled: 0,
        dl_throttled_mask: 0,
    },
};

/// The settings of this recording; set by the loader, constant to the verifier.
#[unsafe(no_mangle)]
static SETTINGS: Settings = Settings {
    namespace_device: 0,
    namespace_inode: 0,
    boottime_offset_ns: 0,
    target_pid: 0,
    follow_children: 0,
    slots: 0,
    pages: 0,
    place_shift: 0,
    joins: 0,
    watches: 0,
    reserved: 0,
};

/// Reads one of the constants that the loader set.
macro_rules! constant {
    ($constants:ident $(. $field:ident)+) => {{
        // SAFETY: a field of an initialised static; volatile, because the loader changes it after compilation.
        unsafe { core::ptr::read_volatile(&raw const $constants$(.$field)+) }
    }};
}

/// Reads the field of a task at the given offset.
///
/// # Safety
/// `offset` must be that of a field of type `T` in the running kernel, and a constant to the verifier.
#[inline(always)]
pub(crate) unsafe fn field<T: Copy>(task: Task, offset: u32) -> T {
    let field = task.cast::<u8>().wrapping_add(offset as usize).cast::<T>();
    // SAFETY: promised by the caller; the verifier checks the access against the kernel's BTF.
    unsafe { *field }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $field:ident;)*) => {$(
        $(#[$doc])*
        #[inline(always)]
        pub(crate) fn $name(task: Task) -> $type {
            let offset = constant!(OFFSETS.$field);
            // SAFETY: user space read the offset of this very field from the kernel's BTF.
            unsafe { field(task, offset) }
        }
    )*};
}

fields! {
    /// The thread id.
    tid: u32 = pid;
    /// The process id.
    pid: u32 = tgid;
    /// `PF_*`, include/linux/sched.h.
    flags: u32 = flags;
    /// The time at which the kernel created the thread, CLOCK_MONOTONIC.
    start_ns: u64 = start_time;
    /// Voluntary switches.
    nvcsw: u64 = nvcsw;
    /// Involuntary switches.
    nivcsw: u64 = nivcsw;
    /// Minor faults.
    min_flt: u64 = min_flt;
    /// Major faults.
    maj_flt: u64 = maj_flt;
    /// CPU time.
    sum_exec_runtime: u64 = sum_exec_runtime;
    /// Moves to another CPU.
    nr_migrations: u64 = nr_migrations;
    /// Its state, which leads or has led off the CPU: `TASK_*`, include/linux/sched.h.
    run_state: u32 = run_state;
    /// `TS_*`, arch/x86/include/asm/thread_info.h.
    thread_status: u32 = thread_status;
    /// 1 from just after its switch-in until just after its switch-out. An `int` before Linux 7, one byte since; of a
    /// little-endian `int` the first byte says the same.
    on_cpu: u8 = on_cpu;
}

/// The kernel's counters of a thread, now.
#[inline(always)]
pub(crate) fn counters(task: Task) -> KernelCounters {
    KernelCounters {
        voluntary_switches: nvcsw(task),
        involuntary_switches: nivcsw(task),
        minor_faults: min_flt(task),
        major_faults: maj_flt(task),
        cpu_ns: sum_exec_runtime(task),
        migrations: nr_migrations(task),
    }
}

/// True if a thread has ever been switched in. Until it has, the program at its wake may still be to come or at work: the
/// kernel has its run queue locked until that is over (kernel/sched/core.c `wake_up_new_task`).
#[inline(always)]
pub(crate) fn has_run(task: Task) -> bool {
    on_cpu(task) != 0 || sum_exec_runtime(task) != 0 || nvcsw(task) != 0 || nivcsw(task) != 0
}

/// A process, as user space knows it: its number in the pid namespace of whoever reads the task iterator, and when it
/// was started in ticks since boot. `None` if that namespace has no number for it.
#[inline(always)]
pub(crate) fn process(task: Task) -> Option<(u32, u64)> {
    process_at(task, reader_level()?)
}

/// The address of the first thread of a task's process.
#[inline(always)]
pub(crate) fn leader(task: Task) -> Option<u64> {
    read(task as usize, constant!(OFFSETS.group_leader))
}

/// The level of the pid namespace of whoever reads the task iterator.
#[inline(always)]
pub(crate) fn reader_level() -> Option<u32> {
    let reader: usize = read(current() as usize, constant!(OFFSETS.thread_pid))?;
    read(reader, constant!(OFFSETS.pid_level))
}

/// A process, as it is known in pid namespaces of a level. `None` if it has no number there.
#[inline(always)]
pub(crate) fn process_at(task: Task, level: u32) -> Option<(u32, u64)> {
    /// `pids[PIDTYPE_TGID]` of a `signal_struct`, include/linux/pid_types.h.
    const OF_PROCESS: usize = size_of::<usize>();
    /// Bytes of a `struct upid`, one for each level of namespaces: the number and a pointer.
    const NUMBER_BYTES: usize = 16;

    let signal: usize = read(task as usize, constant!(OFFSETS.signal))?;
    let pid: usize = read(signal + OF_PROCESS, constant!(OFFSETS.signal_pids))?;
    let levels: u32 = read(pid, constant!(OFFSETS.pid_level))?;
    if levels < level {
        return None;
    }
    let number: u32 = read(pid + level as usize * NUMBER_BYTES, constant!(OFFSETS.pid_numbers))?;
    let leader: usize = read(task as usize, constant!(OFFSETS.group_leader))?;
    let started_ns: u64 = read(leader, constant!(OFFSETS.start_boottime))?;
    // As /proc/PID/stat shows it (fs/proc/array.c `do_task_stat`: `timens_add_boottime_ns`).
    Some((number, started_ns.wrapping_add(constant!(SETTINGS.boottime_offset_ns)) / TICK_NS))
}

/// Reads a field of something in the kernel that no tracepoint hands over; `None` if there is nothing at the address.
#[inline(always)]
fn read<T: Copy + Default>(address: usize, offset: u32) -> Option<T> {
    let mut value = T::default();
    let place = address.wrapping_add(offset as usize) as *const core::ffi::c_void;
    // SAFETY: writes one value of a type of integers; the helper checks the address.
    let failed = unsafe { bpf_probe_read_kernel((&raw mut value).cast(), size_of::<T>() as u32, place) };
    (failed == 0).then_some(value)
}

/// The name of a thread; an empty one if it can't be read.
#[inline(always)]
pub(crate) fn name(task: Task) -> [u8; NAME_BYTES] {
    let mut name = [0; NAME_BYTES];
    // SAFETY: a name of our own.
    unsafe { copy_name(task, &raw mut name) };
    name
}

/// Writes the name of a thread into memory that others may read meanwhile.
#[inline(always)]
pub(crate) fn read_name(task: Task, name: &Shared<[u8; NAME_BYTES]>) {
    // SAFETY: valid, as the reference is.
    unsafe { copy_name(task, name.as_ptr()) };
}

/// # Safety
/// `name` must be valid for writes.
#[inline(always)]
unsafe fn copy_name(task: Task, name: *mut [u8; NAME_BYTES]) {
    let comm = task.cast::<u8>().wrapping_add(constant!(OFFSETS.comm) as usize);
    // SAFETY: writes at most NAME_BYTES; a failing read leaves zeros, which is an empty name.
    unsafe { bpf_probe_read_kernel(name.cast(), NAME_BYTES as u32, comm.cast()) };
}

/// The system call number with which a thread entered the kernel; -1 if it entered in another way. An `int`, as the kernel
/// itself takes it (arch/x86/include/asm/syscall.h `syscall_get_nr`): the upper half of the register does not count.
#[inline(always)]
pub(crate) fn syscall_number(task: Task) -> i32 {
    // SAFETY: the helper returns the saved user registers, which every thread has.
    let registers = unsafe { aya_ebpf::helpers::generated::bpf_task_pt_regs(task) } as *const u8;
    let offset = constant!(OFFSETS.orig_ax) as usize;
    let orig_ax = registers.wrapping_add(offset).cast::<i64>();
    // SAFETY: the offset of `orig_ax` in `pt_regs`, from the kernel's BTF; the verifier checks it.
    let register = unsafe { *orig_ax };
    register as i32
}

/// Set while a thread is in the kernel by the 32-bit entry (`TS_COMPAT`, arch/x86/include/asm/thread_info.h; cleared by
/// `arch_exit_to_user_mode_prepare`).
const TS_COMPAT: u32 = 0x0002;

/// True if the system call that a thread is inside has the numbers of the 32-bit table.
#[inline(always)]
pub(crate) fn is_32bit_syscall(task: Task) -> bool {
    thread_status(task) & TS_COMPAT != 0
}

/// Slots there are.
pub(crate) fn slot_limit() -> u32 {
    constant!(SETTINGS.slots)
}

/// Pages there are.
pub(crate) fn page_limit() -> u32 {
    constant!(SETTINGS.pages)
}

/// Bits by which a hash of 32 is shifted to get the number of a place in the table of states.
pub(crate) fn place_shift() -> u32 {
    constant!(SETTINGS.place_shift)
}

/// True if child processes join the target.
pub(crate) fn follows_children() -> bool {
    constant!(SETTINGS.follow_children) != 0
}

/// True if threads join while they live.
pub(crate) fn joins() -> bool {
    constant!(SETTINGS.joins) != 0
}

/// True if processes join and leave all the time.
pub(crate) fn watches() -> bool {
    constant!(SETTINGS.watches) != 0
}

/// The process whose exec makes it the target, with the pid namespace in which that number holds.
pub(crate) fn target() -> (u32, u64, u64) {
    (
        constant!(SETTINGS.target_pid),
        constant!(SETTINGS.namespace_device),
        constant!(SETTINGS.namespace_inode),
    )
}

/// Offsets of the fields by which a limit shows that keeps a thread from running.
#[inline(always)]
pub(crate) fn throttling() -> Throttling {
    Throttling {
        prio: constant!(OFFSETS.throttling.prio),
        task: constant!(OFFSETS.throttling.task),
        cfs_rq: constant!(OFFSETS.throttling.cfs_rq),
        throttle_count: constant!(OFFSETS.throttling.throttle_count),
        throttled_time: constant!(OFFSETS.throttling.throttled_time),
        cfs_rq_rq: constant!(OFFSETS.throttling.cfs_rq_rq),
        rq_rt_throttled: constant!(OFFSETS.throttling.rq_rt_throttled),
        rt_rq: constant!(OFFSETS.throttling.rt_rq),
        rt_throttled: constant!(OFFSETS.throttling.rt_throttled),
        dl_throttled: constant!(OFFSETS.throttling.dl_throttled),
        dl_throttled_mask: constant!(OFFSETS.throttling.dl_throttled_mask),
    }
}
