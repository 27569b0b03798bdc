//! Fault latency: entry by tracepoint, end by the software event that the kernel raises as it accounts the
//! fault. A fault that the kernel retries enters once and is accounted once.

use super::{
    met,
    pages::record,
    slots::{self, slot},
    states,
    task::{current, now_ns},
};
use profiler_ebpf::{layout::state, metric::Metric};

/// A fault begins.
#[inline(always)]
pub(crate) fn entered() {
    let Some(thread) = states::of(current()) else { return };
    if thread.state == state::CLOSED {
        return;
    }
    if thread.fault_ns != 0 {
        never_accounted(thread.slot);
    }
    thread.fault_ns = now_ns();
}

/// The kernel has accounted the current thread's fault.
#[inline(always)]
pub(crate) fn accounted(metric: Metric) {
    let Some(thread) = states::of(current()) else { return };
    let entered = thread.fault_ns;
    thread.fault_ns = 0;
    let state = thread.state;
    if state == state::CLOSED {
        return;
    }
    let now = now_ns();
    let Some(slot) = slot(thread.slot) else {
        if entered != 0 {
            slots::measure_slotless(metric as u32, entered, now);
        } else if let Some(totals) = slots::slotless(slots::slotless_entry::TRACEPOINTS) {
            totals.faults_without_entry += 1;
        }
        return;
    };
    if entered != 0 && now >= entered {
        record(&mut slot.metrics[metric.index()], now - entered);
    } else if matches!(metric, Metric::MajorFault) {
        slot.major_without_entry += 1;
    } else {
        slot.minor_without_entry += 1;
    }
    if met::is_met(state) {
        met::fault_accounted(slot, metric as u32);
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
            if let Some(totals) = slots::slotless(slots::slotless_entry::TRACEPOINTS) {
                slots::add_shared(&mut totals.faults_never_accounted);
            }
        }
    }
}
