//! Profiles that earlier versions wrote, and the reports that they must go on giving.
//!
//! `tests/golden/schema-1` holds one profile of each kind, recorded by version 0.1.0. They are never written anew: what is
//! made of them may change in words, not in figures. `UPDATE_GOLDEN=1 cargo test --test compat` writes the reports.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are not recognised as such in an integration test"
)]

#[path = "../src/golden.rs"]
mod golden;

use golden::{golden, matches};
use profiler::profile::{Profile, file};
use profiler::report::{self, Style};

const WIDTH: usize = 100;

fn read(name: &str) -> Profile {
    file::read(&golden(&format!("schema-1/{name}.profile.json"))).unwrap()
}

#[test]
fn each_kind_of_profile_gives_the_report_it_gave() {
    for name in ["run", "intervals", "attach"] {
        matches(&format!("schema-1/{name}.txt"), &report::single(&read(name), &Style::plain(WIDTH)));
    }
}

#[test]
fn a_comparison_gives_the_report_it_gave() {
    let (tokio, pool) = (read("comparison-tokio"), read("comparison-thread-pool"));
    let report = report::comparison(&[&tokio, &pool], None, &Style::plain(WIDTH));
    matches("schema-1/comparison.txt", &report);
}
