//! The [`TaskState`] of each thread of the target, from its birth or from attaching on until its last switch.
//!
//! A hash table has one cache line a thread, at an entry that follows from the address of its `task_struct`: the only thing
//! about a thread that never changes while it lives (an exec gives its id and its start time to another). A thread that
//! finds its entry taken has its state in task storage, which cannot run out. The table is there because of its cost: a pipe
//! round trip, which needs five lookups, takes 48 ns less than with storage alone.
//!
//! Each entry counts the threads that are in storage because of it ([`Holder`]), so that one lookup in the table tells that
//! any other thread of the machine is outside the target. Every end of a thread's state lowers that count ([`forget`]).

use super::{
    atomic,
    task::{self, TASK_RUNNING, TASK_WAKING, Task},
};
use aya_ebpf::{
    bindings::{BPF_F_NO_PREALLOC, BPF_LOCAL_STORAGE_GET_F_CREATE, bpf_map_type},
    btf_maps::Array,
    helpers::generated::{bpf_task_storage_delete, bpf_task_storage_get},
    macros::btf_map,
};
use core::{arch::asm, ptr};
use profiler_ebpf::{
    Shared,
    layout::{Holder, KERNEL_WORKER, KernelCounters, Place, TaskState, state},
};

// The loader sets the size.
#[btf_map]
static PLACES: Array<Place, 1> = Array::new();

/// `BPF_MAP_TYPE_TASK_STORAGE`, for which aya-ebpf 0.2 has no type. The fields are what the loader reads from
/// the BTF of the definition; none is ever looked at when a program runs.
#[repr(C)]
pub(crate) struct TaskStorage<T> {
    r#type: *const [i32; bpf_map_type::BPF_MAP_TYPE_TASK_STORAGE as usize],
    key: *const i32,
    value: *const T,
    max_entries: *const [i32; 0],
    map_flags: *const [i32; BPF_F_NO_PREALLOC as usize],
}

// SAFETY: the pointers are a type-level description and never dereferenced.
unsafe impl<T> Sync for TaskStorage<T> {}

impl<T> TaskStorage<T> {
    const fn new() -> Self {
        Self {
            r#type: ptr::null(),
            key: ptr::null(),
            value: ptr::null(),
            max_entries: ptr::null(),
            map_flags: ptr::null(),
        }
    }

    fn map(&self) -> *mut core::ffi::c_void {
        ptr::from_ref(self).cast_mut().cast()
    }
}

#[btf_map]
static TASKS: TaskStorage<TaskState> = TaskStorage::new();

/// The state of a thread of the target; `None` for every other thread, the idle tasks (pid 0) among them.
#[inline(always)]
pub(crate) fn of<'a>(task: Task) -> Option<&'a TaskState> {
    let place = place(task)?;
    let holder = Holder(place.holder.get());
    if holder.task() == task as u64 {
        return Some(&place.state);
    }
    if !holder.is_shared() {
        return None;
    }
    stored(task, ptr::null_mut(), 0)
}

/// True if the task at this address is in the table and its record is open.
#[inline(always)]
pub(crate) fn is_recorded_at(address: u64) -> bool {
    let number = (address as u32).wrapping_mul(GOLDEN_RATIO) >> task::place_shift();
    PLACES.get_ptr(number).is_some_and(|place| {
        // SAFETY: as in `place`.
        let place = unsafe { &*place };
        Holder(place.holder.get()).task() == address && place.state.state.get() != state::CLOSED
    })
}

/// The beginning of a thread's record.
pub(crate) struct Start {
    /// Its time, on CLOCK_MONOTONIC.
    pub(crate) from_ns: u64,
    /// True if the thread was born just now.
    pub(crate) newborn: bool,
    /// Its process tree.
    pub(crate) family: u16,
    /// The kernel's counters at that moment.
    pub(crate) counters: KernelCounters,
}

/// Threads that the kernel starts in a process for itself: io_uring's workers and vhost's (`PF_IO_WORKER`, `PF_USER_WORKER`,
/// include/linux/sched.h; before Linux 6.4 the second is not used, and vhost's are kernel threads).
pub(crate) const USER_WORKER_FLAGS: u32 = 0x0000_0010 | 0x0000_4000;

/// These and kernel threads (`PF_KTHREAD`): their saved registers do not hold a system call of theirs.
const KERNEL_WORKER_FLAGS: u32 = 0x0020_0000 | USER_WORKER_FLAGS;

/// The state of a thread that nothing has happened to.
#[inline(always)]
pub(crate) fn begun(task: Task, start: &Start, slot: u32, state: u32) -> TaskState {
    let is_kernel_worker = task::flags(task) & KERNEL_WORKER_FLAGS != 0;
    TaskState {
        since_ns: Shared::new(start.from_ns),
        waking_ns: Shared::new(0),
        cpu_ns: Shared::new(start.counters.cpu_ns),
        fault_ns: Shared::new(0),
        nvcsw: Shared::new(start.counters.voluntary_switches as u32),
        blocked_key: Shared::new(0),
        queue_mark: Shared::new(0),
        slot: Shared::new(slot),
        state: Shared::new(state),
        family: Shared::new(start.family | if is_kernel_worker { KERNEL_WORKER } else { 0 }),
        nivcsw: Shared::new(start.counters.involuntary_switches as u16),
    }
}

/// Makes a thread part of the target. `None` if the kernel has no memory for it.
#[inline(always)]
pub(crate) fn create<'a>(task: Task, mut initial: TaskState) -> Option<&'a TaskState> {
    let place = place(task)?;
    if claim(&place.holder)? {
        place.state.set(&initial);
        // Only now, because the thread may be switching on another CPU, which must find its state complete. The address has
        // the bit of the claim.
        atomic::set_bits(&place.holder, task as u64);
        return Some(&place.state);
    }
    let state = stored(task, (&raw mut initial).cast(), BPF_LOCAL_STORAGE_GET_F_CREATE.into());
    if state.is_none() {
        one_less(&place.holder);
    }
    state
}

/// Attempts at changing the holder of a table entry. An attempt fails only if another CPU changes it at the same moment.
const TRIES: u32 = 4;

/// Claims a place if it is free. If not, counts one thread more in storage. Returns whether it was free; `None` if other CPUs
/// changed it all the time.
#[inline(never)]
fn claim(holder: &Shared<u64>) -> Option<bool> {
    for _ in 0..TRIES {
        let found = Holder(holder.get());
        let is_free = found.task() == 0;
        let to = if is_free { found.claimed() } else { found.one_more() };
        if atomic::replace(holder, found.0, to.0) {
            return Some(is_free);
        }
    }
    None
}

/// Counts one thread less in storage. Where other CPUs change the word all the time the number stays too high, which
/// costs time and loses nothing.
#[inline(never)]
fn one_less(holder: &Shared<u64>) {
    for _ in 0..TRIES {
        let found = Holder(holder.get());
        if atomic::replace(holder, found.0, found.one_less().0) {
            return;
        }
    }
}

/// Forgets a thread of the target: one that has ended, or whose record is closed. Once for each [`create`]: it is counted.
///
/// A state in task storage goes with the task.
#[inline(always)]
pub(crate) fn forget(task: Task) {
    let Some(place) = place(task) else { return };
    if Holder(place.holder.get()).task() == task as u64 {
        free(place);
    } else {
        one_less(&place.holder);
    }
}

/// Frees the place of a thread that ended at this address, before a new one was born there, and whose end was not announced.
#[inline(always)]
pub(crate) fn forget_earlier(newborn: Task) {
    if let Some(place) = place(newborn)
        && Holder(place.holder.get()).task() == newborn as u64
    {
        free(place);
    }
}

/// Frees a place; the number of those in storage stays.
#[inline(always)]
fn free(place: &Place) {
    atomic::keep_bits(&place.holder, Holder::IN_STORAGE);
}

/// Takes the state of a thread that lives on out of task storage, if it is there.
#[inline(always)]
pub(crate) fn take_out(task: Task) {
    // SAFETY: the verifier accepts only trusted task pointers here.
    let _absent = unsafe { bpf_task_storage_delete(TASKS.map(), task) };
}

/// The beginning of a slice that is no sample: later than any end.
pub(crate) const NO_SAMPLE: u64 = u64::MAX;

/// True if a slice that began then is no sample.
#[inline(always)]
pub(crate) fn is_no_sample(from: u64) -> bool {
    task::joins() && from == NO_SAMPLE
}

/// True until the first context switch after attaching to a running thread.
#[inline(always)]
pub(crate) fn is_at_attach(state: u32) -> bool {
    task::joins() && state::is_at_attach(state)
}

/// The state of a thread, as far as another CPU can tell.
#[inline(always)]
pub(crate) fn state_at_attach(task: Task) -> u32 {
    if task::on_cpu(task) != 0 {
        return state::ATTACHED_ON_CPU;
    }
    match task::run_state(task) {
        TASK_RUNNING | TASK_WAKING => state::ATTACHED_WAITING,
        _ => state::ATTACHED_ASLEEP,
    }
}

/// State to report of a thread. Before its first switch since attach it is sampled again: exact, if no switch comes between.
#[inline(always)]
pub(crate) fn shown(state: u32, thread: &TaskState, task: Task) -> u32 {
    if !is_at_attach(state) {
        return state;
    }
    match state_at_attach(task) {
        // It can run since it was woken, and was asleep until then.
        state::ATTACHED_WAITING if thread.woken_ns() >= thread.since_ns.get() => state::ATTACHED_ASLEEP,
        found => found,
    }
}

/// Enters another state.
///
/// Written in this order, so that the end of the recording finds with each state the time that belongs to it.
#[inline(always)]
pub(crate) fn enter(thread: &TaskState, state: u32, now: u64) {
    thread.since_ns.set(now);
    thread.state.set(state);
}

/// Records that a voluntary switch, counted so by the kernel, is in the record: see [`agrees`].
#[inline(always)]
pub(crate) fn counted_voluntary(thread: &TaskState, nvcsw: u64) {
    thread.nvcsw.set(nvcsw as u32);
}

/// Records that an involuntary switch, counted so by the kernel, is in the record: see [`agrees`].
#[inline(always)]
pub(crate) fn counted_involuntary(thread: &TaskState, nivcsw: u64) {
    thread.nivcsw.set(nivcsw as u16);
}

/// True if the record holds every switch that these counters hold. If not, one is under way: the kernel has counted
/// it, and its tracepoint is still to come or at work.
#[inline(always)]
pub(crate) fn agrees(thread: &TaskState, counters: &KernelCounters) -> bool {
    let (nvcsw, nivcsw) = (thread.nvcsw.get(), thread.nivcsw.get());
    nvcsw == counters.voluntary_switches as u32 && nivcsw == counters.involuntary_switches as u16
}

/// Changes the state from one to another; fails if it is not that one any more.
#[inline(always)]
pub(crate) fn replace(thread: &TaskState, from: u32, to: u32) -> bool {
    atomic::replace(&thread.state, from, to)
}

/// A thread's place in the table, which another thread may have.
#[inline(always)]
fn place<'a>(task: Task) -> Option<&'a Place> {
    let address: u32;
    // The verifier allows the lower half of a pointer to be copied, which is then a number.
    // SAFETY: a move between registers.
    unsafe { asm!("{0} = {1}", out(wreg) address, in(wreg) task as u32, options(pure, nomem, nostack)) };
    let number = address.wrapping_mul(GOLDEN_RATIO) >> task::place_shift();
    // SAFETY: a live element of the map, whose fields are all shared.
    PLACES.get_ptr(number).map(|place| unsafe { &*place })
}

/// 2^32 divided by the golden ratio, odd: spreads addresses that differ by multiples of the size of `task_struct`.
const GOLDEN_RATIO: u32 = 0x9e37_79b1;

#[inline(always)]
fn stored<'a>(task: Task, initial: *mut core::ffi::c_void, flags: u64) -> Option<&'a TaskState> {
    // SAFETY: the verifier accepts only trusted task pointers here; the kernel copies the initial value.
    let value = unsafe { bpf_task_storage_get(TASKS.map(), task, initial, flags) };
    // SAFETY: null, or a value that lives as long as the task, which outlives the program; its fields are all shared.
    unsafe { value.cast::<TaskState>().as_ref() }
}
