//! Processes that are found: started later, moved into a control group, or in the middle of a storm of others.

use super::{Daemon, counted, name, named, prey, selector};
use crate::attach::Running;
use crate::attach::choice::{Group, mounted_groups, script, threaded};
use crate::hostile::namespaces::in_a_time_namespace;
use crate::support::{command, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::losses::Loss;
use nix::sys::signal::Signal;
use std::process::{Command, Stdio};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        a_daemon_in_a_time_namespace_finds_what_runs,
        a_process_that_is_started_later_is_counted_exactly,
        what_the_kernel_starts_for_it_belongs_to_it,
        what_it_starts_belongs_to_it_unless_that_is_not_wanted,
        one_is_found_among_thousands_of_execs;
        here:
        one_is_found_by_each_of_its_names,
        one_is_found_that_has_a_thread_in_a_threaded_group,
        a_process_that_moves_into_a_control_group_is_found,
        the_first_selector_that_matches_has_it,
        one_is_found_although_its_exec_was_not_announced,
        one_is_found_that_gets_its_name_without_an_exec,
    ]
}

fn a_process_that_is_started_later_is_counted_exactly() {
    let name = name("later");
    let mut daemon = Daemon::with(&selector(&name));
    let mut running = prey(&daemon, &name, "sleep-when-told", &["3", "20"]);
    daemon.wait_for(1);
    assert_eq!(daemon.status().watch.selectors[0].threads, 4);
    for _ in 0..3 {
        let interval = counted(&daemon, &mut running);
        assert!(interval.lost.is_nothing(), "{:?}", interval.lost);
        for group in &interval.groups {
            assert_eq!((&*group.selector, group.process.as_deref()), ("prey", Some(&*name)));
            let worker = group.thread.as_deref().unwrap().starts_with("worker-");
            // The byte that it is told by, and the sleeps.
            assert!(!worker || group.histograms["on_cpu"].count > 20, "{group:#?}");
        }
        assert_eq!(interval.groups.len(), 4);
    }
    running.finish();
    daemon.wait_for(0);
    assert!(daemon.stop().succeeded);
}

fn what_the_kernel_starts_for_it_belongs_to_it() {
    let name = name("ring");
    let daemon = Daemon::with(&selector(&name));
    let mut running = prey(&daemon, &name, "ring-when-told", &[]);
    daemon.wait_for(1);
    let interval = counted(&daemon, &mut running);
    assert!(interval.lost.is_nothing(), "{:?}", interval.lost);
    let mut names = interval.groups.iter().filter_map(|group| group.thread.as_deref());
    assert!(names.any(|name| name.starts_with("iou-wrk-")), "{interval:#?}");
    running.finish();
}

fn what_it_starts_belongs_to_it_unless_that_is_not_wanted() {
    let name = name("forks");
    for follow in [true, false] {
        let daemon = Daemon::with(&format!("{}follow = {follow}\n", selector(&name)));
        let mut running = prey(&daemon, &name, "fork-when-told", &[]);
        daemon.wait_for(1);
        daemon.flush();
        running.tell();
        let interval = daemon.flush();
        let threads: u64 = interval.groups.iter().map(|group| group.threads).sum();
        // The child and three threads of its own.
        assert_eq!(threads, if follow { 1 + 1 + 3 } else { 1 }, "{interval:#?}");
        assert_eq!(daemon.status().watch.selectors[0].processes, 1);
        running.finish();
    }
}

fn a_process_that_moves_into_a_control_group_is_found() {
    let group = name("profiler-daemon");
    let folder = mounted_groups().join(&group);
    let daemon = Daemon::with(&format!("[[selector]]\nlabel = \"group\"\ncgroup = \"{group}\"\n"));
    let problem = daemon.status().watch.selectors[0].problem.clone();
    assert!(problem.is_some_and(|problem| problem.contains("no control group")));
    let running = prey(&daemon, "moves", "sleep-when-told", &["1", "1"]);
    let group = Group::new(folder);
    group.take(running.pid);
    daemon.wait_for(1);
    assert_eq!(daemon.status().watch.selectors[0].problem, None);
    running.finish();
    daemon.wait_for(0);
}

fn the_first_selector_that_matches_has_it() {
    let name = name("both");
    let second = "[[selector]]\nlabel = \"second\"\nname = \"both-*\"\ngroup_by = []\n";
    let daemon = Daemon::with(&format!("{}{second}", selector(&name)));
    let running = prey(&daemon, &name, "sleep-when-told", &["1", "1"]);
    let other = prey(&daemon, "both-other", "sleep-when-told", &["1", "1"]);
    daemon.wait_for(1);
    crate::support::eventually("the second has the other", || {
        (daemon.status().watch.selectors[1].processes == 1).then_some(())
    });
    running.finish();
    other.finish();
}

/// Executes a program again and again.
fn storm(execs: u32) -> Command {
    let mut shell = Command::new("sh");
    let script = format!("i=0; while [ $i -lt {execs} ]; do /bin/true; i=$((i+1)); done");
    shell.args(["-c", &script]).stdout(Stdio::null());
    shell
}

fn one_is_found_among_thousands_of_execs() {
    let name = name("storm");
    let daemon = Daemon::with(&selector(&name));
    let mut storm = storm(3000).spawn().unwrap();
    let mut running = prey(&daemon, &name, "sleep-when-told", &["2", "5"]);
    daemon.wait_for(1);
    assert!(storm.try_wait().unwrap().is_none(), "it was found while the storm went on");
    counted(&daemon, &mut running);
    // The rest of it would prove nothing more.
    storm.kill().and_then(|()| storm.wait()).unwrap();
    running.finish();
}

fn one_is_found_although_its_exec_was_not_announced() {
    let name = name("missed");
    let daemon = Daemon::with(&selector(&name));
    daemon.signal(Signal::SIGSTOP);
    // More than there is room for.
    assert!(storm(2000).status().unwrap().success());
    let line = named(&daemon, &name, "sleep-when-told", &["1", "1"]);
    let running = Running::of(&line);
    daemon.signal(Signal::SIGCONT);
    daemon.wait_for(1);
    let interval = daemon.flush();
    assert!(interval.lost[Loss::MissedExecs] > 0, "{:?}", interval.lost);
    running.finish();
}

fn one_is_found_that_gets_its_name_without_an_exec() {
    let name = name("renamed");
    let daemon = Daemon::with(&selector(&name));
    let script = "echo ready $$; while read go; do printf %s \"$0\" > /proc/$$/comm; echo done; done";
    let mut running = Running::of(&command(&["sh", "-c", script, &name]));
    running.wait_until_asleep();
    daemon.flush();
    assert_eq!(daemon.status().watch.selectors[0].processes, 0);
    running.tell();
    daemon.wait_for(1);
    let interval = counted(&daemon, &mut running);
    assert_eq!(interval.groups[0].process.as_deref(), Some(&*name));
    running.finish();
    daemon.wait_for(0);
}

fn a_daemon_in_a_time_namespace_finds_what_runs() {
    let name = name("in-time");
    let daemon = Daemon::spawned_by(in_a_time_namespace, "[watch]\ninterval = \"1h\"\n", &selector(&name));
    assert!(daemon.heard().contains("READY=1"), "{}", daemon.log());
    let mut running = prey(&daemon, &name, "sleep-when-told", &["1", "4"]);
    daemon.wait_for(1);
    counted(&daemon, &mut running);
    running.finish();
}

fn one_is_found_by_each_of_its_names() {
    let (long, title) = (name("script-with-a-long-name"), name("shop"));
    let worker = Running::of(&target("named-in-argument-0", &[&format!("{title}: worker 1")]));
    worker.wait_until_asleep();
    let by_name = |name: &str| format!("[[selector]]\nlabel = {name:?}\nname = {name:?}\n");
    let daemon = Daemon::with(&format!("{}{}", by_name(&format!("{title}: worker*")), by_name(&long)));
    daemon.wait_for(1);
    let script = Running::of(&script(daemon.scene.folder(), &long));
    crate::support::eventually("the script is found", || {
        (daemon.status().watch.selectors[1].processes == 1).then_some(())
    });
    worker.finish();
    script.finish();
}

fn one_is_found_that_has_a_thread_in_a_threaded_group() {
    let (running, group, _domain) = threaded(&name("profiler-watched"));
    let path = group.0.to_str().unwrap();
    let daemon = Daemon::with(&format!("[[selector]]\nlabel = \"threads\"\ncgroup = {path:?}\n"));
    daemon.wait_for(1);
    assert!(daemon.log().contains("is threaded: 1 of the 2 threads"), "{}", daemon.log());
    running.finish();
    daemon.wait_for(0);
    drop(group);
}
