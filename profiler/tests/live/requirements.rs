//! Requirements of the live tests, all looked for before the first of them runs.

use crate::control_group;
use nix::sys::signal::Signal;
use signal_hook::consts::FORBIDDEN;
use std::env;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Lines `PROGRAM PACKAGE`; `cargo xtask` reads them too.
const PROGRAMS: &str = include_str!("programs.txt");

/// The first argument that makes this binary only look for the requirements.
pub(crate) const COMMAND: &str = "__requirements";

/// Controllers of the control groups that tests make.
const CONTROLLERS: [&str; 2] = ["cpu", "memory"];

/// Everything that is missing, each with the way to get it.
pub(crate) fn missing() -> Vec<String> {
    let mut missing: Vec<String> = [root(), tracefs(), proc_is_mounted()].into_iter().flatten().collect();
    missing.extend(["PROFILER_BIN", "PROFILER_RELEASE_DIR"].into_iter().filter_map(path_in));
    missing.extend(CONTROLLERS.into_iter().filter_map(controller));
    missing.extend(programs().filter_map(|(name, package)| program(name, package)));
    missing
}

fn root() -> Option<String> {
    (!nix::unistd::geteuid().is_root()).then(|| "root: `cargo xtask test` gets there by sudo".to_owned())
}

fn tracefs() -> Option<String> {
    const EVENTS: &str = "/sys/kernel/tracing/events";
    (!Path::new(EVENTS).is_dir())
        .then(|| format!("{EVENTS}: mount -t tracefs tracefs /sys/kernel/tracing (`cargo xtask test` does)"))
}

/// Tests mount another /proc on top of it.
fn proc_is_mounted() -> Option<String> {
    (!Path::new("/proc/self/status").is_file()).then(|| "/proc: mount -t proc proc /proc".to_owned())
}

/// The path in a variable that `cargo xtask test` sets.
fn path_in(variable: &str) -> Option<String> {
    let Some(path) = env::var_os(variable) else {
        return Some(format!("{variable}: not set; `cargo xtask test` builds what it names"));
    };
    (!Path::new(&path).exists()).then(|| format!("{variable}: there is no {}", path.display()))
}

fn controller(name: &str) -> Option<String> {
    control_group::root(name).err().map(|missing| format!("{missing}: mount -t cgroup2 none /sys/fs/cgroup"))
}

fn programs() -> impl Iterator<Item = (&'static str, &'static str)> {
    PROGRAMS.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '))
}

fn program(name: &str, package: &str) -> Option<String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| folder.join(name).is_file());
    (!found).then(|| format!("{name}: apt-get install {package}"))
}

/// Gives the programs that tests start the default action of every signal that this process was started to ignore, as
/// under nohup or in the background of a script: a handler becomes the default action at an exec, "ignored" stays. The
/// handlers do nothing, so that the signals end these tests no more than before.
pub(crate) fn shed_ignored_signals() {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    for signal in ignored_in(&status) {
        // Rust ignores SIGPIPE in every program and gives its default action to what it starts; the forbidden ones are
        // those of faults, which have to end this process.
        if signal != Signal::SIGPIPE && !FORBIDDEN.contains(&(signal as i32)) {
            let nothing = Arc::new(AtomicBool::new(false));
            signal_hook::flag::register(signal as i32, nothing).expect("it may have a handler");
        }
    }
}

/// The signals of `SigIgn` in /proc/PID/status: a bit for each, that of signal 1 first.
fn ignored_in(status: &str) -> impl Iterator<Item = Signal> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .expect("the kernel shows what is ignored");
    let mask = u64::from_str_radix(mask.trim(), 16).expect("a mask");
    Signal::iterator().filter(move |signal| mask >> (*signal as i32 - 1) & 1 == 1)
}
