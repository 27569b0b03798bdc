//! Long runs: slots are used again, memory stays the same, processes that leave leave nothing.

use super::{Daemon, count, counted, name, named, prey, selector, switches};
use crate::attached::{Attached, in_storage, in_table};
use crate::support::own_memory;
use crate::trial::trials;
use libtest_mimic::Trial;
use model::losses::Loss;
use profiler::control::protocol::Request;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        threads_far_beyond_the_slots_are_recorded_one_after_the_other,
        threads_beyond_the_slots_at_the_same_time_are_told_of,
        what_is_detached_frees_its_slots_and_can_be_attached_again,
        what_ends_just_before_its_selector_is_taken_out_is_in_the_interval,
        children_are_not_followed_once_their_parent_is_detached;
        here:
        pages_that_are_not_needed_any_more_go_to_other_threads,
        groups_are_bounded_and_what_is_beyond_is_told_of,
    ]
}

fn threads_far_beyond_the_slots_are_recorded_one_after_the_other() {
    let name = name("many");
    let daemon = Daemon::configured("[watch]\ninterval = \"1h\"\nmax_threads = 3000\n", &selector(&name));
    // They are followed from the shell on, so that the first of their threads is seen.
    let line = named(&daemon, "short", "short-lived", &["2000"]).join(" ");
    let link = daemon.scene.folder().join(&name);
    std::os::unix::fs::symlink("/bin/sh", &link).unwrap();
    let script = format!("read go; while read go; do {line} > /dev/null; echo done; done");
    let mut shell = Command::new(&link)
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    daemon.wait_for(1);
    let (mut stdin, stdout) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
    let mut stdout = std::io::BufReader::new(stdout);
    let mut memory = Vec::new();
    std::io::Write::write_all(&mut stdin, b"go\n").unwrap();
    for _ in 0..5 {
        std::io::Write::write_all(&mut stdin, b"go\n").unwrap();
        std::io::BufRead::read_line(&mut stdout, &mut String::new()).unwrap();
        let interval = daemon.flush();
        assert!(interval.lost.is_nothing(), "{:?}", interval.lost);
        let threads: u64 = interval.groups.iter().map(|group| group.threads).sum();
        // The shell, and the process with its first thread.
        // One may still have to make its last switch, and does so in the next interval.
        assert!((2000 + 2..=2000 + 3).contains(&threads), "{:#?}", interval.groups);
        memory.push(own_memory(daemon.pid()));
    }
    drop(stdin);
    shell.wait().unwrap();
    daemon.wait_for(0);
    assert_eq!(daemon.status().watch.slots_used, 0);
    // The first rounds touch what is there. Later the heap may take a step; the records of three rounds, if they
    // stayed, would take 6 MB and more, at 1 kB and more for each of 6 000 threads.
    assert!(memory[4] <= memory[1] + 4096 * 1024, "memory grows: {memory:?} bytes");
}

fn threads_beyond_the_slots_at_the_same_time_are_told_of() {
    let name = name("few");
    let daemon = Daemon::configured("[watch]\ninterval = \"1h\"\nmax_threads = 8\n", &selector(&name));
    let running = prey(&daemon, &name, "sleep-when-told", &["20", "1"]);
    daemon.wait_for(1);
    let status = daemon.status();
    assert_eq!((status.watch.slots_used, status.watch.slots), (8, 8));
    assert_eq!(status.watch.selectors[0].threads, 21);
    assert_eq!(status.watch.selectors[0].threads_without_slot, 13);
    assert_eq!(daemon.flush().lost[Loss::ThreadsWithoutSlot], 13);

    // Room for 8 threads is 16 places: some of the 21 find theirs taken, and are counted at it until they are let go.
    let attached = Attached::of(daemon.pid());
    let shared = attached.places();
    assert_eq!((shared.len() as u64, in_table(&shared) + in_storage(&shared)), (16, 21), "{shared:?}");
    assert!(in_storage(&shared) >= 5, "{shared:?}");
    daemon.ask(&Request::Detach { label: "prey".to_owned() });
    let left = attached.places();
    assert_eq!((in_table(&left), in_storage(&left)), (0, 0), "{left:?}");
    running.finish();
}

fn pages_that_are_not_needed_any_more_go_to_other_threads() {
    /// Longer than a page that nothing is added to stays with its thread.
    const IDLE: Duration = Duration::from_secs(31);
    let base = name("p");
    // 64 pages: 40 threads, each with a page for slices, one for run-queue waits and one for sleeps, need twice as
    // many.
    let watch = "[watch]\ninterval = \"1h\"\nhistogram_memory = \"32KiB\"\n";
    let daemon = Daemon::configured(watch, &selector(&format!("{base}*")));
    let mut many = prey(&daemon, &format!("{base}1"), "sleep-when-told", &["40", "20"]);
    daemon.wait_for(1);
    many.tell();
    let interval = daemon.flush();
    assert!(interval.lost[Loss::SamplesWithoutBucket] > 0, "{interval:#?}");
    thread::sleep(IDLE);
    daemon.flush();
    let mut few = prey(&daemon, &format!("{base}2"), "sleep-when-told", &["1", "5"]);
    daemon.wait_for(2);
    few.tell();
    let interval = daemon.flush();
    assert_eq!(interval.lost[Loss::SamplesWithoutBucket], 0, "{interval:#?}");
    assert!(count(&interval, "on_cpu") > 0);
    many.finish();
    few.finish();
}

fn what_is_detached_frees_its_slots_and_can_be_attached_again() {
    const ROUNDS: u32 = 20;
    let name = name("again");
    let daemon = Daemon::with("");
    let mut running = prey(&daemon, &name, "sleep-when-told", &["30", "2"]);
    let select: profiler::watch::config::SelectorConfig =
        serde_json::from_value(serde_json::json!({ "label": "a", "name": name })).unwrap();
    let mut exact = 0;
    for round in 0..ROUNDS {
        daemon.ask(&Request::Attach { selector: Box::new(select.clone()) });
        assert_eq!(daemon.status().watch.slots_used, 31, "round {round}");
        daemon.flush();
        let before = switches(&running);
        running.tell();
        let after = switches(&running);
        daemon.ask(&Request::Detach { label: "a".to_owned() });
        assert_eq!(daemon.status().watch.slots_used, 0, "round {round}");
        // Nobody watches now.
        running.tell();
        let interval = daemon.flush();
        // The first slice of a found thread is no sample where its beginning is not announced (`unannounced`).
        let missing =
            (after - before).checked_sub(count(&interval, "on_cpu")).expect("nobody else is counted");
        assert!(missing <= 2, "round {round}: {missing} slices are missing");
        exact += u32::from(missing == 0);
        assert!(interval.lost.is_nothing(), "{:?}", interval.lost);
    }
    assert!(exact >= ROUNDS / 2, "{exact} of {ROUNDS} rounds are exact");
    running.finish();
}

fn what_ends_just_before_its_selector_is_taken_out_is_in_the_interval() {
    let name = name("last");
    for by_reload in [false, true] {
        let daemon = Daemon::with(&selector(&name));
        let mut running = prey(&daemon, &name, "fork-when-told", &[]);
        daemon.wait_for(1);
        daemon.flush();
        running.tell();
        // Sooner than exits are collected.
        if by_reload {
            daemon.reload("");
        } else {
            daemon.ask(&Request::Detach { label: "prey".to_owned() });
        }
        let interval = daemon.flush();
        let threads: u64 = interval.groups.iter().map(|group| group.threads).sum();
        // It, its child and three threads of that.
        assert_eq!(threads, 1 + 1 + 3, "{interval:#?}");
        running.finish();
    }
}

fn children_are_not_followed_once_their_parent_is_detached() {
    let name = name("parent");
    let daemon = Daemon::with(&selector(&name));
    let mut running = prey(&daemon, &name, "fork-when-told", &[]);
    daemon.wait_for(1);
    running.tell();
    daemon.ask(&Request::Detach { label: "prey".to_owned() });
    daemon.flush();
    running.tell();
    let interval = daemon.flush();
    assert_eq!(interval.groups, []);
    assert_eq!(daemon.status().watch.slots_used, 0);
    running.finish();
}

fn groups_are_bounded_and_what_is_beyond_is_told_of() {
    let name = name("wide");
    let daemon = Daemon::with(&format!("{}max_groups = 3\n", selector(&name)));
    let mut running = prey(&daemon, &name, "sleep-when-told", &["10", "1"]);
    daemon.wait_for(1);
    let interval = counted(&daemon, &mut running);
    assert_eq!(interval.groups.len(), 3 + 1);
    let others = interval.groups.iter().find(|group| group.thread.as_deref() == Some("(others)")).unwrap();
    assert_eq!((others.threads, interval.lost[Loss::ThreadsInOthers]), (8, 8));
    running.finish();
}
