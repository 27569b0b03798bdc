//! Latency of page faults. In: `page_fault_user` and `page_fault_kernel` at the entry, the software events that the kernel
//! raises as it accounts the fault at the end. Out: a sample of `minor_fault` or `major_fault`. A fault that the kernel
//! retries enters once and is accounted once.

use super::{
    first_switch,
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
    if thread.state.get() == state::CLOSED {
        return;
    }
    if thread.fault_ns.get() != 0 {
        slots::never_accounted(thread.slot.get());
    }
    thread.fault_ns.set(now_ns());
}

/// The kernel has accounted the current thread's fault.
#[inline(always)]
pub(crate) fn accounted(metric: Metric) {
    let Some(thread) = states::of(current()) else { return };
    let entered = thread.fault_ns.get();
    thread.fault_ns.set(0);
    let state = thread.state.get();
    if state == state::CLOSED {
        return;
    }
    let now = now_ns();
    let Some(slot) = slot(thread.slot.get()) else {
        if entered != 0 {
            slots::measure_slotless(metric as u32, entered, now);
        } else if let Some(totals) = slots::slotless(slots::slotless_entry::TRACEPOINTS) {
            totals.faults_without_entry.increase(1);
        }
        return;
    };
    if entered != 0 && now >= entered {
        record(&slot.metrics[metric.index()], now - entered);
    } else if matches!(metric, Metric::MajorFault) {
        slot.major_without_entry.increase(1);
    } else {
        slot.minor_without_entry.increase(1);
    }
    if states::is_at_attach(state) {
        first_switch::fault_accounted(slot, metric as u32);
    }
}
