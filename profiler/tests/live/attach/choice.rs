//! Which processes are chosen.

use super::{Attachment, Running, attached_to};
use crate::support::{Scene, trials};
use libtest_mimic::Trial;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) fn tests() -> Vec<Trial> {
    trials![processes_are_chosen_by_name, processes_are_chosen_by_control_group_and_unit,]
}

fn processes_are_chosen_by_name() {
    let name = format!("att-{}", std::process::id());
    let chosen = [Running::asleep("named", &[&name]), Running::asleep("named", &[&name])];
    let other = Running::asleep("named", &["another"]);
    let scene = Scene::new().flags(&["--duration", "50ms"]);
    let outcome = Attachment::of(&scene, &["--name", &format!("{name}*")]).wait();
    outcome.assert_complete();
    let mut pids = chosen.each_ref().map(|running| running.pid);
    pids.sort_unstable();
    assert_eq!(attached_to(&outcome), pids);
    assert_eq!(outcome.named(&name).len(), 2);
    chosen.into_iter().for_each(Running::finish);
    other.finish();
}

/// A folder of control groups of version 2, removed when dropped.
pub(crate) struct Group(pub(crate) PathBuf);

impl Group {
    pub(crate) fn new(folder: PathBuf) -> Self {
        fs::create_dir(&folder).expect("a control group can be made");
        Self(folder)
    }

    pub(crate) fn take(&self, pid: u32) {
        fs::write(self.0.join("cgroup.procs"), pid.to_string()).expect("it can join");
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The kernel lets go of a group a little after its last process.
        let limit = Instant::now() + Duration::from_secs(5);
        while fs::remove_dir(&self.0).is_err() && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

pub(crate) fn mounted_groups() -> PathBuf {
    let mounts = fs::read_to_string("/proc/self/mounts").expect("it can be read");
    let mount = mounts.lines().find_map(|line| {
        let mut fields = line.split(' ').skip(1);
        let folder = fields.next()?;
        (fields.next() == Some("cgroup2")).then(|| Path::new(folder).to_owned())
    });
    mount.expect("control groups of version 2 are mounted: this test needs them")
}

fn processes_are_chosen_by_control_group_and_unit() {
    let name = format!("profiler-attach-{}", std::process::id());
    let unit = Group::new(mounted_groups().join(format!("{name}.service")));
    let below = Group::new(unit.0.join("below"));
    let inside = [Running::asleep("named", &["one"]), Running::asleep("named", &["two"])];
    let outside = Running::asleep("named", &["three"]);
    // A group that others are below may have processes of its own while no controller is handed down.
    unit.take(inside[0].pid);
    below.take(inside[1].pid);
    let mut pids = inside.each_ref().map(|running| running.pid);
    pids.sort_unstable();
    let whole = unit.0.to_str().unwrap();
    for choice in [["--unit", &name], ["--cgroup", &format!("{name}.service")], ["--cgroup", whole]] {
        let scene = Scene::new().flags(&["--duration", "50ms"]);
        let outcome = Attachment::of(&scene, &choice).wait();
        outcome.assert_complete();
        assert_eq!(attached_to(&outcome), pids, "{choice:?}");
    }
    inside.into_iter().for_each(Running::finish);
    outside.finish();
    drop(below);
}
