//! Records of threads: where samples go, and how all of them are closed at the end. Every recording needs it.

use super::{Hook, Map, Probe, Program};

/// Closes the record of every thread that still lives, so that nothing in a slot changes any more.
pub(in crate::kernel) const CLOSE: &str = "close_all";

pub(super) static PROBE: Probe = Probe {
    programs: &[Program { name: CLOSE, hook: Hook::TaskIterator }],
    maps: &[
        Map { name: "PLACES", entries: |wanted| 1 << wanted.limits.places_log2() },
        Map { name: "SLOTS", entries: |wanted| wanted.limits.max_threads },
        Map { name: "FREE_SLOTS", entries: |wanted| wanted.limits.max_threads },
        Map { name: "PAGES", entries: |wanted| wanted.limits.pages() },
        Map { name: "FREE_PAGES", entries: |wanted| wanted.limits.pages() },
        Map { name: "EXITS", entries: |wanted| wanted.limits.ring_bytes() },
    ],
    is_wanted: |_| true,
};
