//! The user's mistakes: each gets one clear message with a way out, and the right exit code. Nothing
//! here needs root.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are not recognised as such in an integration test"
)]

mod daemon;
mod inputs;
mod streams;

use std::path::Path;
use std::process::{Command, Output};

const PROFILER: &str = env!("CARGO_BIN_EXE_profiler");

fn profiler(arguments: &[&str]) -> Output {
    Command::new(PROFILER).args(arguments).env_remove("SUDO_UID").output().unwrap()
}

/// Runs it, and asserts the exit code and that the message holds every one of `parts`.
fn fails(arguments: &[&str], code: i32, parts: &[&str]) {
    let output = profiler(arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is missing in: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_bad_duration_names_a_good_one() {
    fails(&["run", "--duration", "10 parsecs", "--", "true"], 2, &["--duration", "1m30s"]);
    fails(&["run", "--duration", "0s", "--", "true"], 2, &["longer than nothing"]);
}

#[test]
fn an_interval_that_cannot_be_kept_is_refused() {
    fails(&["run", "--interval", "1ns", "--", "true"], 2, &["--interval", "at least 1ms"]);
}

#[test]
fn a_live_view_needs_a_terminal_and_says_what_does_not() {
    fails(&["top", "--pid", "1"], 1, &["needs a terminal", "profiler attach --interval"]);
    fails(&["top", "--pid", "1", "--interval", "1ms"], 2, &["--interval", "at least 100ms"]);
    fails(&["top"], 2, &["--pid", "--name", "--daemon"]);
}

#[test]
fn a_view_through_a_daemon_has_nothing_of_its_own() {
    fails(&["top", "--daemon"], 1, &["needs a terminal", "profiler ctl snapshot"]);
    fails(&["top", "--daemon", "--pid", "1"], 2, &["--daemon", "--pid", "cannot be used"]);
    fails(&["top", "--daemon", "--keep", "1"], 2, &["--daemon", "--keep", "cannot be used"]);
    fails(&["top", "--daemon", "--max-threads", "1"], 2, &["--daemon", "--max-threads", "cannot be used"]);
    for flag in ["--socket", "--selector"] {
        fails(&["top", "--pid", "1", flag, "x"], 2, &[flag, "cannot be used"]);
    }
}

#[test]
fn a_command_that_is_missing_does_not_start_the_comparison() {
    fails(&["run", "--"], 2, &["the command after -- is missing", "profiler run without --"]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    fails(&["run", "--tasks", "0"], 2, &["--tasks"]);
    fails(&["run", "--workers", "0"], 2, &["--workers"]);
    // The workload's own refusals come before it is started.
    fails(&["run", "--workers", "10001"], 2, &["--workers", "1..=10000"]);
    fails(&["run", "--tasks", "4294967296"], 2, &["--tasks", "1..=4294967295"]);
    fails(&["run", "--max-threads", "0", "--", "true"], 2, &["--max-threads"]);
    fails(&["run", "--histogram-memory", "1KiB", "--", "true"], 2, &["4KiB"]);
    fails(&["run", "--histogram-memory", "lots", "--", "true"], 2, &["64MiB"]);
}

#[test]
fn flags_of_the_comparison_do_not_go_with_a_command() {
    fails(&["run", "--tasks", "5", "--", "true"], 2, &["--tasks", "cannot be used"]);
    fails(&["run", "--article", "--fetch", "1s"], 2, &["--article", "--fetch"]);
}

#[test]
fn json_needs_standard_output() {
    fails(&["run", "--json", "--output", "x.json", "--", "true"], 1, &["--output -"]);
    fails(&["run", "--json", "--", "true"], 2, &["--output"]);
}

#[test]
fn processes_are_chosen_in_exactly_one_way() {
    fails(&["attach"], 2, &["--pid", "--name", "--cgroup", "--unit"]);
    fails(&["attach", "--pid", "1", "--name", "x"], 2, &["--pid", "--name", "cannot be used"]);
    fails(&["attach", "--unit", "a", "--cgroup", "b"], 2, &["--unit", "--cgroup", "cannot be used"]);
    fails(&["attach", "--pid", "0"], 2, &["--pid", "1..=4194304"]);
    fails(&["attach", "--pid", "nginx"], 2, &["--pid", "nginx"]);
    fails(&["attach", "--name", "[a"], 2, &["--name", "'nginx*'"]);
}

#[test]
fn what_can_not_be_attached_to_is_told_with_a_way_out() {
    fails(&["attach", "--pid", "4194304"], 1, &["no process 4194304", "--name"]);
    fails(&["attach", "--name", "no-such-program"], 1, &["no-such-program", "--pid"]);
    fails(&["attach", "--cgroup", "no/such/group"], 1, &["no/such/group", "/proc/PID/cgroup"]);
    let hint =
        if Path::new("/run/systemd/system").is_dir() { "systemctl" } else { "systemd does not run here" };
    fails(&["attach", "--unit", "no-such-unit"], 1, &["no-such-unit.service", hint]);
    // The first thread of the kernel, in the initial pid namespace.
    if std::fs::read_to_string("/proc/2/comm").is_ok_and(|name| name.trim() == "kthreadd") {
        fails(&["attach", "--pid", "2"], 1, &["kthreadd", "thread of the kernel"]);
    }
    let this = std::process::id().to_string();
    fails(&["attach", "--pid", &this, "--json"], 2, &["--output"]);
    fails(&["attach", "--pid", &this, "--json", "-o", "x.json"], 1, &["--output -"]);
    fails(&["attach", "--pid", &this, "-o", "/nonexistent/x.json"], 1, &["/nonexistent", "--output"]);
}

#[test]
fn an_unwritable_output_is_found_first() {
    fails(&["run", "--output", "/nonexistent/x.json", "--", "true"], 1, &["/nonexistent", "--output"]);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let parts = ["there is no folder /nonexistent", "mkdir -p", "--output"];
    fails(&["run", "--output", "/nonexistent/x.json", "--", "true"], 1, &parts);
}

#[test]
fn a_command_without_dashes_before_it_is_told_of_them() {
    fails(&["run", "ls", "-la"], 2, &["unexpected argument 'ls'", "profiler run -- ls"]);
}

#[test]
fn a_foreign_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "notes.txt", "mine");
    fails(&["run", "--output", &path, "--", "true"], 1, &["not a profile", "--force"]);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
}

#[test]
fn profiles_that_cannot_be_used_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = file(folder.path(), "damaged.profile.json", "{\"schema\": 1, \"thr");
    fails(&["report", &damaged], 1, &["damaged.profile.json", "damaged"]);
    let newer = file(folder.path(), "newer.profile.json", "{\"schema\": 7}");
    fails(&["report", &newer], 1, &["schema 7", "schema 1"]);
    let other = file(folder.path(), "other.json", "{\"a\": 1}");
    fails(&["report", &other], 1, &["no \"schema\" field"]);
    let part = file(folder.path(), "part.profile.json", "{\"schema\": 1}");
    fails(&["report", &part], 1, &["missing"]);
    fails(&["report", "/nonexistent.profile.json"], 1, &["/nonexistent.profile.json", "No such file"]);
    fails(&["report"], 2, &["FILE"]);
}

/// A profile that was recorded.
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/thread-pool-workload.profile.json");

#[test]
fn an_export_without_a_format_says_which_there_are() {
    fails(&["export", PROFILE], 1, &["--format", "--output"]);
    fails(&["export", PROFILE, "-o", "x.tex"], 1, &[".tex", "--format latex or --format pgfplots"]);
    fails(&["export", PROFILE, "-o", "x.docx"], 1, &[".docx", "--format"]);
    fails(&["export", PROFILE, "-f", "docx"], 2, &["latex", "pgfplots", "hlog", "parquet"]);
}

#[test]
fn an_export_that_cannot_be_made_says_what_can() {
    fails(&["export", PROFILE, "-f", "hgrm"], 1, &["5 files", "--output"]);
    fails(&["export", PROFILE, "-f", "markdown", "--summary"], 1, &["--summary", "csv and parquet"]);
    fails(&["export", PROFILE, "-f", "csv", "--thread", "nobody"], 1, &["--thread"]);
    fails(&["export", PROFILE, "-f", "csv", "--thread", "[a"], 1, &["worker-*"]);
    fails(&["export", PROFILE, "-f", "csv", "--metric", "sleeping"], 2, &["runqueue_wait"]);
    fails(&["export", PROFILE, "-f", "pgfplots", "-o", "50 %.tex"], 1, &["--output"]);
    fails(&["export", PROFILE, "-o", "/nonexistent/x.csv"], 1, &["/nonexistent", "--output"]);
}

#[test]
fn the_files_of_an_export_are_named_after_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("waits.tex");
    let figure = ["--format", "pgfplots", "--metric", "blocked", "--thread", "pool-*", "--group-by", "name"];
    let mut arguments = vec!["export", PROFILE, "--output", path.to_str().unwrap()];
    arguments.extend(figure);
    let output = profiler(&arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = names.map(|name| name.to_str().unwrap().to_owned()).collect();
    names.sort();
    assert_eq!(names[0], "waits.pool-worker-0.blocked.dat");
    assert_eq!(names.last().unwrap(), "waits.tex");
    assert_eq!(names.len(), 5);
    let document = std::fs::read_to_string(&path).unwrap();
    assert!(document.contains("\\newcommand*\\data{waits}"), "{document}");
}

#[test]
fn help_names_every_command() {
    let help = String::from_utf8(profiler(&["--help"]).stdout).unwrap();
    for command in ["run", "attach", "top", "daemon", "ctl", "report", "export", "plot", "doctor", "schema"] {
        assert!(help.contains(command), "{help}");
    }
    assert!(!help.contains("__hold"), "{help}");
}

#[test]
fn json_of_the_doctor_is_of_the_programs() {
    fails(&["doctor", "--json"], 2, &["--programs"]);
}

#[test]
fn the_schema_describes_the_file() {
    let schema: serde_json::Value = serde_json::from_slice(&profiler(&["schema"]).stdout).unwrap();
    for field in ["schema", "machine", "run", "usage", "threads", "reconciliation", "lost"] {
        assert!(schema["properties"].get(field).is_some(), "{field}");
    }
}

#[test]
fn the_held_child_is_for_the_profiler_only() {
    let hold = ["__hold", "--release", "999", "--failure", "999", "--inherited", "{}", "--", "true"];
    fails(&hold, 1, &["profiler run"]);
}
