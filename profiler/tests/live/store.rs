//! The store of intervals on a disk that is full for a while.

use crate::own_mounts::in_own_mounts;
use crate::support::{Outcome, Scene, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use std::process::Stdio;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        a_full_disk_costs_no_interval,
    ]
}

/// Runs the rest of the command line with a small tmpfs on the folder `full`.
const ON_A_SMALL_DISK: &str = "mkdir full && mount -t tmpfs -o size=512k none full || exit
\"$@\"
code=$?
umount full
exit $code";

/// Intervals while it is full.
const MORE: usize = 7;

fn a_full_disk_costs_no_interval() {
    let scene = Scene::new();
    let mut command = in_own_mounts(ON_A_SMALL_DISK);
    command.args(target("store-on-full-disk", &[&MORE.to_string()]));
    let output = command.current_dir(scene.folder()).stdin(Stdio::null()).output().expect("unshare starts");
    let outcome = Outcome::of(output, &scene.file());
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let told = outcome.told();
    let errors: Vec<&str> =
        told["errors"].as_array().unwrap().iter().map(|error| error.as_str().unwrap()).collect();
    assert_eq!(errors.len(), MORE);
    for (error, waiting) in errors.iter().zip(1..) {
        for part in ["No space left on device", &format!("{waiting} wait in memory"), "free some room"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
    assert_eq!(told["waiting"], MORE);
    assert_eq!(told["waiting_after"], 0);
    assert_eq!(told["dropped"]["intervals"], 0);
    assert_eq!(told["shown_when_full"], 300, "what was published before is still there, whole");
    assert_eq!(told["found"], told["appended"]);
}
