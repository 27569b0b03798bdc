//! A machine that is watched all the time: what was added in each interval, for the store and for the metrics.
//!
//! - `config`: whom to watch and how, as it is written in the configuration.
//! - `selectors`: which of them a process belongs to; `members`: the processes that were chosen.
//! - `watcher`: has them join and leave, and sums what is added to their threads; `names` are those of their processes,
//!   `scans` when all processes are looked at again.
//! - `groups`: the sums of an interval that is under way; `batch`: an interval that has ended.
//! - `sinks`: where the intervals go; `lines` is one.
//! - `interval`: an interval as others read it; `frame`: what a view is told at each refresh.
//! - `viewer`: who looks at the threads meanwhile, and what each was handed out.
//! - `status`: what `profiler ctl status` tells of all this.

pub mod batch;
pub mod config;
pub mod frame;
mod groups;
pub mod interval;
pub mod lines;
mod members;
mod names;
mod scans;
pub(crate) mod selectors;
pub mod sinks;
pub mod status;
pub mod viewer;
pub mod watcher;
