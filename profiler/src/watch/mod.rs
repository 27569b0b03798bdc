//! A machine that is watched all the time: what was added in each interval, for the store and for the metrics.

pub mod batch;
pub mod config;
mod groups;
pub mod lines;
mod members;
mod names;
pub(crate) mod selectors;
pub mod sinks;
pub mod status;
pub mod watcher;
