//! Tests of control groups and their paths.

use super::*;

#[test]
fn a_group_is_read_with_those_below_it() {
    let root = tempfile::tempdir().unwrap();
    let group = |path: &str, processes: &str| {
        let folder = root.path().join(path);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(PROCESSES), processes).unwrap();
    };
    group("web.slice", "");
    group("web.slice/nginx.service", "30\n4\n");
    group("web.slice/nginx.service/below", "5\n0\n");
    group("other.slice/cron.service", "7\n");
    let members = members(&root.path().join("web.slice")).unwrap();
    assert_eq!(members, Members { pids: [4, 5, 30].into(), threads: None });
    assert_eq!(folders_named(root.path(), "cron.service"), [root.path().join("other.slice/cron.service")]);
    assert!(folders_named(root.path(), "cron").is_empty());
}

#[test]
fn processes_of_another_namespace_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(PROCESSES), "0\n0\n").unwrap();
    assert!(members(folder.path()).unwrap_err().to_string().contains("pid namespace"));
}

#[test]
fn a_unit_without_an_ending_is_a_service() {
    assert_eq!(unit_folder("nginx"), "nginx.service");
    assert_eq!(unit_folder("nginx.service"), "nginx.service");
    assert_eq!(unit_folder("session-1.scope"), "session-1.scope");
    assert_eq!(unit_folder("php8.2-fpm"), "php8.2-fpm.service");
}

#[test]
fn what_is_no_group_or_unit_is_refused_with_a_way_out() {
    let said = folder(Path::new("no/such/group")).unwrap_err().to_string();
    assert!(said.contains("no/such/group") && said.contains("/proc/PID/cgroup"), "{said}");
    assert!(folder(Path::new("/sys/fs/cgroup/../../../etc")).unwrap_err().to_string().contains(".."));
    assert!(of_unit("no-such-unit-here").unwrap_err().to_string().contains("no-such-unit-here.service"));
    assert!(of_unit("system.slice/a.service").unwrap_err().to_string().contains("--cgroup"));
}

#[test]
fn a_threaded_group_has_the_processes_of_its_threads() {
    let folder = tempfile::tempdir().unwrap();
    let own = std::process::id();
    let threads = fs::read_dir("/proc/self/task").unwrap().map(|entry| entry.unwrap().file_name());
    let thread =
        threads.map(|name| name.into_string().unwrap()).find(|name| *name != own.to_string()).unwrap();
    fs::write(folder.path().join(TYPE), "threaded\n").unwrap();
    fs::write(folder.path().join(THREADS), format!("{thread}\n")).unwrap();
    let members = members(folder.path()).unwrap();
    assert_eq!(members, Members { pids: [own].into(), threads: Some(1) });
    let note = members.note(folder.path()).unwrap();
    assert!(note.contains("is threaded: 1 of the ") && note.contains("whole processes"), "{note}");
}

fn mounted_at(at: &str, top: &str, knows_all: bool) -> Mounted {
    Mounted { at: at.into(), top: top.into(), knows_all }
}

fn resolved(path: &str, mounted: &[Mounted], groups: &[&str]) -> Result<String> {
    let folder =
        resolve(Path::new(path), mounted, |folder| groups.iter().any(|group| folder == Path::new(group)));
    folder.map(|folder| folder.to_str().unwrap().to_owned())
}

#[test]
fn a_path_of_version_1_is_whole_or_below_the_mounts_or_as_proc_shows_it() {
    let mounted = [
        mounted_at("/sys/fs/cgroup/unified", "/", true),
        mounted_at("/sys/fs/cgroup/cpu", "/", false),
        mounted_at("/sys/fs/cgroup/memory", "/", false),
    ];
    let groups = ["/sys/fs/cgroup/cpu/jobs", "/sys/fs/cgroup/cpu/both", "/sys/fs/cgroup/memory/both"];
    for path in ["/sys/fs/cgroup/cpu/jobs", "cpu/jobs", "/jobs", "jobs"] {
        assert_eq!(resolved(path, &mounted, &groups).unwrap(), groups[0], "{path}");
    }
    assert_eq!(resolved("memory/both", &mounted, &groups).unwrap(), groups[2]);
    let said = resolved("/both", &mounted, &groups).unwrap_err().to_string();
    assert!(
        said.contains("several hierarchies") && said.contains(groups[1]) && said.contains(groups[2]),
        "{said}"
    );
}

#[test]
fn the_mount_tells_what_a_path_of_proc_means() {
    // A part of the hierarchy is mounted, as in a container.
    let part = [mounted_at("/sys/fs/cgroup", "/docker/1", true)];
    let groups = ["/sys/fs/cgroup/web", "/sys/fs/cgroup/docker/1/web"];
    assert_eq!(resolved("/docker/1/web", &part, &groups[..1]).unwrap(), groups[0]);
    assert!(resolved("/web", &part, &groups[..1]).is_err());
    // The mount is of outside of the namespace.
    let outside = [mounted_at("/sys/fs/cgroup", "/../..", true)];
    let said = resolved("/web", &outside, &groups).unwrap_err().to_string();
    assert!(said.contains("control group namespace") && said.contains("whole path"), "{said}");
    assert_eq!(resolved("docker/1/web", &outside, &groups).unwrap(), groups[1]);
}
