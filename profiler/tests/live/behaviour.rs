//! The behaviour of `run` around the recording: streams, files, following.

use crate::support::{Outcome, Scene, command, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::{CpusAllowed, file};
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        without_following_only_the_commands_own_process_is_recorded;
        here:
        the_commands_streams_are_untouched,
        the_profile_can_go_to_standard_output,
        the_default_file_is_named_after_the_command,
        the_cpus_that_profiler_and_command_were_pinned_to_are_in_the_profile,
        the_file_says_what_the_report_said,
    ]
}

fn the_commands_streams_are_untouched() {
    let scene = Scene::new();
    let mut child = scene
        .run_command(&command(&["sh", "-c", "cat; echo complaint >&2"]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"from outside\n").unwrap();
    let outcome = Outcome::of(child.wait_with_output().unwrap(), &scene.file());
    outcome.assert_complete();
    assert_eq!(outcome.stdout, "from outside\n");
    assert!(outcome.stderr.starts_with("complaint\n"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("\ncomplete: 0 lost, "), "the report: {}", outcome.stderr);
}

fn the_profile_can_go_to_standard_output() {
    let output = Scene::new().profiler().args(["run", "-o", "-", "--json", "--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "no report");
    let profile = file::parse(std::str::from_utf8(&output.stdout).unwrap()).unwrap();
    assert_eq!(profile.run.command, ["true"]);

    let output = Scene::new().profiler().args(["run", "--json", "--", "echo"]).output().unwrap();
    assert_ne!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"", "it never started");
    assert!(String::from_utf8_lossy(&output.stderr).contains("--output"), "{output:?}");
}

fn the_default_file_is_named_after_the_command() {
    let scene = Scene::new();
    let output = scene.profiler().args(["run", "--", "/bin/true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let profile = file::read(&scene.folder().join("true.profile.json")).unwrap();
    assert_eq!(profile.run.command, ["/bin/true"]);
    assert_eq!(std::fs::read_dir(scene.folder()).unwrap().count(), 1, "no other file is left");
}

fn without_following_only_the_commands_own_process_is_recorded() {
    let outcome = Scene::new().flags(&["--no-follow"]).run(&target("tree", &["1", "3"]));
    outcome.assert_complete();
    assert_eq!(outcome.profile().threads.len(), 1);
    assert!(!outcome.profile().run.options.follow);

    // Its threads are its own process.
    let outcome = Scene::new().flags(&["--no-follow"]).run(&target("short-lived", &["20"]));
    outcome.assert_complete();
    assert_eq!(outcome.profile().threads.len(), 21);
}

fn the_cpus_that_profiler_and_command_were_pinned_to_are_in_the_profile() {
    let scene = Scene::new();
    let run = scene.run_command(&command(&["true"]));
    let mut pinned = scene.program(Path::new("taskset"));
    pinned.args(["-c", "0"]).arg(run.get_program()).args(run.get_args());
    let outcome = Outcome::of(pinned.output().unwrap(), &scene.file());
    outcome.assert_complete();
    let zero = Some("0".to_owned());
    let allowed = Some(CpusAllowed { profiler: zero.clone(), target: zero });
    assert_eq!(outcome.profile().run.cpus_allowed, allowed);
}

fn the_file_says_what_the_report_said() {
    let scene = Scene::new();
    let outcome = scene.run(&target("sleepers", &["2", "5", "1"]));
    outcome.assert_complete();
    let output = scene.profiler().arg("report").arg(scene.file()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let later = String::from_utf8(output.stdout).unwrap();
    assert!(later.contains("sleeper-1"), "{later}");
    assert!(outcome.stderr.contains(later.trim()), "{later}\nis not\n{}", outcome.stderr);
}
