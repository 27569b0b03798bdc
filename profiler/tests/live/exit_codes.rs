//! The exit code is the command's, and what can't be run never starts.

use crate::support::{Scene, command};
use crate::trial::trials;
use libtest_mimic::Trial;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// The tracepoints that programs hang on.
const TRACEPOINTS: [&str; 9] = [
    "sched_switch",
    "sched_waking",
    "sched_wakeup",
    "page_fault_user",
    "page_fault_kernel",
    "sched_wakeup_new",
    "task_rename",
    "sched_process_fork",
    "sched_process_exec",
];

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        a_child_that_dies_at_once_is_recorded,
        without_root_the_child_does_not_start,
        doctor_finds_this_machine_ready,
        doctor_says_what_the_kernel_makes_of_each_program;
        here:
        the_exit_code_is_the_commands,
        an_unknown_command_is_127,
        a_file_that_is_not_executable_is_126,
        an_unwritable_place_is_found_before_the_child_starts,
        a_foreign_file_is_not_overwritten,
        only_a_profile_of_the_same_command_is_replaced,
    ]
}

fn the_exit_code_is_the_commands() {
    for code in [0, 1, 42, 255] {
        let outcome = Scene::new().run(&command(&["sh", "-c", &format!("exit {code}")]));
        assert_eq!(outcome.code, code, "{}", outcome.stderr);
        assert_eq!(outcome.profile().run.exit_code, Some(code));
        outcome.assert_proven();
    }
}

fn an_unknown_command_is_127() {
    let outcome = Scene::new().run(&command(&["no-such-command-anywhere"]));
    assert_eq!(outcome.code, 127, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("no-such-command-anywhere"), "{}", outcome.stderr);
    assert!(!outcome.has_profile());
}

fn a_file_that_is_not_executable_is_126() {
    let scene = Scene::new();
    let file = scene.folder().join("notes.txt");
    fs::write(&file, "not a program").unwrap();
    let outcome = scene.run(&command(&[file.to_str().unwrap()]));
    assert_eq!(outcome.code, 126, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("notes.txt"), "{}", outcome.stderr);
    assert!(!outcome.has_profile());
}

fn a_child_that_dies_at_once_is_recorded() {
    let outcome = Scene::new().run(&command(&["true"]));
    outcome.assert_complete();
    assert_eq!(outcome.profile().threads.len(), 1);
    assert!(outcome.profile().threads[0].minor_faults > 0, "the first fault after exec is seen");
}

fn an_unwritable_place_is_found_before_the_child_starts() {
    let scene = Scene::new();
    let started = scene.folder().join("started");
    let output = scene
        .profiler()
        .args(["run", "--output", "/nonexistent/profile.json", "--", "touch"])
        .arg(&started)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--output"), "{output:?}");
    assert!(!started.exists());
}

fn a_foreign_file_is_not_overwritten() {
    let scene = Scene::new();
    let started = scene.folder().join("started");
    let touch = command(&["touch", started.to_str().unwrap()]);
    fs::write(scene.file(), "mine").unwrap();
    let output = scene.run_command(&touch).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--force"), "{output:?}");
    assert_eq!(fs::read_to_string(scene.file()).unwrap(), "mine");
    assert!(!started.exists());

    let scene = scene.flags(&["--force"]);
    scene.run(&touch).assert_complete();
}

fn only_a_profile_of_the_same_command_is_replaced() {
    let scene = Scene::new();
    let echo = command(&["echo", "once"]);
    let first = scene.run(&echo).assert_complete().profile().run.started_ns;
    let second = scene.run(&echo).assert_complete().profile().run.started_ns;
    assert!(second > first);
    let output = scene.run_command(&command(&["echo", "more"])).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"", "it never started");
}

/// A copy, since the build folder need not be open to everyone.
fn without_root_the_child_does_not_start() {
    let scene = Scene::new();
    fs::set_permissions(scene.folder(), fs::Permissions::from_mode(0o777)).unwrap();
    let copy = scene.folder().join("profiler");
    fs::copy(crate::support::required("PROFILER_BIN"), &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&copy)
        .args(["run", "--", "touch", "started"])
        .current_dir(scene.folder())
        .output()
        .expect("setpriv starts (package util-linux)");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("CAP_BPF") && message.contains("sudo"), "{message}");
    assert!(!message.contains("panicked"), "{message}");
    assert!(!scene.folder().join("started").exists());
}

fn doctor_finds_this_machine_ready() {
    let output = Scene::new().profiler().arg("doctor").output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{listed}");
    assert!(listed.contains("ready: profiler run will work"), "{listed}");
    assert!(!listed.contains("MISSING"), "{listed}");
}

fn doctor_says_what_the_kernel_makes_of_each_program() {
    let doctor = |flags: &[&str]| {
        let output = Scene::new().profiler().arg("doctor").args(flags).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let table = doctor(&["--programs"]);
    let programs: Value = serde_json::from_str(&doctor(&["--programs", "--json"])).unwrap();
    let programs = programs.as_array().unwrap();
    assert!(programs.len() > TRACEPOINTS.len(), "{programs:?}");
    for program in programs {
        let name = program["name"].as_str().unwrap();
        assert!(table.contains(name), "{name} in {table}");
        assert!(program["verified_instructions"].as_u64().unwrap() > 0, "{program}");
        assert!(program["load_ms"].as_f64().unwrap() > 0.0, "{program}");
    }
    for name in TRACEPOINTS {
        assert!(programs.iter().any(|program| program["name"] == name && program["type"] == "tp_btf"));
    }
}
