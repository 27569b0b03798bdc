//! The programs that the tests profile: `live __target NAME ARGUMENT…`.
//!
//! Each does one thing a known number of times and ends with one line of JSON on what it did.

mod attach;
mod entries;
mod faults;
mod hostile;
mod lifecycle;
mod outlived;
mod signals;
mod store;
mod switches;
mod throttled;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use serde_json::Value;
use std::process::ExitCode;
use std::thread::{Builder, JoinHandle};

/// The first argument that makes this binary a target.
pub(crate) const COMMAND: &str = "__target";

/// Runs the named target.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let told = match arguments.as_slice() {
        ["sleepers", threads, sleeps, millis] => {
            switches::sleepers(number(threads), number(sleeps), number(millis))
        }
        ["spinners", threads, millis] => switches::spinners(number(threads), number(millis)),
        ["round-trips", count] => switches::round_trips(number(count)),
        ["touch", region, touched] => faults::touch(number(region), number(touched)),
        ["short-lived", threads] => lifecycle::short_lived(number(threads)),
        ["at-once", threads] => lifecycle::at_once(number(threads)),
        ["tree", depth, width] => lifecycle::tree(number(depth), number(width)),
        ["exec-from-thread"] => lifecycle::exec_from_thread(),
        ["after-exec"] => lifecycle::after_exec(),
        ["rename"] => lifecycle::rename(),
        ["raise", signal] => signals::raise(number(signal)),
        ["wait-for", signal, code] => return signals::wait_for(number(signal), number(code)),
        ["count", signal, millis] => signals::count(number(signal), number(millis)),
        ["take", signals] => signals::take(number(signals)),
        ["ignore-all"] => signals::ignore_all(),
        ["busy"] => hostile::busy(),
        ["short-lived-after-signal", threads] => hostile::short_lived_after_signal(number(threads)),
        ["exec-often", times] => hostile::exec_often(number(times)),
        ["exec-often-from-threads", times] => hostile::exec_often_from_threads(number(times)),
        ["rename-often", threads, times] => hostile::rename_often(number(threads), number(times)),
        ["same-pid", processes] => hostile::same_pid(number(processes)),
        ["few-pids", pid_max, processes] => hostile::few_pids(number(pid_max), number(processes)),
        ["in-group", procs, millis] => throttled::in_group(procs, number(millis)),
        ["sleep-in-group", procs, millis] => throttled::sleep_in_group(procs, number(millis)),
        ["spin-in-group", procs, millis] => throttled::spin_in_group(procs, number(millis)),
        ["spin", millis] => throttled::spin_alone(number(millis)),
        ["yield", times] => throttled::yields(number(times)),
        ["wander", times] => hostile::wander(number(times)),
        ["touch-when-told", pages] => hostile::touch_when_told(number(pages)),
        ["outlived-by", kind] => outlived::outlived_by(kind),
        ["go-on", kind] => outlived::go_on(kind),
        ["sleep-when-told", threads, sleeps] => attach::sleep_when_told(number(threads), number(sleeps)),
        ["spin-until-told"] => attach::spin_until_told(),
        ["fork-when-told"] => attach::fork_when_told(),
        ["exec-when-told"] => attach::exec_when_told(),
        ["named", name] => attach::named(name),
        ["touch-for-ever", pages] => attach::touch_for_ever(number(pages)),
        ["named-in-argument-0", name] => attach::named_in_argument_0(name),
        ["thread-in-group", group] => attach::thread_in_group(group),
        ["store-on-full-disk", more] => store::store_on_full_disk(number(more)),
        ["ring", reads] => entries::ring(false, number(reads)),
        ["ring-with-submitter", reads] => entries::ring(true, number(reads)),
        ["ring-when-told"] => entries::ring_when_told(false),
        ["ring-with-submitter-when-told"] => entries::ring_when_told(true),
        ["sleep-by-32-bit-entry", times, millis] => {
            entries::sleep_by_32_bit_entry(number(times), number(millis))
        }
        ["sleep-by-wide-number", times, millis] => {
            entries::sleep_by_wide_number(number(times), number(millis))
        }
        ["soak", millis] => switches::soak(number(millis)),
        _ => panic!("no such target: {arguments:?}"),
    };
    println!("{told}");
    ExitCode::SUCCESS
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("the argument is a number")
}

/// Keeps this thread and those it starts on CPU 0: what a target does on one CPU does not depend on how many
/// there are, and is less often disturbed (see `support::unannounced`).
fn pin_to_cpu_0() {
    let mut cpus = CpuSet::new();
    cpus.set(0).expect("there is a CPU 0");
    sched_setaffinity(Pid::from_raw(0), &cpus).expect("CPU 0 may be used");
}

fn spawn(name: impl Into<String>, work: impl FnOnce() -> Value + Send + 'static) -> JoinHandle<Value> {
    Builder::new().name(name.into()).spawn(work).expect("a thread starts")
}

fn join<T>(thread: JoinHandle<T>) -> T {
    thread.join().expect("the thread did not panic")
}
