//! State that a caller gives across exec: the command finds exactly that, and the profiler is neither hindered nor
//! ended by it.

use crate::support::{Outcome, Scene, command, ready_pid, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::file;
use nix::sys::signal::Signal;
use profiler::report;
use std::fs;
use std::process::Command;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        the_command_finds_what_the_caller_gave,
        the_callers_timers_are_the_commands,
        the_signal_at_the_parents_death_is_the_commands,
        a_timer_of_the_caller_ends_the_command_and_not_the_profiler,
        signals_for_the_command_are_passed_on,
        a_limit_on_files_hinders_no_profile,
        a_limit_on_memory_hinders_no_recording,
        without_that_right_the_profile_is_kept_in_pieces,
        a_report_that_nobody_can_see_is_no_success,
    ]
}

/// The lines that all callers begin with.
const CALLER: &str = "import os, resource, signal, sys\n";

/// A program that a caller starts in its own place, after this preparation in Python.
fn by_a_caller(preparation: &str, scene: &Scene, program: &Command) -> Command {
    let mut caller = scene.program("python3".as_ref());
    caller.arg("-c").arg(format!("{CALLER}{preparation}\nos.execvp(sys.argv[1], sys.argv[1:])"));
    caller.arg(program.get_program()).args(program.get_args());
    caller
}

/// Runs a command under a profiler that a caller started.
fn run_by(preparation: &str, scene: &Scene, words: &[&str]) -> Outcome {
    let mut profiler = by_a_caller(preparation, scene, &scene.run_command(&command(words)));
    Outcome::of(profiler.output().expect("python3 starts"), &scene.file())
}

/// Writes down which standard descriptors are open, which signals are blocked and ignored, and all limits.
const SHOW: &str = "for n in 0 1 2; do [ -e /proc/$$/fd/$n ] && open=$open$n; done; { echo open: $open; \
    grep -hE '^Sig(Blk|Ign)|^Max' /proc/self/status /proc/self/limits; } > shown";

fn the_command_finds_what_the_caller_gave() {
    let callers = [
        // Python itself ignores SIGPIPE and SIGXFSZ.
        "for s in signal.SIGCHLD, signal.SIGUSR1, signal.SIGTERM, 36: signal.signal(s, signal.SIG_IGN)",
        "for s in signal.SIGPIPE, signal.SIGXFSZ: signal.signal(s, signal.SIG_DFL)",
        "signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGINT, signal.SIGCHLD, 37])",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (20, 2000))",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (12, 2000))",
        "resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 1 << 30))\n\
         resource.setrlimit(resource.RLIMIT_CPU, (1000, 2000))\n\
         resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, 1 << 31))",
        "os.close(0); os.close(1)",
    ];
    for caller in callers {
        let scene = Scene::new();
        let shown = scene.folder().join("shown");
        let mut alone = scene.program("sh".as_ref());
        alone.args(["-c", SHOW]);
        assert!(by_a_caller(caller, &scene, &alone).status().expect("python3 starts").success());
        let expected = fs::read_to_string(&shown).unwrap();
        fs::remove_file(&shown).unwrap();
        run_by(caller, &scene, &["sh", "-c", SHOW]).assert_complete();
        assert_eq!(fs::read_to_string(&shown).unwrap(), expected, "{caller}");
    }
}

fn the_callers_timers_are_the_commands() {
    const SET: &str = "for t, left in (signal.ITIMER_REAL, 50), (signal.ITIMER_VIRTUAL, 60), (signal.ITIMER_PROF, 70): \
        signal.setitimer(t, left, 7.5)";
    // Uses up more than a tick or two first: each setting of a timer of CPU time adds one (kernel/time/itimer.c
    // `set_cpu_itimer`), so that it could still show more than was set.
    const GET: &str = "import signal\n\
        sum(range(10_000_000))\n\
        for t in signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF: print(*signal.getitimer(t))";
    let outcome = run_by(SET, &Scene::new(), &["python3", "-c", GET]);
    outcome.assert_complete();
    let timers: Vec<Vec<f64>> = outcome
        .stdout
        .lines()
        .map(|line| line.split(' ').map(|seconds| seconds.parse().expect("a number")).collect())
        .collect();
    assert_eq!(timers.len(), 3, "{}", outcome.stdout);
    for (timer, given) in timers.iter().zip([50.0, 60.0, 70.0]) {
        // The most time until the command asks, on a machine that does much else.
        assert!(timer[0] > given - 40.0 && timer[0] <= given, "{timers:?}");
        assert_eq!(timer[1], 7.5);
    }
}

fn the_signal_at_the_parents_death_is_the_commands() {
    // prctl(2): PR_SET_PDEATHSIG (1) and PR_GET_PDEATHSIG (2), of SIGUSR2 (12).
    const SET: &str = "import ctypes; ctypes.CDLL(None).prctl(1, 12)";
    const GET: &str = "import ctypes; signal = ctypes.c_int(); ctypes.CDLL(None).prctl(2, ctypes.byref(signal)); \
        print(signal.value)";
    let outcome = run_by(SET, &Scene::new(), &["python3", "-c", GET]);
    outcome.assert_complete();
    assert_eq!(outcome.stdout, "12\n");
}

fn a_timer_of_the_caller_ends_the_command_and_not_the_profiler() {
    let outcome = run_by("signal.setitimer(signal.ITIMER_REAL, 1.5)", &Scene::new(), &["sleep", "60"]);
    assert_eq!(outcome.code, 128 + Signal::SIGALRM as i32, "{}", outcome.stderr);
    assert_eq!(outcome.profile().run.signal, Some(Signal::SIGALRM as i32));
    // The timer stands still while the probes are set; until it is taken over it goes on, on a slow machine for long.
    assert!(outcome.profile().run.wall_ns.0 >= 700_000_000, "{}", outcome.profile().run.wall_ns.0);
    outcome.assert_proven();
}

fn signals_for_the_command_are_passed_on() {
    let passed_on = [
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGALRM,
        Signal::SIGVTALRM,
        Signal::SIGPROF,
        Signal::SIGXCPU,
        Signal::SIGIO,
        Signal::SIGPWR,
        Signal::SIGSTKFLT,
        Signal::SIGABRT,
        Signal::SIGTRAP,
        Signal::SIGSYS,
        Signal::SIGFPE,
        Signal::SIGILL,
        Signal::SIGSEGV,
        Signal::SIGBUS,
        Signal::SIGWINCH,
    ]
    .map(|signal| signal as i32);
    /// Two for real-time use, which come with a value.
    const REAL_TIME: [i32; 2] = [34, 64];
    const VALUE: i32 = 7;
    let scene = Scene::new();
    let signals =
        passed_on.map(|signal| (signal, 0)).into_iter().chain(REAL_TIME.map(|signal| (signal, VALUE)));
    let mut signals: Vec<(i32, i32)> = signals.collect();
    let started = scene.start(&target("take", &[&signals.len().to_string()]));
    ready_pid(&started.line);
    for (signal, value) in &signals {
        let mut kill = Command::new("kill");
        if *value != 0 {
            kill.args(["-q", &value.to_string()]);
        }
        kill.args(["-s", &signal.to_string()]).arg(started.pid().to_string());
        assert!(kill.status().expect("kill starts (package procps)").success());
    }
    let outcome = started.finish();
    outcome.assert_complete();
    let mut took: Vec<(i32, i32)> = serde_json::from_value(outcome.told()["took"].clone()).unwrap();
    took.sort_unstable();
    signals.sort_unstable();
    assert_eq!(took, signals);
}

/// The smallest that a shell can set with `ulimit -f 1`.
const SMALLEST: &str = "resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024))";

/// Whoever has CAP_SYS_RESOURCE lifts the limit and gives it back to the command.
fn a_limit_on_files_hinders_no_profile() {
    let scene = Scene::new();
    let scene = scene.environment("TMPDIR", ".");
    let outcome = run_by(SMALLEST, &scene, &["sh", "-c", "ulimit -f; ulimit -Hf"]);
    // In blocks of 512 bytes.
    assert_eq!(outcome.stdout, "2\n2\n");
    if may_lift_limits() {
        outcome.assert_complete();
        assert!(fs::metadata(scene.file()).unwrap().len() > 1024);
    } else {
        assert_in_pieces(&scene, outcome.code, &outcome.stderr);
    }
}

/// The maps of a recording are mapped as a whole: they take more than the caller allows.
fn a_limit_on_memory_hinders_no_recording() {
    const LEAST: &str = "resource.setrlimit(resource.RLIMIT_AS, (200 << 20, 200 << 20))";
    let scene = Scene::new();
    let words = [
        "run",
        "--histogram-memory",
        "512MiB",
        "-o",
        "profile.json",
        "--",
        "sh",
        "-c",
        "ulimit -v; ulimit -Hv",
    ];
    let mut profiler = scene.profiler();
    profiler.args(words);
    let output = by_a_caller(LEAST, &scene, &profiler).output().expect("python3 starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    if may_lift_limits() {
        assert_eq!(String::from_utf8_lossy(&output.stdout), "204800\n204800\n", "{stderr}");
        assert!(stderr.contains("complete: 0 lost"), "{stderr}");
    } else {
        assert!(stderr.contains("address space: 200 MiB allowed"), "{stderr}");
    }
}

/// Of this process, and so of its children: CAP_SYS_RESOURCE (24), include/uapi/linux/capability.h.
fn may_lift_limits() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let permitted = status.lines().find_map(|line| line.strip_prefix("CapPrm:")).expect("there is a set");
    u64::from_str_radix(permitted.trim(), 16).expect("it is hexadecimal") >> 24 & 1 == 1
}

fn without_that_right_the_profile_is_kept_in_pieces() {
    let scene = Scene::new().environment("TMPDIR", ".");
    let without = |words: &[&str]| {
        let mut setpriv = scene.program("setpriv".as_ref());
        setpriv.args(["--bounding-set", "-sys_resource"]).arg(scene.profiler().get_program()).args(words);
        by_a_caller(SMALLEST, &scene, &setpriv).output().expect("python3 starts")
    };
    let output = without(&["run", "-o", "profile.json", "--", "true"]);
    assert_in_pieces(&scene, output.status.code().unwrap(), &String::from_utf8_lossy(&output.stderr));
    let output = without(&["run", "-o", "-", "--", "true"]);
    assert!(output.status.success() && output.stdout.len() > 1024, "{output:?}");
}

/// The limit is named, and what the message says puts the profile together.
fn assert_in_pieces(scene: &Scene, code: i32, stderr: &str) {
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("no file may grow beyond 1.0 KiB here (`ulimit -f`)"), "{stderr}");
    assert!(!scene.file().exists());
    let (_, told) = stderr.split_once("in pieces (").expect("it is told");
    let (said, _) = told.split_once(" makes one file of them").expect("it is told how");
    let file = said.rsplit(' ').next().expect("a name");
    assert!(scene.program("sh".as_ref()).args(["-c", said]).status().unwrap().success(), "{said}");
    let profile = file::read(&scene.folder().join(file)).unwrap();
    assert!(report::is_complete(&profile), "{}", report::verdict(&profile));
}

fn a_report_that_nobody_can_see_is_no_success() {
    let scene = Scene::new();
    let outcome = run_by("os.close(2)", &scene, &["sh", "-c", SHOW]);
    assert_eq!(outcome.code, 1);
    outcome.assert_proven();
    let shown = fs::read_to_string(scene.folder().join("shown")).unwrap();
    assert!(shown.starts_with("open: 01\n"), "{shown}");
    // Found before anything runs.
    let profile_to = |path: &str, close: &str| {
        let mut profiler = scene.profiler();
        profiler.args(["run", "-o", path, "--", "touch", "started"]);
        let output = by_a_caller(close, &scene, &profiler).output().expect("python3 starts");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(!scene.folder().join("started").exists());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(profile_to("-", "os.close(1)").contains("standard output is closed"));
    profile_to("/dev/stderr", "os.close(2)");
}
