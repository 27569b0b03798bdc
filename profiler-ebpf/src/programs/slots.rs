//! Slots: one thread's results each, in memory that user space maps. Threads without one are summed for each CPU.

use super::{
    atomic::{self, take_next},
    families,
    global::global,
    states::{self, Start},
    task::{self, Task},
};
use aya_ebpf::{
    bindings::{BPF_F_MMAPABLE, BPF_RB_AVAIL_DATA, BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    btf_maps::{Array, PerCpuArray, Queue, RingBuf},
    helpers::generated::bpf_ringbuf_query,
    macros::btf_map,
};
use core::ptr;
use profiler_ebpf::{
    Shared,
    layout::{
        Exited, KernelCounters, NO_SLOT, SharedKernelCounters, SharedSlot, SharedSlotlessTotals,
        SharedTotals, TaskState, phase,
    },
    metric::Metric,
};

// The loader sets the size of each.
#[btf_map]
static SLOTS: Array<SharedSlot, 1, { BPF_F_MMAPABLE as usize }> = Array::new();

/// Slots that user space has collected and freed.
#[btf_map]
static FREE_SLOTS: Queue<u32, 1> = Queue::new();

/// Says which threads have exited. A slot is in it at most once until it is handed back, so a buffer with room
/// for one message a slot can't overflow.
#[btf_map]
static EXITS: RingBuf<Exited, 4096> = RingBuf::new();

/// Bytes a message takes in the ring buffer: 8 of header (kernel/bpf/ringbuf.c `BPF_RINGBUF_HDR_SZ`) and itself.
const MESSAGE_BYTES: u64 = 8 + size_of::<Exited>() as u64;

/// Entry 0: what the tracepoints sum up. Entry 1: what joining and closing sum up, which a tracepoint may interrupt.
#[btf_map]
static SLOTLESS: PerCpuArray<SharedSlotlessTotals, 2> = PerCpuArray::new();

/// The entries of [`SLOTLESS`].
pub(crate) mod slotless_entry {
    pub(crate) const TRACEPOINTS: u32 = 0;
    pub(crate) const WALKS: u32 = 1;
}

/// The slot with this number; `None` for [`NO_SLOT`].
#[inline(always)]
pub(crate) fn slot<'a>(number: u32) -> Option<&'a SharedSlot> {
    // SAFETY: a live element of the map, whose fields are all shared.
    SLOTS.get_ptr(number).map(|slot| unsafe { &*slot })
}

/// The sums over threads without a slot, on this CPU.
#[inline(always)]
pub(crate) fn slotless<'a>(entry: u32) -> Option<&'a SharedSlotlessTotals> {
    // SAFETY: this CPU's element, whose fields are all shared.
    SLOTLESS.get_ptr(entry).map(|totals| unsafe { &*totals })
}

/// Takes a free slot for a thread: its number, or [`NO_SLOT`]. A thread without one is counted in the given entry of
/// [`SLOTLESS`].
#[inline(always)]
pub(crate) fn claim(task: Task, start: &Start, entry: u32) -> u32 {
    let number = match FREE_SLOTS.pop() {
        Ok(Some(number)) => number,
        _ => first_use(),
    };
    let Some(slot) = slot(number) else {
        if let Some(totals) = slotless(entry) {
            atomic::add(&totals.threads, 1);
            add(&totals.start, &start.counters);
        }
        families::without_slot(start.family);
        return NO_SLOT;
    };
    clear(slot);
    slot.pid.set(task::pid(task));
    slot.tid.set(task::tid(task));
    slot.start_ns.set(task::start_ns(task));
    slot.from_ns.set(start.from_ns);
    slot.newborn.set(u16::from(start.newborn));
    slot.family.set(start.family);
    slot.start.set(&start.counters);
    task::read_name(task, &slot.name);
    slot.phase.set(phase::LIVE);
    number
}

/// A slot that was never used before, or [`NO_SLOT`].
#[inline(always)]
fn first_use() -> u32 {
    let Some(global) = global() else { return NO_SLOT };
    match take_next(&global.slots_used, u64::from(task::slot_limit())) {
        Some(number) => number as u32,
        None => NO_SLOT,
    }
}

/// Empties a slot that an earlier thread may have used.
#[inline(always)]
fn clear(slot: &SharedSlot) {
    const WORDS: usize = size_of::<SharedSlot>() / size_of::<u64>();
    let words = ptr::from_ref(slot).cast::<[Shared<u64>; WORDS]>();
    // SAFETY: the words of the slot, which are shared as its fields are.
    unsafe { &*words }.iter().for_each(|word| word.set(0));
    for metric in &slot.metrics {
        metric.totals.min_ns.set(u64::MAX);
    }
    slot.runnable_idle.min_ns.set(u64::MAX);
    slot.unattributed_wait.min_ns.set(u64::MAX);
    slot.throttled.min_ns.set(u64::MAX);
}

/// Writes the end of a thread's record: nothing in it changes after that.
#[inline(always)]
pub(crate) fn finish(
    task: Task,
    slot: &SharedSlot,
    counters: &KernelCounters,
    now: u64,
    open_state: u32,
    since_ns: u64,
) {
    slot.end.set(counters);
    slot.until_ns.set(now);
    slot.open_state.set(open_state);
    slot.open_since_ns.set(since_ns);
    task::read_name(task, &slot.name);
}

/// Adds the end of a thread without a slot to the sums.
#[inline(always)]
pub(crate) fn finish_slotless(counters: &KernelCounters, entry: u32, open_state: u32) {
    let Some(totals) = slotless(entry) else { return };
    totals.finished.increase(1);
    if let Some(open) = totals.open.get(open_state as usize) {
        open.increase(1);
    }
    add(&totals.end, counters);
}

/// In one step for each counter: where tracepoints can be preempted, another program may add to the same sums of this
/// CPU in between.
#[inline(always)]
fn add(sum: &SharedKernelCounters, more: &KernelCounters) {
    atomic::add(&sum.voluntary_switches, more.voluntary_switches);
    atomic::add(&sum.involuntary_switches, more.involuntary_switches);
    atomic::add(&sum.minor_faults, more.minor_faults);
    atomic::add(&sum.major_faults, more.major_faults);
    atomic::add(&sum.cpu_ns, more.cpu_ns);
    atomic::add(&sum.migrations, more.migrations);
}

/// Has the record of a thread start so many involuntary switches later.
#[inline(always)]
pub(crate) fn starts_later(number: u32, involuntary: u64) {
    match slot(number) {
        Some(slot) => slot.start.involuntary_switches.increase(involuntary),
        None => {
            if let Some(totals) = slotless(slotless_entry::TRACEPOINTS) {
                totals.start.involuntary_switches.increase(involuntary);
            }
        }
    }
}

/// Undoes [`claim`] for a thread of which nothing was recorded.
#[inline(always)]
pub(crate) fn give_back(number: u32, start: &KernelCounters, entry: u32) {
    match slot(number) {
        Some(slot) => {
            slot.phase.set(phase::FREE);
            // The queue has room for every slot.
            let _ = FREE_SLOTS.push(number, 0);
        }
        None => {
            let Some(totals) = slotless(entry) else { return };
            let less = |sum: &Shared<u64>, by: u64| sum.increase(by.wrapping_neg());
            less(&totals.threads, 1);
            less(&totals.start.voluntary_switches, start.voluntary_switches);
            less(&totals.start.involuntary_switches, start.involuntary_switches);
            less(&totals.start.minor_faults, start.minor_faults);
            less(&totals.start.major_faults, start.major_faults);
            less(&totals.start.cpu_ns, start.cpu_ns);
            less(&totals.start.migrations, start.migrations);
        }
    }
}

/// Tells user space that a slot may be collected.
///
/// The reader comes by itself at short intervals; it is woken only when so many messages wait that slots may
/// run short, since a wake-up is itself a switch on the machine that is being measured.
#[inline(always)]
pub(crate) fn announce(slot: &SharedSlot, number: u32) {
    slot.phase.set(phase::EXITED);
    let map = ptr::from_ref(&EXITS).cast_mut().cast();
    // SAFETY: the map is a ring buffer, the flag one of its queries.
    let waiting = unsafe { bpf_ringbuf_query(map, BPF_RB_AVAIL_DATA.into()) };
    let short = waiting > u64::from(task::slot_limit() / 4) * MESSAGE_BYTES;
    let wakeup = if short { BPF_RB_FORCE_WAKEUP } else { BPF_RB_NO_WAKEUP };
    // One that found the buffer full would be found when the recording is closed.
    let _ = EXITS.output(Exited { slot: number, reserved: 0 }, wakeup.into());
}

/// Adds an interval to sums. One whose end was stamped before its start is counted, and nothing invented.
#[inline(always)]
pub(crate) fn add_interval(into: &SharedTotals, from: u64, to: u64, clock_backwards: &Shared<u64>) {
    if to < from {
        if !states::is_no_sample(from) {
            clock_backwards.increase(1);
        }
        return;
    }
    into.add(to - from);
}

/// Adds an interval of a metric of a thread without a slot.
#[inline(never)]
pub(crate) fn measure_slotless(metric: u32, from: u64, to: u64) {
    if let Some(totals) = slotless(slotless_entry::TRACEPOINTS)
        && (metric as usize) < Metric::COUNT
    {
        add_interval(&totals.metrics[metric as usize], from, to, &totals.clock_backwards);
    }
}

/// Has the record start from other counters. Faults stay: they are measured from the first sample on.
#[inline(always)]
pub(crate) fn restart(thread: &TaskState, counters: &KernelCounters, entry: u32) {
    match slot(thread.slot.get()) {
        Some(slot) => {
            slot.start.voluntary_switches.set(counters.voluntary_switches);
            slot.start.involuntary_switches.set(counters.involuntary_switches);
            slot.start.cpu_ns.set(counters.cpu_ns);
        }
        None => {
            // Either may be the larger: the sums over all CPUs are right, modulo 2^64.
            let Some(totals) = slotless(entry) else { return };
            let voluntary = (counters.voluntary_switches as u32).wrapping_sub(thread.nvcsw.get()) as i32;
            let involuntary = (counters.involuntary_switches as u16).wrapping_sub(thread.nivcsw.get()) as i16;
            totals.start.voluntary_switches.increase(i64::from(voluntary) as u64);
            totals.start.involuntary_switches.increase(i64::from(involuntary) as u64);
            totals.start.cpu_ns.increase(counters.cpu_ns.wrapping_sub(thread.cpu_ns.get()));
        }
    }
    states::counted_voluntary(thread, counters.voluntary_switches);
    states::counted_involuntary(thread, counters.involuntary_switches);
    thread.cpu_ns.set(counters.cpu_ns);
}

/// Counts a switch-in that was not announced.
#[inline(always)]
pub(crate) fn inferred_switch_in(number: u32) {
    match slot(number) {
        Some(slot) => slot.inferred_switch_ins.increase(1),
        None => {
            if let Some(totals) = slotless(slotless_entry::TRACEPOINTS) {
                totals.inferred_switch_ins.increase(1);
            }
        }
    }
}

/// The fault before this one was entered and not accounted: it ended in a signal, the kernel found no memory to fault
/// in, or it was taken with faults disabled and is tried again (arch/x86/mm/fault.c `faulthandler_disabled`). Its event
/// may also have been lost, which this count is there to tell.
#[inline(never)]
pub(crate) fn never_accounted(number: u32) {
    match slot(number) {
        Some(slot) => slot.faults_never_accounted.increase(1),
        None => {
            if let Some(totals) = slotless(slotless_entry::TRACEPOINTS) {
                atomic::add(&totals.faults_never_accounted, 1);
            }
        }
    }
}

/// Writes down what a thread is doing.
#[inline(always)]
pub(crate) fn saw(slot: &SharedSlot, thread: &TaskState, state: u32) {
    slot.seen_state.set(state);
    slot.seen_since_ns.set(thread.since_ns.get());
    slot.seen_waking_ns.set(thread.woken_ns());
}
