//! A live view of threads in a terminal.
//!
//! ```text
//! feed (live, over a recording or remote) -> model -> view -> draw -> screen
//! ```
//!
//! - [`feed`] is the source of figures: what each refresh added. [`live`] computes it from a recording,
//!   [`remote`] from the thread records that it has `rebuilt` from a daemon's frames.
//! - [`model`] is the data of the view, [`mod@column`] the columns of its table.
//! - [`view`] is order, filter and selection of rows; [`app`] combines model and view, and handles keys.
//! - [`draw`] draws the app, [`screen`] is the terminal, [`keys`] decodes its input, and [`run`] is the main loop over
//!   keys, signals and refreshes.

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
