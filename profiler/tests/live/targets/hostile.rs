//! Targets that are killed and stopped, execute themselves again and again, or change what identifies them.

use super::{COMMAND, join, lifecycle, number, pin_to_cpu_0, spawn};
use memmap2::MmapMut;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::ffi::CString;
use std::fs;
use std::io::{Read as _, Write as _, pipe};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// Switches, faults and sleeps in four threads until somebody ends it. Says `ready PID` first.
pub(super) fn busy() -> Value {
    pin_to_cpu_0();
    let (mut echo_reads, mut caller_writes) = pipe().expect("a pipe");
    let (mut caller_reads, mut echo_writes) = pipe().expect("a pipe");
    let threads = [
        spawn("echo", move || {
            loop {
                echo_reads.read_exact(&mut [0]).expect("the pipe can be read");
                echo_writes.write_all(&[1]).expect("the pipe can be written");
            }
        }),
        spawn("caller", move || {
            loop {
                caller_writes.write_all(&[1]).expect("the pipe can be written");
                caller_reads.read_exact(&mut [0]).expect("the pipe can be read");
            }
        }),
        spawn("toucher", || {
            loop {
                let mut map = MmapMut::map_anon(64 * 4096).expect("memory");
                map.chunks_mut(4096).for_each(|page| page[0] = 1);
            }
        }),
        spawn("sleeper", || {
            loop {
                sleep(Duration::from_millis(1));
            }
        }),
    ];
    println!("ready {}", std::process::id());
    threads.into_iter().for_each(|thread| drop(join(thread)));
    panic!("nobody ended this process")
}

/// `short-lived` once SIGUSR1 has come. Says `ready PID` first.
pub(super) fn short_lived_after_signal(threads: u32) -> Value {
    let mut set = SigSet::empty();
    set.add(Signal::SIGUSR1);
    set.thread_block().expect("it can be blocked");
    println!("ready {}", std::process::id());
    set.wait().expect("signals can be waited for");
    lifecycle::short_lived(threads)
}

/// Executes itself that many times, each time from the leader.
pub(super) fn exec_often(times: u32) -> Value {
    exec_again("exec-often", times)
}

/// Likewise, each time from another thread, which takes over the leader's number.
pub(super) fn exec_often_from_threads(times: u32) -> Value {
    if times == 0 {
        return json!({ "pid": std::process::id() });
    }
    join(spawn("executor", move || exec_again("exec-often-from-threads", times)))
}

fn exec_again(target: &str, times: u32) -> Value {
    if times == 0 {
        return json!({ "pid": std::process::id() });
    }
    let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
    let error = command.args([COMMAND, target, &(times - 1).to_string()]).exec();
    panic!("cannot execute this binary: {error}")
}

/// Each thread changes its name every millisecond.
pub(super) fn rename_often(threads: u32, times: u32) -> Value {
    let started: Vec<_> = (0..threads)
        .map(|index| {
            spawn(format!("born-{index}"), move || {
                for time in 0..times {
                    set_name(&format!("name-{index}-{time}"));
                    sleep(Duration::from_millis(1));
                }
                Value::Null
            })
        })
        .collect();
    started.into_iter().for_each(|thread| drop(join(thread)));
    json!({})
}

fn set_name(name: &str) {
    prctl::set_name(&CString::new(name).expect("no zero in it")).expect("the name fits");
}

/// Starts processes one after another that have the same number, as far as nobody else takes it. Says how many
/// had one that an earlier one had.
pub(super) fn same_pid(processes: u32) -> Value {
    let (mut last, mut reused, mut pids): (Option<u32>, _, _) = (None, 0, Vec::new());
    for _ in 0..processes {
        if let Some(last) = last {
            fs::write("/proc/sys/kernel/ns_last_pid", (last - 1).to_string()).expect("root may choose");
        }
        let mut child = Command::new("true").spawn().expect("a process starts");
        reused += u32::from(last == Some(child.id()));
        last = Some(child.id());
        pids.push(child.id());
        assert!(child.wait().expect("it can be waited for").success());
    }
    json!({ "reused": reused, "pids": pids })
}

/// In a pid namespace of its own: lowers the namespace's largest number and starts more processes than that.
pub(super) fn few_pids(pid_max: u32, processes: u32) -> Value {
    fs::write("/proc/sys/kernel/pid_max", pid_max.to_string()).expect("the namespace's own limit");
    let mut pids: Vec<u32> = (0..processes)
        .map(|_| {
            let mut child = Command::new("true").spawn().expect("a process starts");
            assert!(child.wait().expect("it can be waited for").success());
            child.id()
        })
        .collect();
    assert!(pids.iter().all(|&pid| pid < pid_max), "{pids:?}");
    pids.sort_unstable();
    pids.dedup();
    json!({ "distinct": pids.len() })
}

/// One thread moves itself from CPU to CPU, another that spins is moved from outside. Says how often each.
pub(super) fn wander(times: u32) -> Value {
    let cpus = usable_cpus();
    let (tell, told) = std::sync::mpsc::channel();
    let over = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_over = std::sync::Arc::clone(&over);
    let pushed = spawn("pushed", move || {
        tell.send(nix::unistd::gettid()).expect("main listens");
        while !is_over.load(std::sync::atomic::Ordering::Relaxed) {}
        Value::Null
    });
    let pushed_tid = told.recv().expect("it tells");
    let walker = spawn("walker", move || {
        for time in 0..times {
            pin(Pid::from_raw(0), cpus[time as usize % cpus.len()]);
            pin(pushed_tid, cpus[(time as usize + 1) % cpus.len()]);
            sleep(Duration::from_millis(1));
        }
        Value::Null
    });
    join(walker);
    over.store(true, std::sync::atomic::Ordering::Relaxed);
    join(pushed);
    json!({ "moves": times - 1 })
}

fn usable_cpus() -> Vec<usize> {
    let allowed = sched_getaffinity(Pid::from_raw(0)).expect("the kernel tells");
    (0..CpuSet::count()).filter(|&cpu| allowed.is_set(cpu).is_ok_and(|set| set)).collect()
}

fn pin(thread: Pid, cpu: usize) {
    let mut cpus = CpuSet::new();
    cpus.set(cpu).expect("the number is small");
    sched_setaffinity(thread, &cpus).expect("the CPU may be used");
}

/// Touches fresh pages on every CPU that is online, for each line that comes in; ends with the input.
pub(super) fn touch_when_told(pages: usize) -> Value {
    println!("ready {}", std::process::id());
    let mut touched = 0;
    for line in std::io::stdin().lines() {
        pin(Pid::from_raw(0), number(&line.expect("a line")));
        let mut map = MmapMut::map_anon(pages * 4096).expect("memory");
        map.advise(memmap2::Advice::NoHugePage).expect("the kernel knows huge pages");
        map.chunks_mut(4096).for_each(|page| page[0] = 1);
        touched += pages;
        println!("{touched}");
    }
    json!({ "touched": touched })
}
