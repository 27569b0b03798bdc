//! Targets that change what they are known by: they execute again and again, rename themselves, get used numbers.

use super::{assert_exact, require_file};
use crate::support::{Scene, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use std::collections::BTreeSet;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        a_hundred_execs_are_one_thread,
        a_hundred_execs_from_other_threads_are_all_recorded,
        names_that_change_every_millisecond_are_counted,
        processes_with_the_same_number_are_told_apart,
    ]
}

fn a_hundred_execs_are_one_thread() {
    const EXECS: u32 = 100;
    let outcome = Scene::new().run(&target("exec-often", &[&EXECS.to_string()]));
    outcome.assert_complete();
    assert_exact(&outcome);
    let [thread] = &outcome.profile().threads[..] else { panic!("{:#?}", outcome.profile().threads) };
    assert_eq!(outcome.told()["pid"].as_u64(), Some(thread.pid.into()));
    // The first one gave it its name as the recording began.
    assert_eq!(thread.renames, EXECS);
}

fn a_hundred_execs_from_other_threads_are_all_recorded() {
    const EXECS: u32 = 100;
    let outcome = Scene::new().run(&target("exec-often-from-threads", &[&EXECS.to_string()]));
    outcome.assert_complete();
    assert_exact(&outcome);
    let threads = &outcome.profile().threads;
    assert_eq!(threads.len() as u32, EXECS + 1);
    let pid = u32::try_from(outcome.told()["pid"].as_u64().unwrap()).unwrap();
    assert!(threads.iter().all(|thread| thread.pid == pid && thread.exited), "{threads:#?}");
    // Each had the leader's number in the end.
    assert!(threads.iter().all(|thread| thread.tid == pid), "{threads:#?}");
    let starts: BTreeSet<_> = threads.iter().map(|thread| thread.start_ns).collect();
    assert_eq!(starts.len(), threads.len());
}

fn names_that_change_every_millisecond_are_counted() {
    const THREADS: u32 = 4;
    const TIMES: u32 = 300;
    let outcome = Scene::new().run(&target("rename-often", &[&THREADS.to_string(), &TIMES.to_string()]));
    outcome.assert_complete();
    assert_exact(&outcome);
    for index in 0..THREADS {
        let thread = outcome.only(&format!("name-{index}-{}", TIMES - 1));
        assert_eq!(thread.renames, TIMES + 1, "one more for its first name");
        assert_eq!(thread.earlier_names[1..], [format!("born-{index}"), format!("name-{index}-0")]);
    }
}

fn processes_with_the_same_number_are_told_apart() {
    const PROCESSES: usize = 200;
    require_file("/proc/sys/kernel/ns_last_pid", "a kernel with CONFIG_CHECKPOINT_RESTORE");
    let outcome = Scene::new().run(&target("same-pid", &[&PROCESSES.to_string()]));
    outcome.assert_complete();
    assert_exact(&outcome);
    let told = outcome.told();
    assert!(told["reused"].as_u64().unwrap() > 0, "no number was used twice: {told}");
    let threads = &outcome.profile().threads;
    let children: Vec<u64> =
        threads.iter().filter(|thread| thread.name == "true").map(|thread| thread.pid.into()).collect();
    let expected: Vec<u64> =
        told["pids"].as_array().unwrap().iter().map(|pid| pid.as_u64().unwrap()).collect();
    // One record a process, in the order of their starts, whatever their numbers.
    assert_eq!(children, expected);
    assert_eq!(threads.len(), PROCESSES + 1);
}
