//! A control group of a test's own: of version 2 where it has the controller, else of version 1.

use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = "/sys/fs/cgroup";

/// Removed when dropped; nothing may be in it any more then.
pub(crate) struct ControlGroup {
    folder: PathBuf,
    is_two: bool,
}

impl ControlGroup {
    /// Makes a group and writes the settings of its version: names of files and what goes into them.
    pub(crate) fn new(controller: &str, two: &[(&str, &str)], one: &[(&str, &str)]) -> Self {
        let missing = no_group_with(controller);
        let root = root(controller).expect("the requirements were looked for");
        let is_two = root == Path::new(ROOT);
        let settings = if is_two {
            // Settings of a group are there once its parent hands the controller down.
            let _ = fs::write(root.join("cgroup.subtree_control"), format!("+{controller}"));
            two
        } else {
            one
        };
        let group = Self { folder: root.join(format!("profiler-test-{}", std::process::id())), is_two };
        fs::create_dir(&group.folder).unwrap();
        for (file, value) in settings {
            fs::write(group.folder.join(file), value).expect(&missing);
        }
        group
    }

    /// The file that a process writes its number to, in order to join.
    pub(crate) fn procs(&self) -> PathBuf {
        self.folder.join("cgroup.procs")
    }

    /// Time for which the group was out of quota, by the kernel's account.
    pub(crate) fn throttled_ns(&self) -> u64 {
        if self.is_two {
            self.stat("cpu.stat", "throttled_usec") * 1_000
        } else {
            self.stat("cpu.stat", "throttled_time")
        }
    }

    /// A figure in a file of lines such as `nr_throttled 12`.
    pub(crate) fn stat(&self, file: &str, label: &str) -> u64 {
        let text = fs::read_to_string(self.folder.join(file)).unwrap();
        let figure = text.lines().find_map(|line| line.strip_prefix(label)).expect("the kernel counts");
        figure.trim().parse().expect("a number")
    }
}

/// The folder in which groups with a controller are made, or what is missing.
pub(crate) fn root(controller: &str) -> Result<PathBuf, String> {
    let root = Path::new(ROOT);
    let root = if offers(root, controller) { root.to_path_buf() } else { root.join(controller) };
    if root.join("cgroup.procs").exists() { Ok(root) } else { Err(no_group_with(controller)) }
}

fn no_group_with(controller: &str) -> String {
    format!("no control group with {controller}, neither of version 2 nor of version 1")
}

fn offers(root: &Path, controller: &str) -> bool {
    fs::read_to_string(root.join("cgroup.controllers"))
        .is_ok_and(|all| all.split_whitespace().any(|offered| offered == controller))
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.folder) {
            eprintln!("cannot remove {}: {error}", self.folder.display());
        }
    }
}
