//! `profiler daemon` and `profiler ctl`: what is wrong before there is a daemon, or with what answers in its place.

use super::{fails, file, profiler};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::thread;

#[test]
fn the_printed_configuration_is_the_packaged_one() {
    const PACKAGED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/daemon.toml");
    let output = profiler(&["daemon", "--print-config"]);
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, std::fs::read_to_string(PACKAGED).unwrap(), "write it again from --print-config");
}

#[test]
fn a_daemon_needs_a_configuration_or_prints_one() {
    fails(&["daemon"], 2, &["--config", "--print-config"]);
    fails(&["daemon", "--config", "x.toml", "--print-config"], 2, &["cannot be used"]);
    fails(&["daemon", "--pid", "1"], 2, &["--pid"]);
    fails(&["daemon", "--config", "/nonexistent.toml"], 1, &["/nonexistent.toml", "--print-config"]);
}

#[test]
fn a_configuration_that_is_not_valid_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |text: &str, parts: &[&str]| {
        let path = file(folder.path(), "daemon.toml", text);
        let parts: Vec<&str> = ["daemon.toml", "is not valid"].iter().chain(parts).copied().collect();
        fails(&["daemon", "--config", &path], 1, &parts);
    };
    refused("[watch]\nintervall = \"1s\"\n", &["line 2", "intervall"]);
    refused("[watch\n", &["line 1"]);
    refused("[[selector]]\nlabel = \"a\"\n", &["\"a\"", "pid, name, cgroup and unit"]);
    refused("[metrics]\naddress = \"0.0.0.0:9843\"\n", &["metrics", "token", "certificate", "key"]);
}

#[test]
fn ctl_is_told_what_to_do() {
    fails(&["ctl"], 2, &["status", "attach", "detach", "snapshot", "flush"]);
    fails(&["ctl", "stop"], 2, &["stop"]);
    fails(&["ctl", "detach"], 2, &["LABEL"]);
    fails(&["ctl", "attach"], 2, &["--label", "--pid", "--name", "--cgroup", "--unit"]);
    fails(&["ctl", "attach", "--label", "a", "--pid", "1", "--name", "x"], 2, &["cannot be used"]);
    fails(&["ctl", "attach", "--label", "a", "--name", "[a"], 2, &["--name", "'nginx*'"]);
}

/// Whoever asks where no daemon listens is told how to start one and how to name another place.
fn nobody_is_at(socket: &Path) {
    let shown = socket.to_str().unwrap();
    for command in ["status", "flush"] {
        let parts = [shown, "no daemon runs there", "systemctl start profiler", "--socket"];
        fails(&["ctl", "--socket", shown, command], 1, &parts);
    }
}

#[test]
fn ctl_without_a_daemon_says_how_to_come_to_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    nobody_is_at(&path);
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "it is left behind");
    nobody_is_at(&path);
}

#[test]
fn ctl_says_what_is_wrong_with_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let cases = [
        ("", "ended before it answered"),
        ("{\"answer\":\"of tomorrow\"}\n", "another version"),
        ("{\"answer\":\"refused\",\"reason\":\"not now\"}\n", "not now"),
    ];
    let answers = thread::spawn(move || {
        for (answer, _) in cases {
            let (mut peer, _) = listener.accept().unwrap();
            let mut request = String::new();
            BufReader::new(&peer).read_line(&mut request).unwrap();
            assert_eq!(request, "{\"request\":\"status\"}\n");
            peer.write_all(answer.as_bytes()).unwrap();
        }
    });
    for (_, part) in cases {
        fails(&["ctl", "--json", "--socket", path.to_str().unwrap(), "status"], 1, &[part]);
    }
    answers.join().unwrap();
}
