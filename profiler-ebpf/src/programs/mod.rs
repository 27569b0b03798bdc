//! The programs, on floors: none uses what stands on its own or above.
//!
//! 5. `walk`: task iterators, for attaching, for snapshots and for the end.
//! 4. `switch` and `fault`, the hot paths, which measure; `birth`: threads that are measured from their first moment on.
//! 3. `first_switch`: settles the state at attach of a thread that lived already.
//! 2. `slots` and `pages`: the memory of the results.
//! 1. `states`: the state of a thread while it lives; `families`: process trees of a daemon; `throttle`: the limits that keep
//!    a thread from running.
//! 0. `task`: the kernel's fields of a thread; `global`: counters of no single thread; `atomic`: changes in one step.

pub(crate) mod atomic;
pub(crate) mod birth;
pub(crate) mod families;
pub(crate) mod fault;
pub(crate) mod first_switch;
pub(crate) mod global;
pub(crate) mod pages;
pub(crate) mod slots;
pub(crate) mod states;
pub(crate) mod switch;
pub(crate) mod task;
pub(crate) mod throttle;
pub(crate) mod walk;
