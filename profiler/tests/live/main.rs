//! Live tests: each profiles a program written for it, and compares with what that program did and with the
//! kernel's own counters. They need root and a release build: `cargo xtask test` runs them.
//!
//! The programs are in this same binary (`targets`), so that a test and what it profiles lie side by side and
//! nothing else has to be built. Nothing is skipped: a test whose requirement is missing fails with its name.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking; without the default harness the lints do not see that this is one"
)]

mod attach;
mod attached;
mod control_group;
mod daemon;
mod support;
mod targets;

mod behaviour;
mod comparison;
mod entries;
mod exit_codes;
mod faults;
mod files;
mod hostile;
mod identity;
mod interrupted;
mod intervals;
mod left_behind;
mod lifecycle;
mod limits;
mod privilege;
mod real_world;
mod self_cost;
mod stopping;
mod store;
mod switches;
mod terminal;
mod top;

use libtest_mimic::Arguments;
use nix::sys::signal::Signal;
use std::{env, fs, process::ExitCode};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some(targets::COMMAND) {
        return targets::run(&arguments.collect::<Vec<_>>());
    }
    if hangups_are_ignored() {
        eprintln!(
            "error: SIGHUP is ignored, as under nohup, and so it would be by the profiler: some tests send it"
        );
        return ExitCode::FAILURE;
    }
    let tests = [
        switches::tests(),
        faults::tests(),
        lifecycle::tests(),
        entries::tests(),
        limits::tests(),
        intervals::tests(),
        attach::tests(),
        daemon::tests(),
        stopping::tests(),
        left_behind::tests(),
        interrupted::tests(),
        terminal::tests(),
        top::tests(),
        exit_codes::tests(),
        identity::tests(),
        files::tests(),
        privilege::tests(),
        behaviour::tests(),
        comparison::tests(),
        real_world::tests(),
        hostile::tests(),
        self_cost::tests(),
        store::tests(),
    ];
    let mut arguments = Arguments::from_args();
    // Each test wants the machine to itself.
    arguments.test_threads = Some(1);
    libtest_mimic::run(&arguments, tests.into_iter().flatten().collect()).exit_code()
}

/// Programs inherit what their parent ignores.
fn hangups_are_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    ignored >> (Signal::SIGHUP as u32 - 1) & 1 == 1
}
