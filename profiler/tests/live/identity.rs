//! Under sudo the command runs as the user who called it, and the files are that user's.

use crate::support::{CALLER, Scene, command, trials};
use libtest_mimic::Trial;
use std::fs;
use std::os::unix::fs::MetadataExt as _;

pub(crate) fn tests() -> Vec<Trial> {
    trials![under_sudo_the_command_is_the_callers, as_root_overrides_it, a_damaged_caller_is_refused,]
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
