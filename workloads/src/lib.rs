//! The parts that the two workloads share, so that they differ only in their scheduling.
//!
//! Each runs the same tasks, `fetch_database`, all submitted at once: a line to a sink, a wait, then (if asked
//! for) fresh memory and CPU, and a second line. `tokio-workload` waits on an event loop,
//! `thread-pool-workload` on OS threads. At its end each prints one JSON line for the profiler to read.
//!
//! - [`args`]: the flags that both take
//! - [`task`]: what a task does before and after its wait, and when it did it
//! - [`load`]: the memory and the CPU that a task can be made to use
//! - [`sink`]: where the tasks' lines go
//! - [`pool`]: a thread pool that starts its workers on demand
//! - [`summary`]: the JSON line, and the exit code

#![forbid(unsafe_code)]

pub mod args;
pub mod load;
pub mod pool;
pub mod sink;
pub mod summary;
pub mod task;
