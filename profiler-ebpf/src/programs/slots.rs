//! The slots: where a thread's results are, in memory that user space maps.

use super::{
    families,
    global::{add_shared, add_shared_many, global, take_next},
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
    layout::{Exited, KernelCounters, NO_SLOT, Slot, SlotlessTotals, TaskState, Totals, phase},
    metric::Metric,
};

// The loader sets the size of each.
#[btf_map]
static SLOTS: Array<Slot, 1, { BPF_F_MMAPABLE as usize }> = Array::new();

/// Slots that user space has collected and handed back.
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
static SLOTLESS: PerCpuArray<SlotlessTotals, 2> = PerCpuArray::new();

/// The entries of [`SLOTLESS`].
pub(crate) mod slotless_entry {
    pub(crate) const TRACEPOINTS: u32 = 0;
    pub(crate) const WALKS: u32 = 1;
}

/// The slot with this number; `None` for [`NO_SLOT`].
#[inline(always)]
pub(crate) fn slot<'a>(number: u32) -> Option<&'a mut Slot> {
    // SAFETY: a live element of the map; a slot belongs to one thread, which one CPU at a time switches or runs.
    // Whoever renames it touches its earlier names only, which nothing else reads before the thread has ended.
    SLOTS.get_ptr_mut(number).map(|slot| unsafe { &mut *slot })
}

/// The sums over threads without a slot, on this CPU.
#[inline(always)]
pub(crate) fn slotless<'a>(entry: u32) -> Option<&'a mut SlotlessTotals> {
    // SAFETY: this CPU's element, which nothing that can interrupt the caller writes to.
    SLOTLESS.get_ptr_mut(entry).map(|totals| unsafe { &mut *totals })
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
            add_shared(&mut totals.threads);
            add(&mut totals.start, &start.counters);
        }
        families::without_slot(start.family);
        return NO_SLOT;
    };
    clear(slot);
    slot.pid = task::pid(task);
    slot.tid = task::tid(task);
    slot.start_ns = task::start_ns(task);
    slot.from_ns = start.from_ns;
    slot.newborn = u16::from(start.newborn);
    slot.family = start.family;
    slot.start = start.counters;
    task::read_name(task, &mut slot.name);
    slot.phase = phase::LIVE;
    number
}

/// A slot that was never used before, or [`NO_SLOT`].
#[inline(always)]
fn first_use() -> u32 {
    let Some(global) = global() else { return NO_SLOT };
    match take_next(&mut global.slots_used, u64::from(task::slot_limit())) {
        Some(number) => number as u32,
        None => NO_SLOT,
    }
}

/// Empties a slot that an earlier thread may have used.
#[inline(always)]
fn clear(slot: &mut Slot) {
    const WORDS: usize = size_of::<Slot>() / size_of::<u64>();
    let words = ptr::from_mut(slot).cast::<u64>();
    for word in 0..WORDS {
        let word = words.wrapping_add(word);
        // SAFETY: within the slot, which nobody else refers to yet. Volatile, because the compiler would turn
        // the loop into a call of memset, which BPF does not have.
        unsafe { word.write_volatile(0) };
    }
    for metric in &mut slot.metrics {
        metric.totals.min_ns = u64::MAX;
    }
    slot.runnable_idle.min_ns = u64::MAX;
    slot.unsplit.min_ns = u64::MAX;
    slot.throttled.min_ns = u64::MAX;
}

/// Writes the end of a thread's record: nothing in it changes after that.
#[inline(always)]
pub(crate) fn finish(
    task: Task,
    slot: &mut Slot,
    counters: &KernelCounters,
    now: u64,
    open_state: u32,
    since_ns: u64,
) {
    slot.end = *counters;
    slot.until_ns = now;
    slot.open_state = open_state;
    slot.open_since_ns = since_ns;
    task::read_name(task, &mut slot.name);
}

/// Adds the end of a thread without a slot to the sums.
#[inline(always)]
pub(crate) fn finish_slotless(counters: &KernelCounters, entry: u32, open_state: u32) {
    let Some(totals) = slotless(entry) else { return };
    totals.finished += 1;
    if (open_state as usize) < totals.open.len() {
        totals.open[open_state as usize] += 1;
    }
    add(&mut totals.end, counters);
}

/// In one step for each counter: where tracepoints can be preempted, another program may add to the same sums of this
/// CPU in between.
#[inline(always)]
fn add(sum: &mut KernelCounters, more: &KernelCounters) {
    add_shared_many(&mut sum.voluntary_switches, more.voluntary_switches);
    add_shared_many(&mut sum.involuntary_switches, more.involuntary_switches);
    add_shared_many(&mut sum.minor_faults, more.minor_faults);
    add_shared_many(&mut sum.major_faults, more.major_faults);
    add_shared_many(&mut sum.cpu_ns, more.cpu_ns);
    add_shared_many(&mut sum.migrations, more.migrations);
}

/// Has the record of a thread start so many involuntary switches later.
#[inline(always)]
pub(crate) fn starts_later(number: u32, involuntary: u64) {
    match slot(number) {
        Some(slot) => slot.start.involuntary_switches += involuntary,
        None => {
            if let Some(totals) = slotless(slotless_entry::TRACEPOINTS) {
                totals.start.involuntary_switches += involuntary;
            }
        }
    }
}

/// Undoes [`claim`] for a thread of which nothing was recorded.
#[inline(always)]
pub(crate) fn give_back(number: u32, start: &KernelCounters, entry: u32) {
    match slot(number) {
        Some(slot) => {
            slot.phase = phase::FREE;
            // The queue has room for every slot.
            let _ = FREE_SLOTS.push(number, 0);
        }
        None => {
            let Some(totals) = slotless(entry) else { return };
            totals.threads -= 1;
            totals.start.voluntary_switches -= start.voluntary_switches;
            totals.start.involuntary_switches -= start.involuntary_switches;
            totals.start.minor_faults -= start.minor_faults;
            totals.start.major_faults -= start.major_faults;
            totals.start.cpu_ns -= start.cpu_ns;
            totals.start.migrations -= start.migrations;
        }
    }
}

/// Tells user space that a slot may be collected.
///
/// The reader comes by itself at short intervals; it is woken only when so many messages wait that slots may
/// run short, since a wake-up is itself a switch on the machine that is being measured.
#[inline(always)]
pub(crate) fn announce(slot: &mut Slot, number: u32) {
    slot.phase = phase::EXITED;
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
pub(crate) fn add_interval(into: &mut Totals, from: u64, to: u64, clock_backwards: &mut u64) {
    if to < from {
        if !states::is_no_sample(from) {
            *clock_backwards += 1;
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
        add_interval(&mut totals.metrics[metric as usize], from, to, &mut totals.clock_backwards);
    }
}

/// Has the record start from other counters. Faults stay: they are measured from the first look on.
#[inline(always)]
pub(crate) fn restart(thread: &mut TaskState, counters: &KernelCounters, entry: u32) {
    match slot(thread.slot) {
        Some(slot) => {
            slot.start.voluntary_switches = counters.voluntary_switches;
            slot.start.involuntary_switches = counters.involuntary_switches;
            slot.start.cpu_ns = counters.cpu_ns;
        }
        None => {
            // Either may be the larger: the sums over all CPUs are right, modulo 2^64.
            let Some(totals) = slotless(entry) else { return };
            let voluntary = (counters.voluntary_switches as u32).wrapping_sub(thread.nvcsw) as i32;
            let involuntary = (counters.involuntary_switches as u16).wrapping_sub(thread.nivcsw) as i16;
            totals.start.voluntary_switches += i64::from(voluntary) as u64;
            totals.start.involuntary_switches += i64::from(involuntary) as u64;
            totals.start.cpu_ns += counters.cpu_ns - thread.cpu_ns;
        }
    }
    states::counted_voluntary(thread, counters.voluntary_switches);
    states::counted_involuntary(thread, counters.involuntary_switches);
    thread.cpu_ns = counters.cpu_ns;
}

/// Counts a switch-in that was not announced.
#[inline(always)]
pub(crate) fn inferred_switch_in(number: u32) {
    match slot(number) {
        Some(slot) => slot.inferred_switch_ins += 1,
        None => {
            if let Some(totals) = slotless(slotless_entry::TRACEPOINTS) {
                totals.inferred_switch_ins += 1;
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
        Some(slot) => slot.faults_never_accounted += 1,
        None => {
            if let Some(totals) = slotless(slotless_entry::TRACEPOINTS) {
                add_shared(&mut totals.faults_never_accounted);
            }
        }
    }
}

/// Writes down what a thread is doing.
#[inline(always)]
pub(crate) fn saw(slot: &mut Slot, thread: &TaskState, state: u32) {
    slot.seen_state = state;
    slot.seen_since_ns = thread.since_ns;
    slot.seen_waking_ns = thread.woken_ns();
}
