//! The disk is full as the profile is written, or the report can't be: the profile is kept elsewhere.

use super::assert_exact;
use crate::own_mounts::in_own_mounts;
use crate::support::{Outcome, Scene, command, required};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::{Profile, file};
use profiler::report;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        a_profile_that_does_not_fit_is_kept_elsewhere,
        a_failed_command_keeps_its_exit_code,
        a_profile_kept_elsewhere_is_the_callers,
        a_comparison_keeps_both_profiles_elsewhere,
        a_profile_that_standard_output_does_not_take_is_kept_elsewhere,
        where_nothing_can_be_written_the_report_says_so,
        a_report_that_cannot_be_printed_does_not_cost_the_profile,
    ]
}

/// Mounts a small tmpfs on the folder `full`, fills it to the last byte, runs the rest of the command line, and lists
/// what is in it then.
const ON_A_FULL_DISK: &str = "mount -t tmpfs -o size=64k none full || exit
cat /dev/zero > full/ballast 2> /dev/null
\"$@\"
code=$?
ls -A full >&2
umount full
exit $code";

/// A folder with a full disk on `full`, and `elsewhere` as the place for temporary files.
struct FullDisk {
    scene: Scene,
}

impl FullDisk {
    fn new() -> Self {
        let scene = Scene::new();
        fs::create_dir(scene.folder().join("full")).unwrap();
        fs::create_dir(scene.folder().join("elsewhere")).unwrap();
        for folder in ["", "full", "elsewhere"] {
            fs::set_permissions(scene.folder().join(folder), fs::Permissions::from_mode(0o777)).unwrap();
        }
        Self { scene }
    }

    fn profiler(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
        let mut command = in_own_mounts(ON_A_FULL_DISK);
        command.arg(required("PROFILER_BIN"));
        command.args(arguments).current_dir(self.scene.folder()).stdin(Stdio::null());
        command.env_remove("SUDO_UID").env_remove("SUDO_GID").env("TMPDIR", self.elsewhere());
        command.envs(environment.iter().copied()).output().expect("unshare starts")
    }

    fn elsewhere(&self) -> PathBuf {
        self.scene.folder().join("elsewhere")
    }

    /// The files that were kept elsewhere, by name.
    fn kept(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            fs::read_dir(self.elsewhere()).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn a_profile_that_does_not_fit_is_kept_elsewhere() {
    let disk = FullDisk::new();
    let output = disk.profiler(&[], &["run", "-o", "full/profile.json", "--", "echo", "out"]);
    let stderr = text(&output.stderr);
    let kept = disk.kept();
    let [kept] = &kept[..] else { panic!("one file: {kept:?}; {stderr}") };
    // The command went well, what was asked for did not.
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert_eq!(text(&output.stdout), "out\n");
    assert!(stderr.contains("complete: 0 lost"), "the report: {stderr}");
    assert!(stderr.contains("No space left on device"), "{stderr}");
    assert!(stderr.contains("full/profile.json"), "{stderr}");
    assert!(stderr.contains(kept.to_str().unwrap()), "it says where: {stderr}");
    assert!(stderr.ends_with("\nballast\n"), "nothing is left on the full disk: {stderr}");
    assert_complete(&file::read(kept).unwrap(), "echo");
}

fn assert_complete(profile: &Profile, program: &str) {
    assert!(report::is_complete(profile), "{}", report::verdict(profile));
    assert_eq!(profile.run.command[0], program);
}

fn a_failed_command_keeps_its_exit_code() {
    let disk = FullDisk::new();
    let output = disk.profiler(&[], &["run", "-o", "full/profile.json", "--", "sh", "-c", "exit 7"]);
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert_eq!(disk.kept().len(), 1);
}

fn a_profile_kept_elsewhere_is_the_callers() {
    let disk = FullDisk::new();
    let sudo = [("SUDO_UID", "65534"), ("SUDO_GID", "65534")];
    let output = disk.profiler(&sudo, &["run", "-o", "full/profile.json", "--", "true"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let kept = fs::metadata(&disk.kept()[0]).unwrap();
    assert_eq!((kept.uid(), kept.gid()), (65534, 65534));
}

fn a_comparison_keeps_both_profiles_elsewhere() {
    let disk = FullDisk::new();
    let output = disk.profiler(&[], &["run", "--tasks", "20", "--fetch", "1ms", "--out", "full"]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let kept = disk.kept();
    assert_eq!(kept.len(), 2, "{stderr}");
    for path in &kept {
        assert!(stderr.contains(path.to_str().unwrap()), "it says where: {stderr}");
        assert!(report::is_complete(&file::read(path).unwrap()));
    }
    assert!(stderr.contains("thread-pool-workload: complete: 0 lost"), "the report: {stderr}");
}

fn a_profile_that_standard_output_does_not_take_is_kept_elsewhere() {
    let scene = Scene::new();
    let mut profiler = scene.profiler();
    profiler.args(["run", "-o", "-", "--json", "--", "true"]).env("TMPDIR", scene.folder());
    let output = profiler.stdout(full_device()).stderr(Stdio::piped()).output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let kept: Vec<PathBuf> =
        fs::read_dir(scene.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [kept] = &kept[..] else { panic!("one file: {kept:?}; {stderr}") };
    assert!(stderr.contains(kept.to_str().unwrap()), "it says where: {stderr}");
    assert_complete(&file::read(kept).unwrap(), "true");
}

/// No file may grow at all, and the profiler may not lift that: no disk would do.
fn where_nothing_can_be_written_the_report_says_so() {
    let scene = Scene::new();
    let script = "trap '' XFSZ; ulimit -f 0; exec \"$@\"";
    let mut command = Command::new("setpriv");
    command
        .args(["--bounding-set", "-sys_resource", "sh", "-c", script, "sh"])
        .arg(required("PROFILER_BIN"))
        .args(["run", "--", "true"]);
    command.current_dir(scene.folder()).stdin(Stdio::null()).env("TMPDIR", scene.folder());
    let output = command.env_remove("SUDO_UID").env_remove("SUDO_GID").output().unwrap();
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("complete: 0 lost"), "the report: {stderr}");
    assert!(stderr.contains("the report above is all that is left of the run"), "{stderr}");
    assert_eq!(fs::read_dir(scene.folder()).unwrap().count(), 0, "no half a file is left");
}

fn a_report_that_cannot_be_printed_does_not_cost_the_profile() {
    let scene = Scene::new();
    let mut profiler = scene.run_command(&command(&["true"]));
    let status = profiler.stderr(full_device()).status().unwrap();
    assert_eq!(status.code(), Some(1), "what was asked for was not all done");
    let output = Output { status, stdout: Vec::new(), stderr: Vec::new() };
    let outcome = Outcome::of(output, &scene.file());
    assert_exact(&outcome);
}

fn full_device() -> fs::File {
    OpenOptions::new().write(true).open(Path::new("/dev/full")).unwrap()
}
