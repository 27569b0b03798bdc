//! Task iterators: BPF programs that the kernel runs once for each task of the machine. `join` attaches to threads that live
//! already, `snapshot` samples them, `close` and `release` end their records, `census` counts those without one.

mod census;
pub(crate) mod close;
pub(crate) mod join;
pub(crate) mod release;
pub(crate) mod snapshot;
