//! The kernel's own clocks, which every time from the programs is on.
//!
//! In a time namespace (time_namespaces(7)) CLOCK_MONOTONIC and CLOCK_BOOTTIME of this process are the kernel's plus an offset
//! each, and so is what /proc shows of start times. BPF programs read the clocks without it. So the offsets are applied here,
//! once, wherever a time of this process meets one of the kernel's.

use crate::remedy;
use anyhow::{Context as _, Result, bail};
use model::profile::units::Nanos;
use nix::time::{ClockId, clock_gettime};
use std::fs;
use std::io::ErrorKind;
use std::sync::OnceLock;
use std::time::Duration;

/// The clocks of this process less the kernel's, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offsets {
    monotonic_ns: i64,
    /// Of CLOCK_BOOTTIME.
    pub(crate) boottime_ns: i64,
}

/// CLOCK_MONOTONIC of the kernel now, which is the clock of every record.
///
/// # Errors
/// If the kernel does not tell it, or not how this process's clock differs from it.
pub fn monotonic_now() -> Result<Nanos> {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).context("cannot read CLOCK_MONOTONIC")?);
    let now = i128::try_from(now.as_nanos())? - i128::from(offsets()?.monotonic_ns);
    Ok(Nanos(u64::try_from(now)?))
}

/// The offsets of the time namespace that this process is in. They can't change while a process is in it.
///
/// # Errors
/// If they can't be known.
pub(crate) fn offsets() -> Result<Offsets> {
    static OFFSETS: OnceLock<Offsets> = OnceLock::new();
    match OFFSETS.get() {
        Some(known) => Ok(*known),
        None => read().map(|read| *OFFSETS.get_or_init(|| read)),
    }
}

/// The file shows the offsets of the namespace that children are born in (kernel/time/namespace.c
/// `proc_timens_show_offsets`), which is another one between an unshare(2) and the next fork.
fn read() -> Result<Offsets> {
    const FILE: &str = "/proc/self/timens_offsets";
    let text = match fs::read_to_string(FILE) {
        Ok(text) => text,
        // A kernel without time namespaces.
        Err(error) if error.kind() == ErrorKind::NotFound && !remedy::is_proc_missing() => {
            return Ok(Offsets::default());
        }
        Err(error) => return Err(remedy::unreadable(FILE, error)),
    };
    let namespace = |name: &str| {
        fs::read_link(format!("/proc/self/ns/{name}"))
            .with_context(|| format!("cannot read /proc/self/ns/{name}"))
    };
    if namespace("time")? != namespace("time_for_children")? {
        bail!(
            "this process has a time namespace for its children that it is not in itself, so that its clocks can't be compared \
             with the kernel's; start the profiler in the new one (unshare --time --fork)"
        );
    }
    parse(&text).with_context(|| format!("{FILE} is {text:?}"))
}

/// Lines of a clock's name, seconds and nanoseconds.
fn parse(text: &str) -> Option<Offsets> {
    let of = |clock: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(clock))?;
        let mut numbers = line.split_whitespace().map(str::parse::<i64>);
        let (seconds, nanos) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
        seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
    };
    Some(Offsets { monotonic_ns: of("monotonic")?, boottime_ns: of("boottime")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_read_in_nanoseconds() {
        let read = parse("monotonic      100000         5\nboottime           -3 999999999\n");
        assert_eq!(read, Some(Offsets { monotonic_ns: 100_000_000_000_005, boottime_ns: -2_000_000_001 }));
        assert_eq!(parse("monotonic 1 0\n"), None);
        assert_eq!(parse("monotonic 1\nboottime 1 0\n"), None);
        assert_eq!(parse("monotonic 9223372036854775807 0\nboottime 0 0\n"), None);
    }

    #[test]
    fn time_goes_on() {
        let before = monotonic_now().unwrap();
        assert!(monotonic_now().unwrap() >= before);
    }
}
