//! Targets that run into a limit of CPU time.

use super::switches::cpu_time;
use super::{join, pin_to_cpu_0, spawn};
use serde_json::{Value, json};
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Moves this process into a control group, on one CPU: on another, which it leaves, the group could be throttled
/// without it.
fn join_group(procs: &str) {
    pin_to_cpu_0();
    fs::write(procs, std::process::id().to_string()).expect("root may move a process");
}

/// Spins for that much wall time in a control group: this process moves itself there first.
pub(super) fn in_group(procs: &str, millis: u64) -> Value {
    join_group(procs);
    spin(Duration::from_millis(millis));
    json!({})
}

/// A thread that spins and one that sleeps for 1 ms at a time, for so long in a group.
pub(super) fn sleep_in_group(procs: &str, millis: u64) -> Value {
    join_group(procs);
    let length = Duration::from_millis(millis);
    let until = Instant::now() + length;
    let sleeper = spawn("sleeper", move || {
        while Instant::now() < until {
            sleep(Duration::from_millis(1));
        }
        Value::Null
    });
    spin(length);
    join(sleeper);
    json!({})
}

/// Two threads that spin, for so long in a group.
pub(super) fn spin_in_group(procs: &str, millis: u64) -> Value {
    join_group(procs);
    let spinners = [0, 1].map(|index| {
        spawn(format!("spinner-{index}"), move || {
            spin(Duration::from_millis(millis));
            Value::Null
        })
    });
    spinners.into_iter().for_each(|spinner| drop(join(spinner)));
    json!({})
}

/// Spins on one CPU.
pub(super) fn spin_alone(millis: u64) -> Value {
    pin_to_cpu_0();
    spin(Duration::from_millis(millis));
    json!({})
}

/// Yields its CPU, and says how long that took and how much of it was spent running.
pub(super) fn yields(times: u32) -> Value {
    let (begun, cpu_begun) = (Instant::now(), cpu_time());
    (0..times).for_each(|_| std::thread::yield_now());
    let (wall, cpu) = (begun.elapsed(), cpu_time() - cpu_begun);
    json!({ "wall_ns": wall.as_nanos() as u64, "cpu_ns": cpu.as_nanos() as u64 })
}

fn spin(length: Duration) {
    let until = Instant::now() + length;
    while Instant::now() < until {}
}
