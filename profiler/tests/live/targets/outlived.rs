//! A target whose first process ends while another goes on at the highest rate there is.

use super::lifecycle::again;
use super::{join, spawn};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity, sched_yield};
use nix::unistd::{Pid, alarm};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _, pipe};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

/// Ends once the other process is at it; says which that is.
#[expect(clippy::zombie_processes, reason = "it outlives this process")]
pub(super) fn outlived_by(kind: &str) -> Value {
    let mut other = again("go-on");
    let mut other = other.arg(kind).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut ready = String::new();
    let stdout = other.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut ready).expect("it writes");
    assert_eq!(ready, "ready\n");
    json!({ "pid": other.id() })
}

/// Switches, or starts threads, until somebody ends it. Says `ready` first.
pub(super) fn go_on(kind: &str) -> Value {
    /// In seconds: what a failed test leaves behind ends by itself.
    const LIMIT: u32 = 60;
    /// Until then the threads are at their rate.
    const START: Duration = Duration::from_millis(10);

    alarm::set(LIMIT);
    pin_to_the_last_cpu();
    match kind {
        "voluntary" => hand_to_and_fro_for_ever(),
        "involuntary" => yield_for_ever(),
        "births" => bear_for_ever(),
        _ => panic!("{kind} is none of voluntary, involuntary, births"),
    }
    sleep(START);
    println!("ready");
    sleep(Duration::from_secs(LIMIT.into()));
    panic!("nobody ended this process")
}

/// The closing pass runs on another CPU, if there is one.
fn pin_to_the_last_cpu() {
    let this = Pid::from_raw(0);
    let allowed = sched_getaffinity(this).expect("the kernel tells");
    let last = (0..CpuSet::count()).rfind(|&cpu| allowed.is_set(cpu).is_ok_and(|set| set));
    let mut cpus = CpuSet::new();
    cpus.set(last.expect("there is a CPU")).expect("the number is small");
    sched_setaffinity(this, &cpus).expect("the CPU may be used");
}

/// Each trip is two voluntary switches.
fn hand_to_and_fro_for_ever() {
    let (mut echo_reads, mut caller_writes) = pipe().expect("a pipe");
    let (mut caller_reads, mut echo_writes) = pipe().expect("a pipe");
    spawn("echo", move || {
        loop {
            echo_reads.read_exact(&mut [0]).expect("the pipe can be read");
            echo_writes.write_all(&[1]).expect("the pipe can be written");
        }
    });
    spawn("caller", move || {
        loop {
            caller_writes.write_all(&[1]).expect("the pipe can be written");
            caller_reads.read_exact(&mut [0]).expect("the pipe can be read");
        }
    });
}

/// To the kernel each is an involuntary switch.
fn yield_for_ever() {
    for index in 0..2 {
        spawn(format!("yielder-{index}"), || {
            loop {
                sched_yield().expect("it always works");
            }
        });
    }
}

/// Threads that end at once.
fn bear_for_ever() {
    spawn("mother", || {
        loop {
            join(spawn("child", || Value::Null));
        }
    });
}
