//! The control socket: who may use it, and what a peer that means harm comes to.

use super::{Daemon, name, prey, selector};
use crate::support::CALLER;
use crate::trial::trials;
use libtest_mimic::Trial;
use profiler::control::protocol::LONGEST_REQUEST;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Output};
use std::time::Duration;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        another_user_is_refused_and_logged,
        a_user_who_is_named_may,
        what_ctl_says_is_for_people_and_for_programs,
        requests_that_make_no_sense_are_refused,
        silent_peers_hold_up_nobody,
    ]
}

/// `profiler ctl` as somebody else.
fn as_caller(daemon: &Daemon, arguments: &[&str]) -> Output {
    let ctl = daemon.ctl();
    let [setpriv, flags @ ..] = become_caller();
    let mut command = Command::new(setpriv);
    command.args(flags).arg(ctl.get_program()).args(ctl.get_args()).args(arguments).output().unwrap()
}

/// The words that change the identity of whoever starts the rest.
pub(super) fn become_caller() -> [&'static str; 5] {
    assert_eq!(CALLER, 65534);
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn another_user_is_refused_and_logged() {
    let name = name("mine");
    let daemon = Daemon::with(&selector(&name));
    let running = prey(&daemon, &name, "sleep-when-told", &["1", "1"]);
    daemon.wait_for(1);
    let attempts: [&[&str]; 5] = [
        &["status"],
        &["snapshot"],
        &["flush"],
        &["detach", "prey"],
        &["attach", "--label", "theirs", "--name", "*"],
    ];
    for arguments in attempts {
        let output = as_caller(&daemon, arguments);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains("may not talk to the daemon"), "{}", said(&output));
        assert!(output.stdout.is_empty());
    }
    assert_eq!(daemon.log().matches("refused at the control socket").count(), attempts.len());
    assert!(daemon.log().contains(&CALLER.to_string()));
    let status = daemon.status();
    assert_eq!((status.intervals, status.watch.selectors.len()), (0, 1));
    assert_eq!(status.watch.selectors[0].processes, 1);
    running.finish();
}

/// Lets the caller use the socket, until [`Daemon::reload`].
pub(super) fn allow_caller(daemon: &Daemon) {
    let path = daemon.scene.folder().join("config.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("[control]\n", "[control]\nusers = [\"nobody\"]\n")).unwrap();
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    daemon.heard();
    daemon.heard();
}

fn a_user_who_is_named_may() {
    let daemon = Daemon::with("");
    assert_eq!(as_caller(&daemon, &["status"]).status.code(), Some(1));
    allow_caller(&daemon);
    let output = as_caller(&daemon, &["status"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

fn what_ctl_says_is_for_people_and_for_programs() {
    let name = name("shown");
    let daemon = Daemon::with("");
    let mut running = prey(&daemon, &name, "sleep-when-told", &["1", "3"]);
    let ctl = |arguments: &[&str]| {
        let output = daemon.ctl().args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let attached = ctl(&["attach", "--label", "shown", "--pid", &running.pid.to_string()]);
    assert_eq!(attached, "1 processes\n");
    running.tell();
    let status = ctl(&["status"]);
    assert!(status.contains("shown") && status.contains("until it is detached"), "{status}");
    let snapshot = ctl(&["snapshot"]);
    assert!(snapshot.contains(&name) && snapshot.contains("runqueue_wait"), "{snapshot}");
    let json: Value = serde_json::from_str(&ctl(&["snapshot", "--json"])).unwrap();
    assert_eq!(json["answer"], "interval");
    assert_eq!(json["groups"][0]["selector"], "shown");
    let again = daemon.ctl().args(["attach", "--label", "shown", "--name", "x"]).output().unwrap();
    assert!(said(&again).contains("there is a selector \"shown\" already"), "{}", said(&again));
    let nobody = daemon.ctl().args(["attach", "--label", "nobody", "--pid", "4194304"]).output().unwrap();
    assert!(!nobody.status.success() && said(&nobody).contains("no process 4194304"), "{}", said(&nobody));
    assert_eq!(ctl(&["detach", "shown"]), "1 processes\n");
    let none = daemon.ctl().args(["detach", "shown"]).output().unwrap();
    assert!(said(&none).contains("there is no selector \"shown\""), "{}", said(&none));
    running.finish();
}

fn connect(daemon: &Daemon) -> UnixStream {
    let stream = UnixStream::connect(daemon.socket()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn requests_that_make_no_sense_are_refused() {
    let daemon = Daemon::with("");
    let too_long = "x".repeat(LONGEST_REQUEST + 1) + "\n";
    let requests = [
        ("nonsense\n", "can't be read"),
        ("{\"request\":\"reboot\"}\n", "can't be read"),
        ("{\"request\":\"detach\"}\n", "can't be read"),
        ("\u{1b}[31m\n", "can't be read"),
        (&too_long, "longer than 64 KiB"),
    ];
    for (request, reason) in requests {
        let mut stream = connect(&daemon);
        // It may be refused before it is read whole.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        assert!(answer.contains("\"refused\"") && answer.contains(reason), "{answer}");
        assert!(!answer.contains('\u{1b}'), "{answer:?}");
    }
    // Several on one connection, the last without an end of line.
    let mut stream = connect(&daemon);
    stream.write_all(b"{\"request\":\"status\"}\n{\"request\":\"status\"}").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("\"answer\":\"status\"").count(), 2, "{answers}");
}

fn silent_peers_hold_up_nobody() {
    let daemon = Daemon::with("");
    // As many as are served at a time, less one.
    let silent: Vec<UnixStream> = (0..15).map(|_| connect(&daemon)).collect();
    let begun = std::time::Instant::now();
    daemon.status();
    assert!(begun.elapsed() < Duration::from_secs(9), "a silent peer was waited for");
    drop(silent);
}
