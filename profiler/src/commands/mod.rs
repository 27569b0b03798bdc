//! One file a command; each reads as a table of contents. `common` has the steps of several; `recording`, `recipe` and `attachment` are how anything is recorded,
//! how a command, and how what runs already; `progress` is told meanwhile.

pub mod attach;
mod attachment;
mod common;
pub mod compare;
#[cfg(feature = "daemon")]
pub mod ctl;
#[cfg(feature = "daemon")]
pub mod daemon;
pub mod doctor;
pub mod export;
#[cfg(feature = "figures")]
pub mod plot;
pub mod progress;
pub mod recipe;
mod recording;
pub mod report;
pub mod run;
pub mod schema;
#[cfg(feature = "top")]
pub mod top;
