//! Targets whose threads and processes are born, change and end.

use super::{COMMAND, join, spawn};
use nix::sys::prctl;
use serde_json::{Value, json};
use std::ffi::CString;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier};
use std::thread::{Builder, sleep};
use std::time::Duration;

/// Enough to run, so that thousands fit anywhere.
const SMALL_STACK: usize = 64 * 1024;

/// Live at the same time in `short_lived`, at most.
const WAVE: u32 = 50;

/// Starts threads that end at once.
pub(super) fn short_lived(threads: u32) -> Value {
    let mut left = threads;
    while left > 0 {
        let wave = left.min(WAVE);
        let started: Vec<_> = (0..wave)
            .map(|_| Builder::new().stack_size(SMALL_STACK).spawn(|| ()).expect("a thread starts"))
            .collect();
        started.into_iter().for_each(join);
        left -= wave;
    }
    json!({ "threads": threads })
}

/// Starts threads none of which ends before the last has started.
pub(super) fn at_once(threads: usize) -> Value {
    let all = Arc::new(Barrier::new(threads));
    let started: Vec<_> = (0..threads)
        .map(|_| {
            let all = Arc::clone(&all);
            let wait = move || all.wait().is_leader();
            Builder::new().stack_size(SMALL_STACK).spawn(wait).expect("a thread starts")
        })
        .collect();
    let leaders = started.into_iter().map(join).filter(|&is_leader| is_leader).count();
    assert_eq!(leaders, 1, "all met at the barrier");
    json!({ "threads": threads })
}

/// Starts `width` processes that do the same with `depth` one less, and waits for them.
pub(super) fn tree(depth: u32, width: u32) -> Value {
    let children: Vec<_> = (0..if depth == 0 { 0 } else { width })
        .map(|_| {
            let mut child = again("tree");
            child.args([(depth - 1).to_string(), width.to_string()]).stdout(Stdio::null());
            child.spawn().expect("a process starts")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("it can be waited for").success());
    }
    json!({ "pid": std::process::id() })
}

/// This binary as another target.
pub(super) fn again(target: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    command.args([COMMAND, target]);
    command
}

/// One thread sleeps, another executes this binary again: both the first and the leader end with that.
pub(super) fn exec_from_thread() -> Value {
    let bystander = spawn("bystander", || {
        sleep(Duration::from_secs(60));
        Value::Null
    });
    let executor = spawn("executor", || {
        sleep(Duration::from_millis(20));
        let error = again("after-exec").exec();
        panic!("cannot execute this binary: {error}")
    });
    drop((join(executor), join(bystander)));
    json!({})
}

pub(super) fn after_exec() -> Value {
    sleep(Duration::from_millis(20));
    json!({ "pid": std::process::id() })
}

/// A thread that is called `first`, `second` and `third`.
pub(super) fn rename() -> Value {
    let thread = spawn("first", || {
        for name in ["second", "third"] {
            prctl::set_name(&CString::new(name).expect("no zero in it")).expect("the name fits");
        }
        Value::Null
    });
    drop(join(thread));
    json!({})
}
