//! A live view of threads in a terminal.
//!
//! ```text
//! feed (live, over a recording or remote) -> model -> view -> draw -> screen
//! ```
//!
//! - [`feed`] is where figures come from: what each refresh added; [`live`] makes that of a recording, and [`remote`] has
//!   the records from a daemon, as `rebuilt` from what its frames add.
//! - [`model`] is everything that can be shown, [`column`] the figures of its table.
//! - [`view`] is what is chosen of it: order, filter, selection; [`app`] is both together, and what keys do to them.
//! - [`draw`] draws it, [`screen`] is the terminal, [`keys`] what is typed there, and [`run`] is the loop over keys, signals and refreshes.

pub mod app;
pub mod column;
pub mod draw;
pub mod feed;
#[cfg(test)]
mod fixture;
pub mod keys;
pub mod live;
pub mod model;
mod rebuilt;
pub mod remote;
pub mod run;
pub mod screen;
mod signals;
pub mod view;
