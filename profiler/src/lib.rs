//! A Linux profiler that shows what `getrusage(2)` hides.
//!
//! Data flows one way:
//!
//! ```text
//! cli -> settings -> target + kernel -> record -> profile -> report | view -> export | plot
//!                                          |--> watch -> store | metrics
//!                                          \--> top
//! ```
//!
//! - `settings` is what was asked for, resolved and checked once; only `commands` and `main` know `cli`.
//! - `target` decides who is profiled and starts it; `kernel` is the only place that knows BPF.
//! - `sys` holds the few system calls that no library offers as safe functions.
//! - `record` moves what the kernel counted into a [`model::profile::Profile`], which is plain data.
//! - `recorder` takes a recording from its beginning to its profile.
//! - `privilege` keeps the capabilities out of effect except where `kernel` needs them.
//! - `daemon` watches a machine as its `config` says, and is talked to through `control`.
//! - `watch` is for what is recorded all the time: what each interval added, for whoever keeps or shows it.
//! - `metrics` shows what monitoring systems read: it is scraped (OpenMetrics) and pushed (OTLP).
//! - `store` keeps these intervals as Parquet files, for any SQL engine.
//! - `top` shows what goes on in a terminal, of a recording of its own or through a daemon's `control`.
//! - `view` chooses what of profiles is shown and adds it up; `files` is where all that is written goes.
//! - `report`, `export` and `plot` work from profiles alone: without root, and on another machine.

#![cfg_attr(
    not(all(
        feature = "daemon",
        feature = "figures",
        feature = "metrics",
        feature = "store",
        feature = "top"
    )),
    allow(
        dead_code,
        unused_imports,
        unused_variables,
        reason = "without one of its features the program has code that only that one calls"
    )
)]

pub mod cli;
pub mod clock;
mod columns;
pub mod commands;
#[cfg(feature = "daemon")]
pub mod config;
pub mod control;
#[cfg(feature = "daemon")]
pub mod daemon;
pub mod export;
mod figures;
pub mod files;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(test)]
mod golden;
pub mod kernel;
mod kernel_text;
#[cfg(feature = "metrics")]
pub mod metrics;
mod mounts;
mod outside_bytes;
#[cfg(feature = "figures")]
pub mod plot;
pub mod privilege;
pub mod record;
mod recorder;
mod remedy;
pub mod report;
pub mod settings;
#[cfg(feature = "store")]
pub mod store;
mod sys;
pub mod target;
pub mod terminal;
#[cfg(feature = "top")]
pub mod top;
mod unix_socket;
mod values;
pub mod view;
pub mod watch;
