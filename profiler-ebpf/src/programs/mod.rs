//! What the programs do.
//!
//! `switch` and `fault` are the hot paths: they measure. `lifecycle` decides which threads are measured, `met` has
//! those join that live already, `families` has processes join and leave all the time, `snapshot` looks at them in
//! between.
//! `task` reads what the kernel knows of a thread, `throttle` the limits that keep it from running, `states` keeps what the programs know of it while it lives,
//! `slots` and `pages` are the memory the results are in.

pub(crate) mod census;
pub(crate) mod families;
pub(crate) mod fault;
pub(crate) mod lifecycle;
pub(crate) mod met;
pub(crate) mod pages;
pub(crate) mod slots;
pub(crate) mod snapshot;
pub(crate) mod states;
pub(crate) mod switch;
pub(crate) mod task;
pub(crate) mod throttle;
