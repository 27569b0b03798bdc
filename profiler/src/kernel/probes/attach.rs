//! Attaching: the threads of chosen processes join that live already.

use super::{Hook, Map, Probe, Program};

/// Has the threads of the chosen processes join, those that have not.
pub(in crate::kernel) const JOIN: &str = "join_chosen";

/// Processes that can be chosen before they have joined, where they join all the time.
pub(in crate::kernel) const CHOSEN_AT_ONCE: u32 = 1024;

pub(super) static PROBE: Probe = Probe {
    programs: &[Program { name: JOIN, hook: Hook::TaskIterator }],
    maps: &[Map {
        name: "CHOSEN",
        entries: |wanted| if wanted.watches { CHOSEN_AT_ONCE } else { wanted.living.max(1) },
    }],
    is_wanted: |wanted| wanted.joins(),
};
