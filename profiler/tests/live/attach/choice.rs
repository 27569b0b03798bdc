//! The choice of processes.

use super::{Attachment, Running, attached_to};
use crate::support::{Scene, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        processes_are_chosen_by_control_group_and_unit,
        of_a_threaded_group_the_whole_processes_are_chosen,
        groups_of_version_1_are_found_by_each_of_their_paths;
        here:
        processes_are_chosen_by_name,
        names_are_those_of_scripts_and_in_argument_0_too,
    ]
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

/// A script in a folder, whose name the kernel cuts off; it says `ready PID` and ends with its standard input.
pub(crate) fn script(folder: &Path, name: &str) -> Vec<String> {
    let file = folder.join(name);
    fs::write(&file, "#!/bin/sh\necho ready $$\nread -r line\nexit 0\n").unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    vec![file.to_str().unwrap().to_owned()]
}

fn names_are_those_of_scripts_and_in_argument_0_too() {
    let scene = Scene::new().flags(&["--duration", "50ms"]);
    let (long, title) =
        (format!("script-with-a-long-name-{}", std::process::id()), format!("shop-{}", std::process::id()));
    let script = Running::of(&script(scene.folder(), &long));
    let worker = Running::of(&target("named-in-argument-0", &[&format!("{title}: worker 1")]));
    for (pattern, running) in [(&long, &script), (&format!("{title}: worker*"), &worker)] {
        running.wait_until_asleep();
        let outcome = Attachment::of(&scene, &["--name", pattern]).wait();
        outcome.assert_complete();
        assert_eq!(attached_to(&outcome), [running.pid], "{pattern}");
    }
    let missed = scene.attach_command(&["--name", &format!("{}x", &long[1..])]).output().unwrap();
    let said = String::from_utf8(missed.stderr).unwrap();
    assert!(!missed.status.success() && said.contains(&format!("the nearest is {long:?}")), "{said}");
    script.finish();
    worker.finish();
}

/// A threaded group below one of its own, and a process that has one of its two threads in it.
pub(crate) fn threaded(name: &str) -> (Running, Group, Group) {
    let domain = Group::new(mounted_groups().join(name));
    let group = Group::new(domain.0.join("threads"));
    fs::write(group.0.join("cgroup.type"), "threaded").expect("the kernel has threaded groups");
    let running = Running::of(&target("thread-in-group", &[group.0.to_str().unwrap()]));
    running.wait_until_asleep();
    (running, group, domain)
}

fn of_a_threaded_group_the_whole_processes_are_chosen() {
    let (running, group, _domain) = threaded(&format!("profiler-threads-{}", std::process::id()));
    let scene = Scene::new().flags(&["--duration", "50ms"]);
    let outcome = Attachment::of(&scene, &["--cgroup", group.0.to_str().unwrap()]).wait();
    outcome.assert_complete();
    assert_eq!(attached_to(&outcome), [running.pid]);
    assert_eq!(outcome.profile().threads.len(), 2);
    assert!(outcome.stderr.contains("is threaded: 1 of the 2 threads"), "{}", outcome.stderr);
    running.finish();
    drop(group);
}

/// A hierarchy of version 1 without a controller, mounted as long as this lives.
struct Hierarchy(tempfile::TempDir);

impl Hierarchy {
    fn mounted(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "cgroup", "-o", &format!("none,name={name}"), name]).arg(folder.path());
        assert!(mount.status().unwrap().success(), "version 1 can be mounted: this test needs it");
        Self(folder)
    }
}

impl Drop for Hierarchy {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

fn groups_of_version_1_are_found_by_each_of_their_paths() {
    let name = format!("profiler-one-{}", std::process::id());
    let hierarchy = Hierarchy::mounted(&name);
    let group = Group::new(hierarchy.0.path().join(&name));
    let running = Running::asleep("named", &["one"]);
    group.take(running.pid);
    for path in [group.0.to_str().unwrap(), &name, &format!("/{name}")] {
        let scene = Scene::new().flags(&["--duration", "50ms"]);
        let outcome = Attachment::of(&scene, &["--cgroup", path]).wait();
        assert_eq!(attached_to(&outcome), [running.pid], "{path}");
    }
    running.finish();
    drop(group);
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
