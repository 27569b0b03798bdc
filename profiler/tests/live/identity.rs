//! Under sudo the command runs as the user who called it, and the files are that user's.

use crate::support::{CALLER, Outcome, Scene, command};
use crate::trial::trials;
use libtest_mimic::Trial;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        under_sudo_the_command_is_the_callers,
        as_root_overrides_it,
        a_damaged_caller_is_refused,
        one_that_cannot_be_become_is_told_once,
    ]
}

fn under_sudo_the_command_is_the_callers() {
    let scene = Scene::under_sudo();
    let outcome = scene.run(&command(&["sh", "-c", "id -u; id -g; id -G"]));
    outcome.assert_complete();
    assert_eq!(outcome.stdout, "65534\n65534\n65534\n");
    let written = fs::metadata(scene.file()).unwrap();
    assert_eq!((written.uid(), written.gid()), (CALLER, CALLER));
}

fn as_root_overrides_it() {
    let scene = Scene::under_sudo().flags(&["--as-root"]);
    let outcome = scene.run(&command(&["id", "-u"]));
    outcome.assert_complete();
    assert_eq!(outcome.stdout, "0\n");
}

fn a_damaged_caller_is_refused() {
    let outcome = Scene::new()
        .environment("SUDO_UID", "somebody")
        .environment("SUDO_GID", "65534")
        .run(&command(&["touch", "started"]));
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("SUDO_UID"), "{}", outcome.stderr);
    assert!(!outcome.has_profile());
}

fn one_that_cannot_be_become_is_told_once() {
    let scene = Scene::under_sudo();
    let profiler = scene.run_command(&command(&["touch", "started"]));
    let mut without_setuid = Command::new("setpriv");
    without_setuid.arg("--bounding-set=-setuid").arg(profiler.get_program()).args(profiler.get_args());
    without_setuid.envs(profiler.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = without_setuid.current_dir(scene.folder()).output().unwrap();
    let outcome = Outcome::of(output, &scene.file());
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("cannot take on the identity of the calling user"), "{}", outcome.stderr);
    assert!(!scene.folder().join("started").exists() && !outcome.has_profile());
}
