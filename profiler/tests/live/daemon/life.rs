//! Start, reload and stop.

use super::{Daemon, count, counted, name, prey, selector, switches};
use crate::attached::Attached;
use crate::privilege::with_two_capabilities;
use crate::support::{Scene, eventually};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::units::Nanos;
use nix::sys::signal::Signal;
use profiler::control::config::SOCKET;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        the_end_writes_the_last_interval_and_leaves_nothing_in_the_kernel,
        two_capabilities_are_enough_to_watch_other_users_processes;
        here:
        a_reload_adds_and_removes_selectors,
        a_configuration_that_is_not_valid_is_refused_and_the_old_one_goes_on,
        whatever_ends_a_program_ends_it_in_order,
        a_sink_that_fails_is_told_of_and_ends_nothing,
        a_second_daemon_is_refused,
        the_printed_configuration_starts_a_daemon,
        the_service_manager_is_told_how_many_are_watched,
    ]
}

fn a_reload_adds_and_removes_selectors() {
    let (one, two) = (name("one"), name("two"));
    let daemon = Daemon::with(&selector(&one));
    let (mut first, mut second) = (
        prey(&daemon, &one, "sleep-when-told", &["1", "4"]),
        prey(&daemon, &two, "sleep-when-told", &["1", "4"]),
    );
    daemon.wait_for(1);
    daemon.flush();
    first.tell();
    let added = format!("[[selector]]\nlabel = \"other\"\nname = \"{two}\"\n");
    daemon.reload(&format!("{}{added}", selector(&one)));
    let status = daemon.status();
    let processes: Vec<u64> = status.watch.selectors.iter().map(|selector| selector.processes).collect();
    assert_eq!(processes, [1, 1]);
    second.tell();
    daemon.reload(&added);
    // The first one's growth from before it left is not lost.
    let interval = daemon.flush();
    let has = |label: &str| interval.groups.iter().any(|group| group.selector == label);
    assert!(has("prey") && has("other"), "{interval:#?}");
    first.tell();
    assert_eq!(count(&daemon.flush(), "on_cpu"), 0);
    assert_eq!(daemon.status().watch.slots_used, 2);
    first.finish();
    second.finish();
}

fn a_configuration_that_is_not_valid_is_refused_and_the_old_one_goes_on() {
    let name = name("stays");
    let daemon = Daemon::with(&selector(&name));
    let mut running = prey(&daemon, &name, "sleep-when-told", &["1", "4"]);
    daemon.wait_for(1);
    daemon.reload("[[selector]]\nlabel = \"prey\"\nnaem = \"x\"\n");
    assert!(
        daemon.log().contains("naem") && daemon.log().contains("the old one goes on"),
        "{}",
        daemon.log()
    );
    daemon.flush();
    running.tell();
    assert!(count(&daemon.flush(), "on_cpu") > 4);
    running.finish();
}

fn the_end_writes_the_last_interval_and_leaves_nothing_in_the_kernel() {
    let name = name("end");
    let mut daemon = Daemon::with(&selector(&name));
    let mut running = prey(&daemon, &name, "sleep-when-told", &["1", "4"]);
    daemon.wait_for(1);
    daemon.flush();
    let before = switches(&running);
    running.tell();
    let after = switches(&running);
    let in_kernel = Attached::of(daemon.pid());
    let stopped = daemon.stop();
    assert!(stopped.succeeded, "{}", stopped.stderr);
    assert!(daemon.heard().contains("STOPPING=1"));
    assert_eq!(stopped.written.len(), 2);
    assert_eq!(count(&stopped.written[1], "on_cpu"), after - before);
    assert_eq!(stopped.written[0].until, stopped.written[1].from);
    assert!(!daemon.socket().exists());
    in_kernel.assert_gone();
    running.finish();
}

fn whatever_ends_a_program_ends_it_in_order() {
    for signal in [Signal::SIGUSR1, Signal::SIGALRM, Signal::SIGQUIT] {
        let mut daemon = Daemon::with(&selector(&name("nobody")));
        let stopped = daemon.stop_by(signal);
        assert!(stopped.succeeded, "{signal}: {}", stopped.stderr);
        assert!(stopped.stderr.contains(signal.as_str()), "{}", stopped.stderr);
        assert_eq!(stopped.written.len(), 1, "{}", stopped.stderr);
    }
}

fn a_sink_that_fails_is_told_of_and_ends_nothing() {
    let daemon = Daemon::with("");
    let lines = daemon.scene.folder().join("lines");
    symlink("/dev/full", &lines).unwrap();
    (0..3).for_each(|_| drop(daemon.flush()));
    let sink = daemon.status().sinks.remove(0);
    assert!(sink.problem.is_some_and(|problem| problem.contains("lines")), "{}", daemon.log());
    assert_eq!(sink.intervals_lost, 3);
    assert_eq!(daemon.log().matches("does not take intervals").count(), 1, "{}", daemon.log());
    fs::remove_file(&lines).unwrap();
    daemon.flush();
    assert_eq!(daemon.status().sinks[0].problem, None);
    assert_eq!(daemon.written().len(), 1);
}

fn a_second_daemon_is_refused() {
    let daemon = Daemon::with("");
    let mut second = daemon.scene.profiler();
    let output = second.args(["daemon", "--config", "config.toml"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("control.socket") && said.contains("another process listens on it"), "{said}");
    daemon.status();
    eventually("it answers still", || (daemon.status().intervals == 0).then_some(()));
}

fn the_printed_configuration_starts_a_daemon() {
    let mut daemon = Daemon::with("");
    let output = daemon.scene.profiler().args(["daemon", "--print-config"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(daemon.stop().succeeded && daemon.heard().contains("STOPPING=1"));
    // Not the machine's own place.
    assert_eq!(printed.matches(SOCKET).count(), 1, "{printed}");
    let here = printed.replace(SOCKET, daemon.socket().to_str().unwrap());
    fs::write(daemon.scene.folder().join("config.toml"), here).unwrap();
    daemon.start_again();
    let status = daemon.status();
    assert_eq!(status.interval_ns, Nanos(10_000_000_000));
    assert!(status.watch.selectors.is_empty() && status.sinks.is_empty(), "{status:#?}");
}

fn the_service_manager_is_told_how_many_are_watched() {
    let name = name("counted");
    let daemon = Daemon::with(&selector(&name));
    let running = prey(&daemon, &name, "sleep-when-told", &["3", "1"]);
    daemon.wait_for(1);
    daemon.flush();
    let told = || daemon.next_message(|message| message.starts_with("STATUS="));
    assert_eq!(told(), "STATUS=1 processes, 4 threads\n");
    running.finish();
    daemon.wait_for(0);
    daemon.flush();
    assert_eq!(told(), "STATUS=0 processes, 0 threads\n");
}

/// The processes are root's.
fn two_capabilities_are_enough_to_watch_other_users_processes() {
    let name = name("bare");
    let mut allowed = None;
    let by = |scene: &Scene| {
        let (profiler, until_dropped) = with_two_capabilities(scene);
        allowed = Some(until_dropped);
        fs::set_permissions(scene.folder().join("manager"), Permissions::from_mode(0o777)).unwrap();
        profiler
    };
    let mut daemon = Daemon::spawned_by(by, "[watch]\ninterval = \"1h\"\n", &selector(&name));
    assert!(daemon.heard().contains("READY=1"), "{}", daemon.log());
    let mut running = prey(&daemon, &name, "sleep-when-told", &["2", "10"]);
    daemon.wait_for(1);
    let interval = counted(&daemon, &mut running);
    assert!(interval.lost.is_nothing(), "{:?}", interval.lost);
    running.finish();
    let stopped = daemon.stop();
    assert!(stopped.succeeded, "{}", stopped.stderr);
    assert_eq!(stopped.written.len(), 3);
    drop(allowed);
}
