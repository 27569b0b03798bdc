//! One file a command; each reads as a table of contents. `common` has the steps of several; `progress` shows the run
//! under way.

pub mod attach;
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
pub mod report;
pub mod run;
pub mod schema;
#[cfg(feature = "top")]
pub mod top;
