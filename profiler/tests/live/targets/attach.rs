//! Targets that run before they are profiled. Each says `ready PID` once its threads are at it, does something for each
//! line that it is told, and ends with its standard input.

use super::faults::touch_first;
use super::lifecycle::again;
use super::{join, spawn};
use nix::sys::prctl;
use serde_json::{Value, json};
use std::ffi::CString;
use std::io::{PipeReader, PipeWriter, Read as _, Write as _, pipe, stdin};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

pub(super) fn ready() {
    println!("ready {}", std::process::id());
}

/// Threads that wait for a byte each; for each they sleep that many times and answer.
pub(super) fn sleep_when_told(threads: u32, sleeps: u32) -> Value {
    let workers: Vec<(PipeWriter, PipeReader, JoinHandle<Value>)> = (0..threads)
        .map(|index| {
            let (mut told, teller) = pipe().expect("a pipe");
            let (answers, mut answer) = pipe().expect("a pipe");
            let worker = spawn(format!("worker-{index}"), move || {
                while told.read(&mut [0]).expect("the pipe can be read") == 1 {
                    (0..sleeps).for_each(|_| sleep(Duration::from_millis(1)));
                    answer.write_all(&[1]).expect("the pipe can be written");
                }
                Value::Null
            });
            (teller, answers, worker)
        })
        .collect();
    ready();
    let mut workers = workers;
    each_line(|_| {
        workers.iter_mut().for_each(|(teller, ..)| teller.write_all(&[1]).expect("it can be told"));
        workers.iter_mut().for_each(|(_, answers, _)| answers.read_exact(&mut [0]).expect("it answers"));
        println!("done");
    });
    for (teller, _, worker) in workers {
        drop(teller);
        join(worker);
    }
    json!({})
}

/// A thread that never leaves its CPU by itself.
pub(super) fn spin_until_told() -> Value {
    let enough = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&enough);
    let spinner = spawn("spinner", move || {
        while !told.load(Ordering::Relaxed) {}
        Value::Null
    });
    ready();
    each_line(|_| ());
    enough.store(true, Ordering::Relaxed);
    join(spinner)
}

/// A thread that touches fresh pages again and again, and is hardly ever switched.
pub(super) fn touch_for_ever(pages: usize) -> Value {
    let enough = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&enough);
    let toucher = spawn("toucher", move || {
        while !told.load(Ordering::Relaxed) {
            assert_eq!(touch_first(pages, pages), pages);
        }
        Value::Null
    });
    ready();
    each_line(|_| ());
    enough.store(true, Ordering::Relaxed);
    join(toucher)
}

/// A process that starts another for each line, and waits for it.
pub(super) fn fork_when_told() -> Value {
    ready();
    each_line(|_| {
        let child = again("short-lived").arg("3").stdout(Stdio::null()).status().expect("it starts");
        assert!(child.success());
        println!("done");
    });
    json!({})
}

/// A process that executes another program as soon as it is told.
pub(super) fn exec_when_told() -> Value {
    ready();
    let mut line = String::new();
    stdin().read_line(&mut line).expect("standard input can be read");
    panic!("cannot execute sleep: {}", Command::new("sleep").arg("0.05").exec())
}

/// A process with a name.
pub(super) fn named(name: &str) -> Value {
    prctl::set_name(&CString::new(name).expect("no zero in it")).expect("the name fits");
    ready();
    each_line(|_| ());
    json!({})
}

/// Executes [`named`] with another argument 0 than its file.
pub(super) fn named_in_argument_0(name: &str) -> Value {
    let this = std::env::current_exe().expect("this program has a path");
    let error = Command::new(this).arg0(name).args([super::COMMAND, "named", "plain"]).exec();
    panic!("cannot execute this program again: {error}");
}

/// One of its two threads is in a threaded control group, the process in the group above.
pub(super) fn thread_in_group(group: &str) -> Value {
    let group = std::path::PathBuf::from(group);
    let above = group.parent().expect("it is below another").join("cgroup.procs");
    std::fs::write(above, std::process::id().to_string()).expect("the process can join");
    let (mut told, teller) = pipe().expect("a pipe");
    let worker = spawn("inside", move || {
        let own = nix::unistd::gettid().to_string();
        std::fs::write(group.join("cgroup.threads"), own).expect("the thread can join");
        ready();
        assert_eq!(told.read(&mut [0]).expect("the pipe can be read"), 0, "it is closed");
        Value::Null
    });
    each_line(|_| ());
    drop(teller);
    join(worker);
    json!({})
}

pub(super) fn each_line(mut act: impl FnMut(&str)) {
    let mut line = String::new();
    while stdin().read_line(&mut line).expect("standard input can be read") > 0 {
        act(line.trim());
        line.clear();
    }
}
