//! Standard streams: read, full, closed, or read by nobody any more.

use super::{PROFILE, PROFILER, fails, profiler};
use std::fs::File;
use std::process::{Command, Output};

/// Commands that read a profile, given its name.
fn readers(name: &str) -> [Vec<&str>; 3] {
    [
        vec!["report", name],
        vec!["export", name, "--format", "csv"],
        vec!["plot", name, "--kind", "ccdf", "--metric", "blocked"],
    ]
}

#[test]
fn a_profile_is_read_from_standard_input() {
    for (named, piped) in readers(PROFILE).iter().zip(readers("-")) {
        let read = Command::new(PROFILER).args(piped).stdin(File::open(PROFILE).unwrap()).output().unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        assert!(read.stdout == profiler(named).stdout, "{named:?}");
    }
    fails(&["report", "-", PROFILE, "-"], 1, &["- is standard input", "once"]);
}

#[test]
fn whoever_reads_no_further_hears_nothing_of_it() {
    for arguments in printing() {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(PROFILER).args(&arguments).stdout(writer).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), message.as_str()), (Some(128 + 13), ""), "{arguments:?}");
    }
}

/// Every command that prints, and what clap prints. (`ctl` needs a daemon, and `doctor` finds fault with most machines
/// that tests run on.)
fn printing() -> Vec<Vec<&'static str>> {
    let others = [
        vec!["schema"],
        vec!["doctor"],
        vec!["daemon", "--print-config"],
        vec!["--help"],
        vec!["run", "--help"],
        vec!["--version"],
    ];
    readers(PROFILE).into_iter().chain(others).collect()
}

/// Runs it with streams that a shell redirects.
fn redirected(arguments: &[&str], redirection: &str) -> Output {
    let script = format!("exec \"$0\" \"$@\" {redirection}");
    Command::new("sh").args(["-c", &script, PROFILER]).args(arguments).output().unwrap()
}

#[test]
fn output_that_is_lost_is_no_success() {
    for (redirection, words) in [(">&-", "standard output is closed"), (">/dev/full", "No space left")] {
        for arguments in printing() {
            let output = redirected(&arguments, redirection);
            let message = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{arguments:?} {redirection}: {message}");
            assert_eq!(message.matches(words).count(), 1, "{arguments:?} {redirection}: {message}");
        }
    }
    let [_, export, mut plot] = readers(PROFILE);
    plot.extend(["--format", "svg"]);
    for (mut arguments, place) in [(export, "-"), (plot, "/dev/stdout")] {
        arguments.extend(["--output", place]);
        let output = redirected(&arguments, ">&-");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
    }
}

#[test]
fn what_is_not_written_there_needs_no_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    let output = redirected(&["export", PROFILE, "-o", path.to_str().unwrap()], ">&- 2>&-");
    assert!(output.status.success() && path.exists());
    // A usage error has its code, whether or not it can be told.
    assert_eq!(redirected(&["no-such-command"], ">&- 2>&-").status.code(), Some(2));
}

#[test]
fn a_null_device_of_the_callers_takes_the_output() {
    for arguments in printing().iter().filter(|arguments| arguments[0] != "doctor") {
        let output = redirected(arguments, ">/dev/null");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_closed_standard_input_is_no_profile() {
    let output = redirected(&["report", "-"], "<&-");
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("standard input is closed"), "{message}");
}
