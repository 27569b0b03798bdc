//! Processes that the command leaves behind: their parent has ended, and the profiler has them instead.

use crate::support::{Scene, Started, command, eventually, is_alive, ready_pid, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::thread::Thread;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use profiler::target::tree;
use std::process::Stdio;
use std::time::Duration;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        the_time_limit_ends_them,
        the_time_limit_kills_those_that_outlive_the_command,
        a_second_interrupt_ends_them,
        otherwise_they_go_on_and_hold_up_nothing,
        those_that_end_are_waited_for_and_not_in_the_usage,
    ]
}

/// Starts a process, ends its parent, says `ready PID`, and does the rest of the script.
fn leaving_behind(process: &str, rest: &str) -> Vec<String> {
    command(&["sh", "-c", &format!("({process} & echo ready $!); {rest}")])
}

fn the_time_limit_ends_them() {
    let scene = Scene::new().flags(&["--duration", "1s"]);
    let run = scene.start(&leaving_behind("sleep 300", "exec sleep 300"));
    let orphan = ready_pid(&run.line);
    eventually("the profiler has it", || tree::children(run.pid()).contains(&orphan).then_some(()));
    let outcome = run.finish();
    assert_eq!(outcome.code, 128 + Signal::SIGTERM as i32, "{}", outcome.stderr);
    outcome.assert_proven();
    assert!(!is_alive(orphan));
}

/// The command heeds SIGTERM, what it left behind does not.
fn the_time_limit_kills_those_that_outlive_the_command() {
    let scene = Scene::new().flags(&["--duration", "500ms"]);
    let run = scene.start(&leaving_behind("trap '' TERM; sleep 300", "exec sleep 300"));
    let orphan = ready_pid(&run.line);
    let outcome = run.finish();
    assert_eq!(outcome.code, 128 + Signal::SIGTERM as i32, "{}", outcome.stderr);
    outcome.assert_proven();
    assert!(!is_alive(orphan));
    let shell = outcome.profile().threads.iter().find(|thread| thread.pid == orphan).unwrap();
    assert!(
        shell.until_ns.0 - shell.start_ns.0 >= 2_000_000_000,
        "SIGKILL comes 2 s after SIGTERM: {shell:#?}"
    );
}

fn a_second_interrupt_ends_them() {
    let scene = Scene::new();
    // Ignored by all of them before anybody is told that they are there.
    let script = "trap '' INT; (sleep 300 & echo ready $!); sleep 300; sleep 300";
    let run = scene.start(&command(&["sh", "-c", script]));
    let orphan = ready_pid(&run.line);
    run.signal(Signal::SIGINT);
    // Two that are sent at once are one.
    std::thread::sleep(Duration::from_secs(1));
    assert!(is_alive(orphan));
    run.signal(Signal::SIGINT);
    let outcome = run.finish();
    assert_eq!(outcome.code, 128 + Signal::SIGKILL as i32, "{}", outcome.stderr);
    outcome.assert_proven();
    assert!(!is_alive(orphan));
}

fn otherwise_they_go_on_and_hold_up_nothing() {
    let scene = Scene::new();
    let run = scene.start(&leaving_behind("exec sleep 300 > /dev/null 2>&1", "exit 3"));
    let orphan = ready_pid(&run.line);
    let outcome = run.finish();
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    outcome.assert_proven();
    assert!(is_alive(orphan));
    let thread = outcome.profile().threads.iter().find(|thread| thread.pid == orphan).unwrap();
    assert!(thread.open.is_some(), "{thread:#?}");
    kill(Pid::from_raw(orphan.try_into().unwrap()), Signal::SIGKILL).unwrap();
}

/// Each takes more faults than the command and its other children.
fn those_that_end_are_waited_for_and_not_in_the_usage() {
    const PAGES: u64 = 20_000;
    let pages = PAGES.to_string();
    let mut line = leaving_behind("\"$@\" > /dev/null", "read line; exit 0");
    line.push("sh".to_owned());
    line.extend(target("touch", &[&pages, &pages]));
    let scene = Scene::new();
    let mut profiler = scene.run_command(&line);
    profiler.stdin(Stdio::piped());
    let run = Started::of(profiler, &scene);
    let orphan = ready_pid(&run.line);
    eventually("it was waited for", || {
        let is_there = std::fs::exists(format!("/proc/{orphan}")).expect("/proc can be looked at");
        (!is_there).then_some(())
    });
    let outcome = run.finish();
    outcome.assert_complete();
    let profile = outcome.profile();
    let faults = |of: fn(&Thread) -> u64| profile.threads.iter().map(of).sum::<u64>();
    assert!(faults(|thread| thread.minor_faults) >= PAGES);
    assert!(profile.usage.as_ref().unwrap().minor_faults < PAGES, "{:?}", profile.usage);
}
