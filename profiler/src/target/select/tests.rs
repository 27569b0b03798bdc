//! Tests of the choice of processes.

use super::*;
use std::process::{Child, Command, Stdio};

/// A child that has executed its command.
fn sleeper() -> Child {
    let child = Command::new("sleep").arg("10").stdout(Stdio::null()).spawn().unwrap();
    let line = || fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    while line() != b"sleep\x0010\0" {
        std::thread::yield_now();
    }
    child
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn refused(pid: u32) -> String {
    choose(&Selector::Pids(vec![pid])).unwrap_err().to_string()
}

#[test]
fn a_process_is_chosen_once_however_often_it_is_named() {
    let child = sleeper();
    let chosen = choose(&Selector::Pids(vec![child.id(), child.id()])).unwrap();
    assert_eq!(chosen.len(), 1);
    assert_eq!((chosen[0].pid, chosen[0].command.join(" ")), (child.id(), "sleep 10".to_owned()));
    assert!(chosen[0].lives() && chosen[0].peak_resident().is_some());
    end(child);
    assert!(!chosen[0].lives() && chosen[0].peak_resident().is_none());
}

#[test]
fn a_name_chooses_by_pattern() {
    let child = sleeper();
    let chosen = choose(&Selector::Name(Pattern::new("slee?").unwrap())).unwrap();
    assert!(chosen.iter().any(|process| process.pid == child.id()));
    assert!(chosen.iter().all(|process| process.name == "sleep"));
    end(child);
    let none = choose(&Selector::Name(Pattern::new("no-such-name-*").unwrap())).unwrap_err().to_string();
    assert!(none.contains("no-such-name-*") && none.contains("--pid"), "{none}");
}

#[test]
fn names_that_are_no_utf_8_stay_two_and_hide_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let started = [&b"n\xe8m)e"[..], b"n\xe9m)e"].map(|name| {
        let link = folder.path().join(OsStr::from_bytes(name));
        std::os::unix::fs::symlink("/bin/sleep", &link).unwrap();
        let child = Command::new(&link).arg("10").spawn().unwrap();
        let own_name = [name, b"\n"].concat();
        while fs::read(format!("/proc/{}/comm", child.id())).unwrap() != own_name {
            std::thread::yield_now();
        }
        child
    });
    let names = started.each_ref().map(|child| numbered(child.id()).unwrap().name);
    let also = started.each_ref().map(|child| name(child.id()).unwrap());
    let peaks = started.each_ref().map(|child| numbered(child.id()).unwrap().peak_resident());
    let all_seen =
        started.iter().all(|child| super::super::tree::descendants(process::id()).contains(&child.id()));
    started.into_iter().for_each(end);
    assert_eq!(names, [r"n\xe8m)e", r"n\xe9m)e"]);
    assert_eq!(also, names);
    assert!(peaks.iter().all(Option::is_some) && all_seen);
}

#[test]
fn numbers_that_name_no_process_say_what_they_are() {
    assert!(refused(process::id()).contains("profiler itself"));
    assert!(refused(4_194_304).contains("no process 4194304"));
    let (tells, told) = std::sync::mpsc::channel();
    let (lets_go, waits) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        tells.send(nix::unistd::gettid().as_raw().cast_unsigned()).unwrap();
        let _let_go = waits.recv();
    });
    let other = told.recv().unwrap();
    assert!(refused(other).contains(&format!("--pid {}", process::id())), "{}", refused(other));
    drop(lets_go);
    thread.join().unwrap();
}

#[test]
fn a_process_that_nobody_waited_for_has_ended() {
    let mut child = Command::new("true").spawn().unwrap();
    while stat(child.id()).is_some_and(|stat| !has_ended(&stat)) {
        std::thread::yield_now();
    }
    let said = refused(child.id());
    assert!(said.contains("has ended already"), "{said}");
    child.wait().unwrap();
}

#[test]
fn command_lines_end_with_their_last_word() {
    assert_eq!(arguments(b"sh\0-c\0a b\0"), ["sh", "-c", "a b"]);
    assert_eq!(arguments(b"sh\0\0x\0"), ["sh", "", "x"]);
    assert_eq!(arguments(b"nginx: worker process  \0\0\0"), ["nginx: worker process"]);
    assert_eq!(arguments(b"caf\xe9\0\xff\0"), ["caf\\xe9", "\\xff"]);
    assert!(arguments(b"").is_empty() && arguments(b"\0\0").is_empty());
}
