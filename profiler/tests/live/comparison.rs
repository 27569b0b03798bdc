//! `profiler run` without a command: the sample workloads side by side.

use crate::support::{Outcome, Scene, blocked_on, required, unannounced};
use crate::trial::trials;
use libtest_mimic::Trial;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        the_rust_pair_is_compared,
        the_python_pair_is_compared,
        messages_name_the_flag_that_there_is,
    ]
}

const TASKS: u64 = 40;

fn compare(flags: &[&str], names: &[&str]) -> Vec<Outcome> {
    // The workloads lie beside the profiler.
    assert!(required("PROFILER_RELEASE_DIR").join("tokio-workload").exists());
    let scene = Scene::new();
    let tasks = TASKS.to_string();
    let output = scene
        .profiler()
        .args(["run", "--tasks", &tasks, "--fetch", "10ms", "--workers", "4", "--out", "profiles"])
        .args(flags)
        .output()
        .unwrap();
    names
        .iter()
        .map(|name| {
            let file = scene.folder().join("profiles").join(format!("{name}.profile.json"));
            let outcome = Outcome::of(output.clone(), &file);
            outcome.assert_complete();
            assert_eq!(outcome.profile().run.workload.as_ref().unwrap().tasks, TASKS);
            outcome
        })
        .collect()
}

fn waits(outcome: &Outcome, syscall: &str) -> u64 {
    outcome.profile().threads.iter().map(|thread| blocked_on(thread, syscall)).sum()
}

fn the_rust_pair_is_compared() {
    let outcomes = compare(&[], &["tokio-workload", "thread-pool-workload"]);
    for title in ["tokio-workload", "thread-pool-workload"] {
        assert!(
            outcomes[0].stderr.contains(&format!("{title}: complete: 0 lost, ")),
            "{}",
            outcomes[0].stderr
        );
    }
    let [tokio, pool] = &outcomes[..] else { panic!("two workloads") };
    // An event loop waits once for all that sleep, in whichever call it has for that.
    let of_the_loop = waits(tokio, "futex") + waits(tokio, "epoll_wait");
    assert!(of_the_loop < TASKS, "{of_the_loop} waits");
    assert_eq!(waits(tokio, "clock_nanosleep"), 0);
    let hidden: u64 = pool.profile().threads.iter().map(unannounced).sum();
    let sleeps = waits(pool, "clock_nanosleep");
    assert!((TASKS.saturating_sub(hidden)..=TASKS).contains(&sleeps), "{sleeps} sleeps");
}

fn the_python_pair_is_compared() {
    drop(compare(&["--python"], &["python-asyncio", "python-thread-pool"]));
}

fn messages_name_the_flag_that_there_is() {
    let scene = Scene::new();
    let foreign = scene.folder().join("tokio-workload.profile.json");
    std::fs::write(&foreign, "mine").unwrap();
    let output = scene.profiler().args(["run", "--out", "."]).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("not a profile; name another place with --out, or"), "{message}");
    assert_eq!(std::fs::read_to_string(foreign).unwrap(), "mine");
}
