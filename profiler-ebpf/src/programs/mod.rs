//! What the programs do.
//!
//! `switch` and `fault` are the hot paths: they measure. `lifecycle` decides which threads are measured.
//! `task` is what is known of a thread while it lives, `slots` and `pages` the memory the results are in.

pub(crate) mod fault;
pub(crate) mod lifecycle;
pub(crate) mod pages;
pub(crate) mod slots;
pub(crate) mod switch;
pub(crate) mod task;
