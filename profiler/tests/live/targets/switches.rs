//! Targets that sleep, spin and wake one another.

use super::{join, pin_to_cpu_0, spawn};
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::io::{PipeReader, PipeWriter, Read as _, Write as _, pipe};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Each thread sleeps that many times. They start and end one after another, so that no two meet on the lock
/// of the address space while one makes its stack and another gives it back: that would be a wait more.
pub(super) fn sleepers(threads: u32, sleeps: u32, millis: u64) -> Value {
    pin_to_cpu_0();
    let started: Vec<_> = (0..threads)
        .map(|index| {
            let thread = spawn(format!("sleeper-{index}"), move || {
                (0..sleeps).for_each(|_| sleep(Duration::from_millis(millis)));
                Value::Null
            });
            sleep(Duration::from_millis(5));
            thread
        })
        .collect();
    started.into_iter().for_each(|thread| drop(join(thread)));
    json!({})
}

/// Each thread spins until it has used that much CPU time.
pub(super) fn spinners(threads: u32, millis: u64) -> Value {
    pin_to_cpu_0();
    let enough = Duration::from_millis(millis);
    let started: Vec<_> = (0..threads)
        .map(|index| {
            spawn(format!("spinner-{index}"), move || {
                while cpu_time() < enough {}
                json!({ "name": format!("spinner-{index}"), "cpu_ns": cpu_time().as_nanos() as u64 })
            })
        })
        .collect();
    started.into_iter().map(join).collect()
}

/// CPU time of this thread.
pub(super) fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("the clock exists").into()
}

/// A caller and an echo hand one byte to and fro. What the kernel counted of each is read after its last trip.
pub(super) fn round_trips(count: u32) -> Value {
    hand_to_and_fro(move |trip| (0..count).for_each(|_| trip()))
}

/// Likewise, for a time. Says `ready PID` first.
pub(super) fn soak(millis: u64) -> Value {
    /// Trips between two looks at the clock: about a millisecond.
    const BETWEEN: u32 = 250;

    println!("ready {}", std::process::id());
    let until = Instant::now() + Duration::from_millis(millis);
    hand_to_and_fro(move |trip| {
        while Instant::now() < until {
            (0..BETWEEN).for_each(|_| trip());
        }
    })
}

fn hand_to_and_fro(trips: impl FnOnce(&mut dyn FnMut()) + Send + 'static) -> Value {
    pin_to_cpu_0();
    let (mut echo_reads, mut caller_writes) = pipe().expect("a pipe");
    let (mut caller_reads, mut echo_writes) = pipe().expect("a pipe");
    let echo = spawn("echo", move || {
        // Ends after the caller has: the two would meet on the lock of the address space.
        while echo_reads.read(&mut [0]).expect("the pipe can be read") == 1 {
            give(&mut echo_writes);
        }
        usage_of_this_thread()
    });
    // Nor do they meet while they start.
    sleep(Duration::from_millis(20));
    let (done, is_done) = std::sync::mpsc::channel();
    let caller = spawn("caller", move || {
        trips(&mut || {
            give(&mut caller_writes);
            take(&mut caller_reads);
        });
        done.send(caller_writes).expect("main listens");
        usage_of_this_thread()
    });
    let keeps_the_echo = is_done.recv().expect("the caller ends well");
    let caller = join(caller);
    drop(keeps_the_echo);
    json!({ "caller": caller, "echo": join(echo) })
}

fn give(pipe: &mut PipeWriter) {
    pipe.write_all(&[1]).expect("the pipe can be written");
}

fn take(pipe: &mut PipeReader) {
    pipe.read_exact(&mut [0]).expect("the pipe can be read");
}

fn usage_of_this_thread() -> Value {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).expect("the kernel tells");
    json!({
        "voluntary": usage.voluntary_context_switches(),
        "involuntary": usage.involuntary_context_switches(),
    })
}
