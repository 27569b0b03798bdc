//! Counters that belong to no thread.

use aya_ebpf::{btf_maps::Array, macros::btf_map};
use profiler_ebpf::layout::SharedGlobal;

#[btf_map]
static GLOBALS: Array<SharedGlobal, 1> = Array::new();

/// The counters that belong to no thread.
#[inline(always)]
pub(crate) fn global<'a>() -> Option<&'a SharedGlobal> {
    // SAFETY: a live element of the map, whose fields are all shared.
    GLOBALS.get_ptr(0).map(|global| unsafe { &*global })
}
