//! Walks over all tasks of the machine, each by a BPF iterator: `join` has threads that live already join, `snapshot` looks at
//! them, `close` and `release` end their records, `census` counts those that have none.

mod census;
pub(crate) mod close;
pub(crate) mod join;
pub(crate) mod release;
pub(crate) mod snapshot;
