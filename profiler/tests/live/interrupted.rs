//! A run that is interrupted: before its command started, and in the middle of a comparison.

use crate::attached::Attached;
use crate::disturbance::undisturbed;
use crate::support::{Outcome, Scene, command, eventually, held_child, is_alive, is_held, is_workload};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::file;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use profiler::report;
use profiler::target::tree;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        before_the_command_started_nothing_is_left,
        signals_that_the_caller_ignores_change_no_test,
        before_the_first_workload_nothing_is_left,
        a_comparison_stops_with_the_workload_that_runs,
        what_was_compared_before_is_reported_too,
        nohup_is_heeded,
        the_command_finds_no_signal_blocked,
    ]
}

const NOTHING: &str = "interrupted before the command started";

fn before_the_command_started_nothing_is_left() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        undisturbed(|| {
            let scene = Scene::new();
            let profiler = spawn(scene.run_command(&command(&["touch", "started"])));
            let held = eventually("a child is held", || held_child(profiler.id()));
            send(&profiler, signal);
            let output = profiler.wait_with_output().unwrap();
            if scene.folder().join("started").exists() {
                return Err("the command was started already".to_owned());
            }
            assert_told(&output, signal, NOTHING);
            assert!(!is_alive(held));
            assert_eq!(names_in(scene.folder()), [""; 0]);
            Ok(())
        });
    }
}

/// As where these tests are started in the background of a script, or under nohup.
fn signals_that_the_caller_ignores_change_no_test() {
    const IGNORING: &str = "trap '' HUP INT QUIT TERM; exec \"$@\"";
    // Outside: it handles the signals, so that what it starts would not ignore them.
    let mut again = Command::new("timeout");
    again.args(["-s", "KILL", "60", "sh", "-c", IGNORING, "sh"]).arg(std::env::current_exe().unwrap());
    let again = again.args(["--exact", "interrupted::before_the_command_started_nothing_is_left"]).output();
    let again = again.unwrap();
    assert!(again.status.success(), "{again:?}");
    assert!(String::from_utf8_lossy(&again.stdout).contains("1 passed"), "{again:?}");
}

fn before_the_first_workload_nothing_is_left() {
    undisturbed(|| {
        let scene = Scene::new();
        let profiler = compare(&scene, "300s");
        let held = eventually("both are held", || {
            let held = tree::descendants(profiler.id());
            (held.len() == 2 && held.iter().all(|&child| is_held(child))).then_some(held)
        });
        send(&profiler, Signal::SIGINT);
        let output = profiler.wait_with_output().unwrap();
        let folder = scene.folder().join("profiles");
        if folder.join("tokio-workload.profile.json").exists() {
            return Err("the first workload was started already".to_owned());
        }
        assert_told(&output, Signal::SIGINT, NOTHING);
        assert!(!held.into_iter().any(is_alive));
        assert!(!folder.exists(), "it was made for nothing");
        Ok(())
    });
}

/// Each of its tasks waits so long that the workload only ends by the signal.
fn a_comparison_stops_with_the_workload_that_runs() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let scene = Scene::new();
        let profiler = compare(&scene, "300s");
        let (running, held) = running_and_held(&profiler);
        let attached = Attached::of(profiler.id());
        send(&profiler, signal);
        let output = profiler.wait_with_output().unwrap();
        let stopped = format!("stopped by {signal}: 1 of 2 workloads were started");
        assert_told(&output, signal, &stopped);
        assert_reported(&scene, &output, &["tokio-workload"]);
        assert!(![running, held].into_iter().any(is_alive));
        attached.assert_gone();
    }
}

/// The event loop waits for all of its tasks at once, the thread pool for one after the other.
fn what_was_compared_before_is_reported_too() {
    let scene = Scene::new();
    let profiler = compare(&scene, "1s");
    let pool = eventually("the second workload runs", || {
        let children = tree::descendants(profiler.id());
        let pool = |child: &u32| is_workload(*child) && children.len() == 1;
        children.iter().copied().find(pool)
    });
    send(&profiler, Signal::SIGTERM);
    let output = profiler.wait_with_output().unwrap();
    assert_told(&output, Signal::SIGTERM, "stopped by SIGTERM: 2 of 2 workloads were started");
    assert_reported(&scene, &output, &["thread-pool-workload", "tokio-workload"]);
    assert!(!is_alive(pool));
}

fn nohup_is_heeded() {
    let scene = Scene::new();
    let mut profiler = scene.profiler();
    profiler.args(["run", "-o"]).arg(scene.file()).args(["--", "sh", "-c", "exec sleep 1"]);
    let mut nohup = Command::new("nohup");
    nohup.arg(profiler.get_program()).args(profiler.get_args()).current_dir(scene.folder());
    nohup.env_remove("SUDO_UID").env_remove("SUDO_GID");
    let profiler = spawn(nohup);
    eventually("the command runs", || {
        let is_sleep = |child: &u32| {
            fs::read_to_string(format!("/proc/{child}/comm")).is_ok_and(|name| name == "sleep\n")
        };
        tree::descendants(profiler.id()).into_iter().find(is_sleep)
    });
    send(&profiler, Signal::SIGHUP);
    let outcome = Outcome::of(profiler.wait_with_output().unwrap(), &scene.file());
    outcome.assert_complete();
}

fn the_command_finds_no_signal_blocked() {
    let show = ["grep", "^Sig[BI]", "/proc/self/status"];
    let outcome = Scene::new().run(&command(&show));
    outcome.assert_complete();
    let alone = std::process::Command::new(show[0]).args(&show[1..]).output().unwrap();
    assert_eq!(outcome.stdout, String::from_utf8(alone.stdout).unwrap());
}

fn spawn(mut profiler: std::process::Command) -> Child {
    profiler.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the profiler starts")
}

fn compare(scene: &Scene, fetch: &str) -> Child {
    let mut profiler = scene.profiler();
    profiler.args(["run", "--tasks", "200", "--workers", "2", "--out", "profiles", "--fetch", fetch]);
    spawn(profiler)
}

/// The first workload and the second.
fn running_and_held(profiler: &Child) -> (u32, u32) {
    eventually("one workload runs and one is held", || {
        let children = tree::descendants(profiler.id());
        let held = children.iter().copied().find(|&child| is_held(child));
        children.iter().copied().find(|&child| is_workload(child)).zip(held)
    })
}

fn send(profiler: &Child, signal: Signal) {
    kill(Pid::from_raw(profiler.id().try_into().unwrap()), signal).expect("the profiler runs");
}

fn assert_told(output: &Output, signal: Signal, words: &str) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(128 + signal as i32), "{stderr}");
    assert!(stderr.contains(words), "{words:?} is not in {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// These workloads, and no others, are in the report and have a profile.
fn assert_reported(scene: &Scene, output: &Output, workloads: &[&str]) {
    let folder = scene.folder().join("profiles");
    let files: Vec<String> = workloads.iter().map(|name| format!("{name}.profile.json")).collect();
    assert_eq!(names_in(&folder), files);
    let stderr = String::from_utf8_lossy(&output.stderr);
    for file in files {
        let profile = file::read(&folder.join(file)).unwrap();
        assert!(report::is_complete(&profile), "{}", report::verdict(&profile));
        assert!(stderr.contains(&report::verdict(&profile)), "{stderr}");
    }
}

/// The entries of a folder, sorted.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
