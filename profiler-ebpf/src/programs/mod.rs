//! The work of the programs, on floors: none uses what stands on its own or above.
//!
//! 5. `walk`: all tasks of the machine, for those that join while they live, for snapshots and for the end.
//! 4. `switch` and `fault`, the hot paths, which measure; `birth`: which threads are measured from their first moment on.
//! 3. `first_switch`: what a thread that was there already was found at.
//! 2. `slots` and `pages`: the memory that the results are in.
//! 1. `states`: what the programs know of a thread while it lives; `families`: who belongs together; `throttle`: the limits
//!    that keep a thread from running.
//! 0. `task`: what the kernel knows of a thread; `global`: counters that belong to none; `atomic`: changes in one step.

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
