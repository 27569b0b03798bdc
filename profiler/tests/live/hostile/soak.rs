//! The highest switch rate that one CPU gives, for as long as is asked for: a few seconds, or `cargo xtask test
//! --soak 10m`.

use super::{assert_exact, assert_told_switches, ready_pid};
use crate::support::{Scene, own_memory, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use std::thread::sleep;
use std::time::{Duration, Instant};

pub(crate) fn tests() -> Vec<Trial> {
    trials![memory_stays_flat_and_ledgers_stay_at_zero]
}

/// The length, as humantime writes it; set by `cargo xtask test --soak`.
const LENGTH: &str = "PROFILER_SOAK";

const DEFAULT_LENGTH: Duration = Duration::from_secs(4);

/// Until then a profiler has touched what it touches while it runs.
const WARM_UP: Duration = Duration::from_secs(1);

/// A page table or a buffer may still come; a leak of one byte a switch would show within a second.
const GROWTH_BYTES: u64 = 64 * 1024;

fn memory_stays_flat_and_ledgers_stay_at_zero() {
    let length = match std::env::var(LENGTH) {
        Ok(text) => humantime::parse_duration(&text).expect("PROFILER_SOAK is a time, such as 10m"),
        Err(_) => DEFAULT_LENGTH,
    };
    assert!(length > WARM_UP, "a soak is longer than its warm-up of {WARM_UP:?}");
    let scene = Scene::new();
    let run = scene.start(&target("soak", &[&length.as_millis().to_string()]));
    ready_pid(&run.line);
    let started = Instant::now();
    sleep(WARM_UP);
    let (first, mut last) = (own_memory(run.pid()), own_memory(run.pid()));
    let mut most = first;
    // A little before the end: at the end it grows by the profile that it makes.
    while started.elapsed() + Duration::from_millis(500) < length {
        sleep(Duration::from_millis(250));
        last = own_memory(run.pid());
        most = most.max(last);
    }
    assert!(most <= first + GROWTH_BYTES, "its own memory at first {first}, at most {most} bytes");

    let outcome = run.finish();
    outcome.assert_complete();
    assert_exact(&outcome);
    let switches: u64 = ["caller", "echo"].into_iter().map(|name| assert_told_switches(&outcome, name)).sum();
    let profile = outcome.profile();
    let seconds = profile.run.wall_ns.0 / 1_000_000_000;
    println!(
        "soak: {seconds} s, {switches} switches, {} a second; own memory {} KiB at first, {} KiB at most, {} KiB at last; {}",
        switches / seconds.max(1),
        first / 1024,
        most / 1024,
        last / 1024,
        profiler::report::verdict(profile),
    );
}
