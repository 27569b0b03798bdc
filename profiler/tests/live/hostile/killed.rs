//! SIGKILL: of the target, of one of its processes, of the profiler.

use super::{assert_exact, ready_pid, send, state_of};
use crate::attached::Attached;
use crate::disturbance::undisturbed;
use crate::support::{Scene, command, eventually, held_child, is_alive, is_held, is_workload, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use profiler::target::tree;
use std::fs;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        a_target_killed_in_the_middle_is_recorded_to_its_last_switch,
        a_process_of_the_target_killed_in_the_middle_is_recorded,
        a_profiler_killed_with_live_probes_and_a_held_child_starts_nothing;
        here:
        a_profiler_killed_before_its_probes_are_live_starts_nothing,
        a_profiler_killed_between_two_workloads_leaves_none_held,
        a_profiler_killed_leaves_the_command_running,
    ]
}

fn a_target_killed_in_the_middle_is_recorded_to_its_last_switch() {
    let scene = Scene::new();
    let run = scene.start(&target("busy", &[]));
    sleep(Duration::from_millis(200));
    send(ready_pid(&run.line), Signal::SIGKILL);
    let outcome = run.finish();
    assert_eq!(outcome.code, 128 + Signal::SIGKILL as i32, "{}", outcome.stderr);
    assert_exact(&outcome);
    assert!(outcome.profile().threads.iter().all(|thread| thread.exited));
    for name in ["caller", "echo", "toucher", "sleeper"] {
        outcome.only(name);
    }
}

fn a_process_of_the_target_killed_in_the_middle_is_recorded() {
    let scene = Scene::new();
    let busy = target("busy", &[]);
    let mut line = command(&["sh", "-c", "\"$@\" & wait $!; echo $?", "sh"]);
    line.extend(busy);
    let run = scene.start(&line);
    let child = ready_pid(&run.line);
    sleep(Duration::from_millis(100));
    send(child, Signal::SIGKILL);
    let outcome = run.finish();
    outcome.assert_complete();
    assert_exact(&outcome);
    assert_eq!(outcome.stdout, "137\n");
    assert_eq!(outcome.profile().threads.iter().filter(|thread| thread.pid == child).count(), 5);
}

fn a_profiler_killed_before_its_probes_are_live_starts_nothing() {
    undisturbed(|| killed_while_held(|_| true));
}

fn a_profiler_killed_with_live_probes_and_a_held_child_starts_nothing() {
    undisturbed(|| {
        killed_while_held(|profiler| {
            // The last of them: the child is released right after.
            Attached::of(profiler).links.len() >= 8
        })
    });
}

/// Kills the profiler once its child holds and `is_due`. An error means that the moment was missed.
fn killed_while_held(is_due: impl Fn(u32) -> bool) -> Result<(), String> {
    let scene = Scene::new();
    let mut profiler = start(&scene, &["touch", "started"]);
    let mut child = None;
    while child.is_none() || !is_due(profiler.id()) {
        child = child.or_else(|| held_child(profiler.id()));
        if profiler.try_wait().expect("it can be waited for").is_some() {
            return Err("the run was over before the moment was seen".to_owned());
        }
    }
    // From here on neither goes on by itself: the child only if the profiler has released it already.
    send(profiler.id(), Signal::SIGSTOP);
    super::wait_for_state(profiler.id(), 'T');
    let child = child.expect("it was seen");
    // One that was released just before goes on to its command; one that is held sleeps until it hears.
    let held = eventually("the child sleeps or goes on", || match (is_held(child), super::state_of(child)) {
        (false, _) => Some(false),
        (true, Some('S')) => Some(true),
        (true, _) => None,
    });
    if !held {
        send(profiler.id(), Signal::SIGCONT);
        profiler.wait().expect("it can be waited for");
        return Err("the child was released already".to_owned());
    }
    let attached = Attached::of(profiler.id());
    end(&mut profiler);

    eventually("the held child has ended", || (!is_alive(child)).then_some(()));
    assert!(!scene.folder().join("started").exists(), "the command was executed");
    if !attached.programs.is_empty() {
        attached.assert_gone();
    }
    Ok(())
}

fn a_profiler_killed_between_two_workloads_leaves_none_held() {
    let scene = Scene::new();
    let mut profiler = scene.profiler();
    profiler.args(["run", "--tasks", "200", "--fetch", "100ms", "--workers", "2", "--out", "profiles"]);
    let mut profiler = profiler.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    // The first one runs, the second one is held.
    let (running, held) = eventually("one workload runs and one is held", || {
        let children = tree::descendants(profiler.id());
        let held: Vec<u32> = children.iter().copied().filter(|&child| is_held(child)).collect();
        let running: Vec<u32> = children.iter().copied().filter(|&child| is_workload(child)).collect();
        match (&running[..], &held[..]) {
            (&[running], &[held]) => Some((running, held)),
            _ => None,
        }
    });
    let attached = Attached::of(profiler.id());
    end(&mut profiler);
    attached.assert_gone();
    for child in [running, held] {
        eventually("both have ended", || (!is_alive(child)).then_some(()));
    }
}

fn a_profiler_killed_leaves_the_command_running() {
    let number = (Signal::SIGUSR1 as i32).to_string();
    let scene = Scene::new();
    let run = scene.start(&target("wait-for", &[&number, "0"]));
    let child = ready_pid(&run.line);
    let attached = Attached::of(run.pid());
    assert!(attached.links.len() >= 8, "{attached:?}");
    let mut stdout = run.abandon_to_the_target();
    attached.assert_gone();
    // Neither stopped nor ended: it waits for its signal, does what it does then, and ends by itself.
    assert_eq!(state_of(child), Some('S'));
    send(child, Signal::SIGUSR1);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut rest).expect("the target's output");
    assert_eq!(rest, "got SIGUSR1\n");
    eventually("the command has ended", || (!is_alive(child)).then_some(()));
    assert_eq!(fs::read_dir(scene.folder()).unwrap().count(), 0, "no profile, nor half of one");
}

fn start(scene: &Scene, line: &[&str]) -> Child {
    let mut profiler = scene.run_command(&command(line));
    profiler.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the profiler starts")
}

fn end(profiler: &mut Child) {
    profiler.kill().expect("it runs");
    profiler.wait().expect("it can be waited for");
}
