//! Live tests: each profiles a program written for it, and compares with what that program did and with the
//! kernel's own counters. They need root and a release build: `cargo xtask test` runs them.
//!
//! The programs are in this same binary (`targets`), so that a test and what it profiles lie side by side and nothing
//! else has to be built. Nothing is skipped: where a requirement is missing, no test runs and all that is missing is
//! named (`requirements`).

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
mod disturbance;
mod own_mounts;
mod requirements;
mod support;
mod targets;
mod trial;

mod behaviour;
mod comparison;
mod entries;
mod exit_codes;
mod faults;
mod files;
mod hostile;
mod identity;
mod inherited;
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
use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    if arguments.next().as_deref() == Some(targets::COMMAND) {
        return targets::run(&arguments.collect::<Vec<_>>());
    }
    requirements::shed_ignored_signals();
    let missing = requirements::missing();
    for one in &missing {
        eprintln!("the live tests need {one}");
    }
    if env::args().nth(1).as_deref() == Some(requirements::COMMAND) || !missing.is_empty() {
        return if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
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
        inherited::tests(),
        files::tests(),
        privilege::tests(),
        behaviour::tests(),
        comparison::tests(),
        real_world::tests(),
        hostile::tests(),
        self_cost::tests(),
        store::tests(),
        disturbance::tests(),
    ];
    let mut arguments = Arguments::from_args();
    // Each test wants the machine to itself.
    arguments.test_threads = Some(1);
    let tests = trial::wanted(tests.into_iter().flatten().collect());
    let conclusion = libtest_mimic::run(&arguments, tests);
    if !arguments.list {
        eprintln!("{}{}", trial::slowest(), disturbance::told());
    }
    if let Some(told) = disturbance::too_many() {
        eprintln!("{told}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
