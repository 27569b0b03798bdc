//! Privileges: the profiler's while a command runs, the command's own, and the least that are enough.

use crate::attach::{Attachment, Running};
use crate::own_mounts::in_own_mounts;
use crate::support::{CALLER, Outcome, Scene, command, required};
use crate::trial::trials;
use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::process::Command;

/// CAP_CHOWN (0), CAP_DAC_OVERRIDE (1), CAP_FOWNER (3) and CAP_KILL (5), include/uapi/linux/capability.h.
const KEPT: u64 = 0b10_1011;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        capabilities_are_given_up_before_the_command_runs,
        two_capabilities_are_enough,
        two_capabilities_are_enough_to_attach_to_another_users_process;
        here:
        a_callers_command_gets_no_capability_and_no_descriptor,
        processes_that_proc_hides_are_found_by_root_and_explained_to_others,
        a_comparison_without_any_leaves_nothing,
    ]
}

fn capabilities_are_given_up_before_the_command_runs() {
    let scene = Scene::new();
    let run = scene.start(&command(&["sh", "-c", "echo runs; exec sleep 60"]));
    assert_eq!(run.line, "runs");
    let status = fs::read_to_string(format!("/proc/{}/status", run.pid())).unwrap();
    run.signal(Signal::SIGTERM);
    run.finish().assert_proven();
    assert_given_up(&status);
}

/// Of a profiler that has attached.
pub(crate) fn assert_given_up(status: &str) {
    assert_eq!(capabilities(status, "CapEff:") & !KEPT, 0, "{status}");
    assert_eq!(capabilities(status, "CapBnd:") & !KEPT, 0, "{status}");
    assert_eq!(capabilities(status, "CapInh:"), 0);
    assert_eq!(capabilities(status, "CapAmb:"), 0);
}

/// The privileges that a command shows of itself.
const SHOW: &str = "grep ^Cap /proc/self/status; for fd in /proc/$$/fd/*; do echo fd ${fd##*/}; done";

fn a_callers_command_gets_no_capability_and_no_descriptor() {
    let scene = Scene::new().environment("SUDO_UID", "65534").environment("SUDO_GID", "65534");
    fs::set_permissions(scene.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = scene.run(&command(&["sh", "-c", SHOW]));
    outcome.assert_complete();
    assert_bare(&outcome);
}

fn assert_bare(outcome: &Outcome) {
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(capabilities(&outcome.stdout, set), 0, "{}", outcome.stdout);
    }
    // The test's own inheritance is passed on by everyone.
    let alone = Command::new("sh").args(["-c", SHOW]).output().unwrap();
    let alone = String::from_utf8(alone.stdout).unwrap();
    assert_eq!(descriptors(&outcome.stdout), descriptors(&alone));
}

fn descriptors(shown: &str) -> Vec<&str> {
    shown.lines().filter_map(|line| line.strip_prefix("fd ")).collect()
}

fn a_comparison_without_any_leaves_nothing() {
    let scene = Scene::new();
    fs::set_permissions(scene.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(scene.folder(), Some(CALLER), Some(CALLER)).unwrap();
    let programs = required("PROFILER_RELEASE_DIR");
    let names = ["profiler", "thread-pool-workload", "tokio-workload"];
    for name in names {
        fs::copy(programs.join(name), scene.folder().join(name)).unwrap();
    }
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(scene.folder().join("profiler"))
        .args(["run", "--out", "below/profiles"])
        .current_dir(scene.folder())
        .output()
        .unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("sudo"), "{message}");
    let left = fs::read_dir(scene.folder()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut left: Vec<String> = left.map(|name| name.into_string().unwrap()).collect();
    left.sort_unstable();
    assert_eq!(left, names);
}

/// The profiler as another user than root, in whose scene it lies, with CAP_BPF and CAP_PERFMON: on a kernel that lets
/// those who have them use perf events, until what comes with it is dropped.
pub(crate) fn with_two_capabilities(scene: &Scene) -> (Command, Paranoid) {
    fs::set_permissions(scene.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(scene.folder(), Some(CALLER), Some(CALLER)).unwrap();
    let profiler = scene.folder().join("profiler");
    fs::copy(required("PROFILER_BIN"), &profiler).unwrap();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args(["--inh-caps=+bpf,+perfmon", "--ambient-caps=+bpf,+perfmon"])
        .arg(profiler)
        .current_dir(scene.folder());
    (command, Paranoid::at_most(2))
}

fn two_capabilities_are_enough() {
    let scene = Scene::new();
    let (mut profiler, _allowed) = with_two_capabilities(&scene);
    profiler.args(["run", "--output"]).arg(scene.file()).args(["--", "sh", "-c", SHOW]);
    let outcome = Outcome::of(profiler.output().unwrap(), &scene.file());
    outcome.assert_complete();
    assert_bare(&outcome);
}

/// The process is root's.
fn two_capabilities_are_enough_to_attach_to_another_users_process() {
    let scene = Scene::new();
    let (profiler, _allowed) = with_two_capabilities(&scene);
    let mut running = Running::asleep("sleep-when-told", &["2", "10"]);
    let attach = scene.attach_by(profiler, &["--pid", &running.pid.to_string()]);
    let attachment = Attachment::by(attach, &scene);
    let before = running.switches();
    running.tell();
    let after = running.switches();
    let outcome = attachment.detach();
    outcome.assert_complete();
    assert_eq!(outcome.profile().threads.len(), 3);
    for thread in &outcome.profile().threads {
        let switches = [thread.voluntary_switches, thread.involuntary_switches];
        let (before, after) = (before[&thread.tid], after[&thread.tid]);
        assert_eq!(switches, [after[0] - before[0], after[1] - before[1]], "{thread:#?}");
    }
    running.finish();
}

fn processes_that_proc_hides_are_found_by_root_and_explained_to_others() {
    let running = Running::asleep("sleep-when-told", &["1", "1"]);
    let choice = ["--pid", &running.pid.to_string()];
    let scene = Scene::new();
    // root has not the group, and joins it.
    let attach = where_proc_hides_others(&scene.attach_command(&choice));
    Attachment::by(attach, &scene).detach().assert_complete();
    let (profiler, _allowed) = with_two_capabilities(&scene);
    let output = where_proc_hides_others(&scene.attach_by(profiler, &choice)).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no process") && said.contains("hidepid=invisible"), "{said}");
    assert!(said.contains("members of the group 4242"), "{said}");
    running.finish();
}

/// A command where /proc hides the processes of other users from all but members of a group.
fn where_proc_hides_others(command: &Command) -> Command {
    const HIDE: &str =
        "mount --make-private /proc && mount -t proc -o hidepid=invisible,gid=4242 proc /proc && exec \"$@\"";
    let mut hidden = in_own_mounts(HIDE);
    hidden.arg(command.get_program()).args(command.get_args());
    hidden.current_dir(command.get_current_dir().expect("that of the scene"));
    hidden.env_remove("SUDO_UID").env_remove("SUDO_GID");
    hidden
}

fn capabilities(status: &str, set: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(set));
    u64::from_str_radix(line.unwrap_or_else(|| panic!("no {set} in {status}")).trim(), 16).unwrap()
}

/// `kernel.perf_event_paranoid`, put back in the end. Debian's default of 3 wants CAP_SYS_ADMIN.
pub(crate) struct Paranoid {
    before: String,
}

impl Paranoid {
    const FILE: &str = "/proc/sys/kernel/perf_event_paranoid";

    fn at_most(most: i64) -> Self {
        let before = fs::read_to_string(Self::FILE).unwrap();
        if before.trim().parse::<i64>().unwrap() > most {
            fs::write(Self::FILE, most.to_string()).unwrap();
        }
        Self { before }
    }
}

impl Drop for Paranoid {
    fn drop(&mut self) {
        fs::write(Self::FILE, &self.before).unwrap();
    }
}
