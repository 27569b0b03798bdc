//! Two profilers at the same time: on one command, on the same command twice, on different ones.

use super::{assert_exact, assert_thread_exact};
use crate::support::{Outcome, Scene, required, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::file;
use model::profile::thread::Thread;
use profiler::report;
use std::process::{Child, Stdio};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        two_profilers_of_one_command_count_the_same,
        two_profilers_of_different_commands_do_not_mix_them;
        here:
        two_profilers_that_write_to_one_file_leave_a_whole_one,
    ]
}

/// The outer one records the inner one too, and with it the command.
fn two_profilers_of_one_command_count_the_same() {
    let scene = Scene::new();
    let inner = scene.folder().join("inner.json");
    let binary = required("PROFILER_BIN");
    let mut line: Vec<String> =
        [binary.to_str().unwrap(), "run", "-o", inner.to_str().unwrap(), "--"].map(str::to_owned).into();
    line.extend(target("sleepers", &["4", "50", "1"]));
    let outer = scene.run(&line);
    outer.assert_complete();
    assert_exact(&outer);
    let inner = file::read(&inner).unwrap();
    assert!(report::is_complete(&inner), "{}", report::verdict(&inner));
    inner.threads.iter().for_each(assert_thread_exact);
    // Threads that were born after the command was executed are the same in both, count for count.
    let born: Vec<&Thread> =
        inner.threads.iter().filter(|thread| thread.name.starts_with("sleeper-")).collect();
    assert_eq!(born.len(), 4);
    for thread in born {
        let again = outer.only(&thread.name);
        assert_eq!((again.pid, again.tid, again.start_ns), (thread.pid, thread.tid, thread.start_ns));
        assert_eq!(again.kernel, thread.kernel);
        assert_eq!(again.voluntary_switches, thread.voluntary_switches);
        assert_eq!(again.involuntary_switches, thread.involuntary_switches);
        assert_eq!(again.faults_without_latency, thread.faults_without_latency);
        let counts = |thread: &Thread| -> Vec<(String, u64)> {
            thread.histograms.iter().map(|(name, histogram)| (name.clone(), histogram.count)).collect()
        };
        assert_eq!(counts(again), counts(thread));
    }
}

fn two_profilers_of_different_commands_do_not_mix_them() {
    let scenes = [Scene::new(), Scene::new()];
    let targets = [target("round-trips", &["20000"]), target("sleepers", &["4", "50", "1"])];
    let started: Vec<Child> =
        scenes.iter().zip(&targets).map(|(scene, target)| start(scene, target)).collect();
    let outcomes: Vec<Outcome> =
        started.into_iter().zip(&scenes).map(|(child, scene)| finish(child, scene)).collect();
    for outcome in &outcomes {
        outcome.assert_complete();
        assert_exact(outcome);
    }
    assert_eq!(outcomes[0].profile().threads.len(), 3);
    assert_eq!(outcomes[1].profile().threads.len(), 5);
    outcomes[0].only("caller");
    outcomes[1].only("sleeper-3");
}

fn two_profilers_that_write_to_one_file_leave_a_whole_one() {
    let scene = Scene::new();
    let target = target("sleepers", &["2", "20", "1"]);
    let started = [start(&scene, &target), start(&scene, &target)];
    for child in started {
        finish(child, &scene).assert_complete();
    }
    assert_eq!(std::fs::read_dir(scene.folder()).unwrap().count(), 1, "no other file is left");
}

fn start(scene: &Scene, target: &[String]) -> Child {
    let mut profiler = scene.run_command(target);
    profiler.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the profiler starts")
}

fn finish(child: Child, scene: &Scene) -> Outcome {
    Outcome::of(child.wait_with_output().expect("it can be waited for"), &scene.file())
}
