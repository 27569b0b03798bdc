//! Snapshots: what every thread is doing, while it goes on. Loaded only where there will be any: the verifier's work is
//! most of a run's start.

use super::{Hook, Probe, Program};

/// Writes into each slot what its thread is doing.
pub(in crate::kernel) const SNAPSHOT: &str = "snapshot";

pub(super) static PROBE: Probe = Probe {
    programs: &[Program { name: SNAPSHOT, hook: Hook::TaskIterator }],
    maps: &[],
    is_wanted: |wanted| wanted.snapshots,
};
