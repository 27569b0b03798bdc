//! Targets that are signalled.

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use serde_json::{Value, json};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Ends by this signal.
pub(super) fn raise(signal: i32) -> Value {
    let signal = Signal::try_from(signal).expect("there is such a signal");
    nix::sys::signal::raise(signal).expect("a signal can be raised");
    panic!("{signal} did not end this process")
}

/// Says `ready PID`, waits for the signal, and exits with the code.
pub(super) fn wait_for(signal: i32, code: u8) -> ExitCode {
    let expected = Signal::try_from(signal).expect("there is such a signal");
    let mut set = SigSet::empty();
    set.add(expected);
    set.thread_block().expect("it can be blocked");
    println!("ready {}", std::process::id());
    assert_eq!(set.wait().expect("signals can be waited for"), expected);
    println!("got {expected}");
    ExitCode::from(code)
}

/// Says `ready PID`, and how often the signal came from its first time on until it did not come for so long.
pub(super) fn count(signal: i32, quiet_millis: u64) -> Value {
    let signal = Signal::try_from(signal).expect("there is such a signal");
    let mut set = SigSet::empty();
    set.add(signal);
    set.thread_block().expect("it can be blocked");
    println!("ready {}", std::process::id());
    set.wait().expect("signals can be waited for");
    let taken = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK).expect("signals can be taken");
    let mut count = 1;
    let mut last = Instant::now();
    while last.elapsed() < Duration::from_millis(quiet_millis) {
        sleep(Duration::from_millis(1));
        if taken.read_signal().expect("signals can be read").is_some() {
            count += 1;
            last = Instant::now();
        }
    }
    json!({ "count": count })
}

/// Says `ready PID`, and the signals that came, by their numbers and with their values, until so many have or none
/// comes any more.
pub(super) fn take(signals: usize) -> Value {
    /// Longer than whoever sends them takes between two.
    const QUIET: Duration = Duration::from_secs(10);
    let all = SigSet::all();
    all.thread_block().expect("they can be blocked");
    println!("ready {}", std::process::id());
    let taken = SignalFd::with_flags(&all, SfdFlags::SFD_NONBLOCK).expect("signals can be taken");
    let (mut took, mut last) = (Vec::new(), Instant::now());
    while took.len() < signals && last.elapsed() < QUIET {
        match taken.read_signal().expect("signals can be read") {
            Some(signal) => {
                took.push((signal.ssi_signo, signal.ssi_int));
                last = Instant::now();
            }
            None => sleep(Duration::from_millis(1)),
        }
    }
    json!({ "took": took })
}

/// Says `ready PID` and does not end by any signal that can be refused.
pub(super) fn ignore_all() -> Value {
    SigSet::all().thread_block().expect("signals can be blocked");
    println!("ready {}", std::process::id());
    sleep(Duration::from_secs(300));
    panic!("nobody ended this process")
}
