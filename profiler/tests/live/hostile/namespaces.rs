//! Targets in a pid namespace of their own, and a profiler in a pid or time namespace.

use super::assert_exact;
use crate::attach::{Attachment, Running};
use crate::support::{Outcome, Scene, command, required, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::reconciliation::Rule;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        a_target_in_its_own_pid_namespace_is_recorded,
        numbers_used_again_in_a_pid_namespace_are_told_apart,
        a_profiler_in_a_pid_namespace_knows_its_target,
        a_profiler_in_a_time_namespace_cuts_intervals_by_the_kernels_clock,
        a_profiler_in_a_time_namespace_attaches_to_what_runs,
    ]
}

/// Only /proc becomes private: all mounts can't where the root is no mount point, as in a chroot.
const IN_A_PID_NAMESPACE: [&str; 6] =
    ["unshare", "--pid", "--fork", "--propagation", "unchanged", "--mount-proc"];

fn in_a_pid_namespace(target: &[String]) -> Vec<String> {
    let mut line = command(&IN_A_PID_NAMESPACE);
    line.extend_from_slice(target);
    line
}

fn a_target_in_its_own_pid_namespace_is_recorded() {
    let outcome = Scene::new().run(&in_a_pid_namespace(&target("tree", &["2", "3"])));
    outcome.assert_complete();
    assert_exact(&outcome);
    assert_eq!(outcome.told()["pid"].as_u64(), Some(1), "it is the first in its namespace");
    let pids: BTreeSet<u32> = outcome.profile().threads.iter().map(|thread| thread.pid).collect();
    assert_eq!(pids.len(), 1 + 1 + 3 + 9, "unshare, and the tree, by the numbers outside");
    assert!(!pids.contains(&1));
}

/// The namespace has 400 numbers, the first 300 of which are not used again.
fn numbers_used_again_in_a_pid_namespace_are_told_apart() {
    const PROCESSES: usize = 600;
    let _as_it_was = PidMax::may_change();
    let outcome =
        Scene::new().run(&in_a_pid_namespace(&target("few-pids", &["400", &PROCESSES.to_string()])));
    outcome.assert_complete();
    assert_exact(&outcome);
    assert!(outcome.told()["distinct"].as_u64().unwrap() < 400);
    assert_eq!(outcome.profile().threads.len(), 1 + 1 + PROCESSES);
}

/// The largest number of the whole machine, as it was; it is that again when this is dropped.
struct PidMax(String);

impl PidMax {
    const FILE: &str = "/proc/sys/kernel/pid_max";

    /// Fails where the target would change what others rely on.
    fn may_change() -> Self {
        assert!(
            kernel_release() >= (6, 14) || std::env::var_os(OWN_MACHINE).is_some(),
            "pid_max is of the whole machine before Linux 6.14: this test would lower it for everybody \
             ({OWN_MACHINE}=1 allows that)"
        );
        Self(fs::read_to_string(Self::FILE).unwrap())
    }
}

impl Drop for PidMax {
    fn drop(&mut self) {
        if let Err(error) = fs::write(Self::FILE, &self.0) {
            eprintln!("cannot write {}: {error}", Self::FILE);
        }
    }
}

/// Set where nothing but the tests runs on the machine, as in the guests of `cargo xtask vm`.
const OWN_MACHINE: &str = "PROFILER_OWN_MACHINE";

/// Major and minor number.
pub(super) fn kernel_release() -> (u32, u32) {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split('.').map(|part| part.parse().expect("two numbers come first"));
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// Its target's number is another inside than outside, where the programs see it.
fn a_profiler_in_a_pid_namespace_knows_its_target() {
    let scene = Scene::new();
    let inner = scene.run_command(&target("tree", &["1", "3"]));
    let mut outer = Command::new(IN_A_PID_NAMESPACE[0]);
    outer.args(&IN_A_PID_NAMESPACE[1..]).arg(required("PROFILER_BIN")).args(inner.get_args());
    outer.current_dir(scene.folder()).env_remove("SUDO_UID").env_remove("SUDO_GID");
    let outcome = Outcome::of(outer.output().expect("unshare starts"), &scene.file());
    outcome.assert_complete();
    assert_exact(&outcome);
    assert_eq!(outcome.profile().threads.len(), 1 + 3);
    assert!(!outcome.is_explained_by(Rule::NotWaitedFor), "all of them were waited for");
}

/// A command that starts a profiler in a time namespace whose clocks are a day and more ahead.
pub(crate) fn in_a_time_namespace(scene: &Scene) -> Command {
    let mut command = scene.program(Path::new("unshare"));
    command.args(["--time", "--monotonic", "100000", "--boottime", "200000", "--fork", "--kill-child"]);
    command.arg(required("PROFILER_BIN"));
    command
}

fn a_profiler_in_a_time_namespace_cuts_intervals_by_the_kernels_clock() {
    let scene = Scene::new();
    let mut command = in_a_time_namespace(&scene);
    let target = target("sleepers", &["1", "20", "5"]);
    command.args(["run", "--interval", "20ms", "--output"]).arg(scene.file()).arg("--").args(target);
    let outcome = Outcome::of(command.output().expect("unshare starts"), &scene.file());
    outcome.assert_complete();
    let profile = outcome.profile();
    assert!(profile.intervals.len() >= 4, "100 ms of sleep: {} intervals", profile.intervals.len());
    let parts = profile.intervals.iter().flat_map(|interval| &interval.threads);
    let longest = parts.map(|part| part.states.total().0).max().unwrap();
    assert!(
        longest < 50_000_000_000,
        "{longest} ns in one interval: an offset of the clocks is no time of the run"
    );
    assert!(profile.run.wall_ns.0 < 50_000_000_000);
}

fn a_profiler_in_a_time_namespace_attaches_to_what_runs() {
    let mut running = Running::asleep("sleep-when-told", &["1", "4"]);
    let scene = Scene::new().flags(&["--duration", "1s", "--interval", "100ms"]);
    let command = scene.attach_by(in_a_time_namespace(&scene), &["--pid", &running.pid().to_string()]);
    let attachment = Attachment::by(command, &scene);
    running.tell();
    let outcome = attachment.wait();
    outcome.assert_complete();
    let profile = outcome.profile();
    assert_eq!(profile.threads.len(), 2);
    assert!((900_000_000..50_000_000_000).contains(&profile.run.wall_ns.0), "{:?}", profile.run.wall_ns);
    running.finish();
}
