//! A machine that is watched all the time: what was added in each interval, for the store and for the metrics.

pub mod batch;
pub mod config;
mod groups;
mod members;
mod names;
mod selectors;
pub mod status;
pub mod watcher;
