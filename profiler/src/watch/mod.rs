//! A machine that is watched all the time: what was added in each interval, for the store and for the metrics.

pub mod batch;
