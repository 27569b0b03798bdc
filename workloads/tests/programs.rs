//! The four workloads as the profiler meets them: started with flags, read by their one line.

#![allow(clippy::unwrap_used, reason = "clippy allows it in test functions, but not in what they call")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

fn tokio() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tokio-workload"))
}

fn thread_pool() -> Command {
    Command::new(env!("CARGO_BIN_EXE_thread-pool-workload"))
}

/// A Python workload, or `None`, said aloud, where there is no Python.
fn python(script: &str) -> Option<Command> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED {script}: python3 is not installed");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script));
    Some(command)
}

/// All the workloads that can run here, with the scheduler that 40 tasks on 4 workers are reported with.
fn all() -> Vec<(Command, &'static str)> {
    let mut multi_thread = tokio();
    multi_thread.args(["--flavor", "multi-thread", "--workers", "4"]);
    let mut pool = thread_pool();
    pool.args(["--workers", "4"]);
    let mut all = vec![
        (tokio(), "event loop, 1 thread (tokio current-thread)"),
        (multi_thread, "event loop, 4 threads (tokio multi-thread)"),
        (pool, "4 OS threads (thread pool)"),
    ];
    if let Some(command) = python("asyncio_workload.py") {
        all.push((command, "event loop, 1 thread (asyncio)"));
    }
    if let Some(mut command) = python("thread_pool_workload.py") {
        command.args(["--workers", "4"]);
        all.push((command, "4 OS threads (ThreadPoolExecutor)"));
    }
    all
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The one line that a successful run prints.
fn line(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let line = text(&output.stdout).strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{line}");
    serde_json::from_str(line).unwrap()
}

#[test]
fn each_prints_one_line_with_the_agreed_names() {
    let flags = ["--tasks", "40", "--fetch", "5ms", "--touch", "10000", "--spin", "200us"];
    for (mut command, scheduler) in all() {
        let summary = line(&command.args(flags).output().unwrap());
        let names: BTreeSet<&str> = summary.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, BTreeSet::from(["scheduler", "task_time_ns", "tasks", "wall_ns"]));
        assert_eq!(summary["scheduler"], scheduler);
        assert_eq!(summary["tasks"], 40);
        assert!(summary["task_time_ns"].as_u64().unwrap() >= 40 * 5_200_000, "{summary}");
        assert!(summary["wall_ns"].as_u64().unwrap() >= 5_200_000, "{summary}");
    }
}

#[test]
fn bad_flags_are_refused_by_name() {
    let cases = [
        ["--tasks", "0"],
        ["--tasks", "many"],
        ["--fetch", "50"],
        ["--fetch", "soon"],
        ["--spin", "-1ms"],
        ["--touch", "4K"],
        ["--workers", "0"],
        ["--workers", "10001"],
    ];
    for (command, _) in all() {
        for [flag, value] in cases {
            // Only the program: a second --workers would be refused for being the second.
            let mut refused = Command::new(command.get_program());
            refused.args(command.get_args().filter(|arg| arg.to_string_lossy().ends_with(".py")));
            let output = refused.args([format!("{flag}={value}")]).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{flag} {value}");
            assert!(text(&output.stderr).contains(flag), "{}", text(&output.stderr));
            assert_eq!(text(&output.stdout), "");
        }
    }
}

#[test]
fn one_thread_refuses_more_workers() {
    for mut command in [Some(tokio()), python("asyncio_workload.py")].into_iter().flatten() {
        let output = command.args(["--tasks", "1", "--workers", "2"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("--workers 2"), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr).lines().count(), 1);
    }
}

#[test]
fn too_much_memory_ends_in_one_line() {
    for (mut command, _) in all() {
        let output = command.args(["--tasks", "2", "--fetch", "1ms", "--touch", "4611686018427387904"]);
        let output = output.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains("--touch"), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr).lines().count(), 1, "{}", text(&output.stderr));
    }
}

#[test]
fn refused_threads_end_in_one_line() {
    let mut multi_thread = tokio();
    multi_thread.args(["--flavor", "multi-thread"]);
    let pools = [Some(multi_thread), Some(thread_pool()), python("thread_pool_workload.py")];
    for command in pools.into_iter().flatten() {
        // Stacks of 1 GiB in 3.8 GiB of addresses: the fourth is refused, and the rest of the program has room.
        // (A limit on threads would not bind root.)
        let mut limited = Command::new("sh");
        limited.args(["-c", r#"ulimit -S -s 1048576; ulimit -v 4000000; exec "$@""#, "sh"]);
        limited.env("RUST_MIN_STACK", (1_u32 << 30).to_string());
        limited.arg(command.get_program()).args(command.get_args());
        let output =
            limited.args(["--tasks", "1000", "--fetch", "1s", "--workers", "1000"]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("choose fewer --workers"), "{}", text(&output.stderr));
        assert_eq!(text(&output.stderr).lines().count(), 1, "{}", text(&output.stderr));
    }
}

/// A workload that waits; killed at the end of the test, however that ends.
struct Waiting(Child);

impl Waiting {
    fn start(mut command: Command) -> Self {
        command.args(["--tasks", "8", "--fetch", "60s"]).stdout(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// The names that the kernel has for the program's threads, the main thread's left out.
    fn names(&self) -> Vec<String> {
        let process = PathBuf::from(format!("/proc/{}", self.0.id()));
        let main = self.0.id().to_string();
        let mut names: Vec<String> = fs::read_dir(process.join("task"))
            .unwrap()
            .map(|thread| thread.unwrap())
            .filter(|thread| *thread.file_name() != *main)
            // A thread may end between the listing and the reading.
            .filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok())
            .map(|name| name.trim_end().to_owned())
            .collect();
        names.sort();
        names
    }

    fn wait_for_names(&self, expected: &[&str]) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while self.names() != expected {
            assert!(Instant::now() < deadline, "{:?} instead of {expected:?}", self.names());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn the_kernel_knows_the_threads_by_name() {
    let mut multi_thread = tokio();
    multi_thread.args(["--flavor", "multi-thread", "--workers", "2"]);
    Waiting::start(multi_thread).wait_for_names(&["tokio-worker", "tokio-worker"]);
    Waiting::start(tokio()).wait_for_names(&[]);

    let workers = ["pool-worker-0", "pool-worker-1", "pool-worker-2"];
    for mut command in [Some(thread_pool()), python("thread_pool_workload.py")].into_iter().flatten() {
        command.args(["--workers", "3"]);
        Waiting::start(command).wait_for_names(&workers);
    }
}
