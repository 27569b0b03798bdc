//! The files of profiles: before, during and after a run.

use crate::support::{CALLER, Outcome, Scene, command, required};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::file;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        nothing_is_there_until_the_profile_is_complete,
        the_callers_file_is_replaced_at_the_end_of_a_link,
        standard_output_by_name_keeps_what_the_command_wrote,
        a_named_pipe_is_written_to,
        a_device_is_written_to,
        a_folder_is_refused,
        the_caller_gets_every_folder_that_is_made,
        by_default_each_whole_command_has_a_file_of_its_own,
        bytes_that_are_no_utf_8_go_through,
    ]
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn nothing_is_there_until_the_profile_is_complete() {
    let scene = Scene::new();
    let run = scene.start(&command(&["sh", "-c", "echo ready; exec sleep 3"]));
    assert_eq!(names_in(scene.folder()), [""; 0]);
    run.abandon();
    assert_eq!(names_in(scene.folder()), [""; 0]);
}

/// Under sudo, where the file belongs to somebody else than the profiler, which has few capabilities left.
fn the_callers_file_is_replaced_at_the_end_of_a_link() {
    let scene = Scene::under_sudo();
    let real = scene.folder().join("real.json");
    symlink("real.json", scene.file()).unwrap();
    let line = command(&["true"]);
    let first = scene.run(&line).assert_complete().profile().run.started_ns;
    fs::set_permissions(&real, Permissions::from_mode(0o600)).unwrap();
    let second = scene.run(&line).assert_complete().profile().run.started_ns;
    assert!(second > first);
    assert_eq!(fs::read_link(scene.file()).unwrap(), Path::new("real.json"));
    let written = fs::metadata(&real).unwrap();
    assert_eq!((written.uid(), written.gid(), written.mode() & 0o7777), (CALLER, CALLER, 0o600));
    assert_eq!(names_in(scene.folder()).len(), 2, "no other file is left");
}

fn standard_output_by_name_keeps_what_the_command_wrote() {
    let scene = Scene::new();
    let file_of_stdout = scene.folder().join("stdout");
    let status = scene
        .profiler()
        .args(["run", "-o", "/dev/stdout", "--", "echo", "from the command"])
        .stdout(File::create(&file_of_stdout).unwrap())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    let text = fs::read_to_string(file_of_stdout).unwrap();
    let profile = text.strip_prefix("from the command\n").unwrap_or_else(|| panic!("{text}"));
    assert_eq!(file::parse(profile).unwrap().run.command[0], "echo");
    assert_eq!(names_in(scene.folder()), ["stdout"]);
}

fn a_named_pipe_is_written_to() {
    let scene = Scene::new();
    let pipe = scene.file();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader =
        Command::new("timeout").args(["60", "cat"]).arg(&pipe).stdout(Stdio::piped()).spawn().unwrap();
    let output = scene.run_command(&command(&["true"])).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let read = reader.wait_with_output().unwrap();
    let profile = file::parse(std::str::from_utf8(&read.stdout).unwrap()).unwrap();
    assert_eq!(profile.run.command, ["true"]);
    assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
}

fn a_device_is_written_to() {
    let output = Scene::new().profiler().args(["run", "-o", "/dev/null", "--", "true"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

fn a_folder_is_refused() {
    let scene = Scene::new();
    let output =
        scene.profiler().args(["run", "--force", "-o", ".", "--", "touch", "started"]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("it is a folder") && message.contains("--output"), "{message}");
    assert_eq!(names_in(scene.folder()), [""; 0]);
}

/// Copies, since the build folder need not be open to everyone.
fn the_caller_gets_every_folder_that_is_made() {
    let scene = Scene::under_sudo();
    for program in ["profiler", "tokio-workload", "thread-pool-workload"] {
        fs::copy(required("PROFILER_RELEASE_DIR").join(program), scene.folder().join(program)).unwrap();
    }
    let mut profiler = Command::new(scene.folder().join("profiler"));
    profiler.args(["run", "--tasks", "20", "--fetch", "1ms", "--out", "a/b"]).current_dir(scene.folder());
    profiler.env("SUDO_UID", CALLER.to_string()).env("SUDO_GID", CALLER.to_string());
    let output = profiler.output().unwrap();
    let profile = scene.folder().join("a/b/tokio-workload.profile.json");
    Outcome::of(output, &profile).assert_complete();
    for made in ["a", "a/b", "a/b/tokio-workload.profile.json", "a/b/thread-pool-workload.profile.json"] {
        let made = fs::metadata(scene.folder().join(made)).unwrap();
        assert_eq!((made.uid(), made.gid()), (CALLER, CALLER), "{made:?}");
    }
}

fn by_default_each_whole_command_has_a_file_of_its_own() {
    let scene = Scene::new();
    let run = |script: &str, name: &str| {
        let output = scene.profiler().args(["run", "--", "sh", "-c", script]).output().unwrap();
        let outcome = Outcome::of(output, &scene.folder().join(name));
        assert_eq!(outcome.profile().run.command, ["sh", "-c", script], "{}", outcome.stderr);
        outcome
    };
    let (first, second) = ("sh.profile.json", "sh-2.profile.json");
    let earlier = run(": A", first).profile().run.started_ns;
    let said = run(": B", second).stderr;
    assert!(said.contains("sh.profile.json is of something else and stays"), "{said}");
    assert!(run(": A", first).profile().run.started_ns > earlier, "one of the same command is replaced");
    assert_eq!(names_in(scene.folder()).len(), 2);
}

/// To the command as they are, and in the profile so that two that differ stay two.
fn bytes_that_are_no_utf_8_go_through() {
    let scene = Scene::new();
    let names = [&b"n\xe8"[..], b"n\xe9"].map(OsStr::from_bytes);
    for name in names {
        symlink("/bin/true", scene.folder().join(name)).unwrap();
    }
    let script = "printf %s \"$1\" | od -An -tx1; ./\"$0\"; ./\"$1\"";
    let mut profiler = scene.profiler();
    profiler.arg("run").arg("-o").arg(scene.file()).args(["--", "sh", "-c", script]).args(names);
    let outcome = Outcome::of(profiler.output().unwrap(), &scene.file());
    assert_eq!((outcome.code, outcome.stdout.trim()), (0, "6e e9"), "{}", outcome.stderr);
    let profile = outcome.profile();
    assert_eq!(profile.run.command[3..], [r"n\xe8", r"n\xe9"]);
    for name in [r"n\xe8", r"n\xe9"] {
        assert_eq!(profile.threads.iter().filter(|thread| thread.name == name).count(), 1, "{name}");
    }
}
