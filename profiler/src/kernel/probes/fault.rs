//! Page faults: entries by tracepoint, ends by the software events that the kernel raises as it accounts a fault.

use super::{Hook, Probe, Program};
use aya::programs::perf_event::SoftwareEvent;

const ENTRY: Hook = Hook::Tracepoint { group: "exceptions", purpose: "entry of minor_fault and major_fault" };

pub(super) static PROBE: Probe = Probe {
    programs: &[
        // Ends before entries: an end without an entry would count as one.
        Program { name: "minor_fault", hook: Hook::Software(SoftwareEvent::PageFaultsMin) },
        Program { name: "major_fault", hook: Hook::Software(SoftwareEvent::PageFaultsMaj) },
        Program { name: "page_fault_user", hook: ENTRY },
        Program { name: "page_fault_kernel", hook: ENTRY },
    ],
    maps: &[],
    is_wanted: |_| true,
};
