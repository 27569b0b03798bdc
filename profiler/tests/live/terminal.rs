//! Keys typed at a terminal, and a terminal that hangs up.

use crate::attach::Running;
use crate::disturbance::undisturbed;
use crate::support::{
    Outcome, Scene, Started, command, eventually, held_child, is_alive, is_held, is_workload, target,
};
use crate::trial::trials;
use libtest_mimic::Trial;
use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::Signal;
use profiler::target::tree;
use rustix::termios;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        here:
        ctrl_c_reaches_the_command_once,
        ctrl_c_is_passed_on_to_a_command_in_a_session_of_its_own,
        ctrl_c_twice_ends_a_command_that_ignores_it,
        ctrl_c_before_the_command_started_leaves_nothing,
        ctrl_c_stops_a_comparison,
        a_hang_up_is_passed_on,
        nothing_of_a_strangers_name_is_obeyed,
    ]
}

/// A terminal of which the profiler leads the session. Dropping it hangs up.
pub(crate) struct Terminal {
    keyboard: File,
    screen: File,
}

impl Terminal {
    fn open() -> Self {
        Self::with(None)
    }

    /// One with so many lines and columns.
    pub(crate) fn of_size(lines: u16, columns: u16) -> Self {
        Self::with(Some(Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }))
    }

    fn with(size: Option<Winsize>) -> Self {
        let pty = openpty(size.as_ref(), None).expect("there are terminals");
        for end in [&pty.master, &pty.slave] {
            // The profiler's standard input is a copy: it must not hold the keyboard's end itself.
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).expect("it can be kept from children");
        }
        Self { keyboard: pty.master.into(), screen: pty.slave.into() }
    }

    /// The same command line, started in the terminal's foreground.
    pub(crate) fn start(&self, profiler: &Command) -> Command {
        let mut setsid = Command::new("setsid");
        setsid.arg("--ctty").arg(profiler.get_program()).args(profiler.get_args());
        for (name, value) in profiler.get_envs() {
            match value {
                Some(value) => setsid.env(name, value),
                None => setsid.env_remove(name),
            };
        }
        setsid.current_dir(profiler.get_current_dir().expect("it is set"));
        setsid.stdin(self.screen.try_clone().expect("it can be duplicated"));
        setsid
    }

    fn type_ctrl_c(&mut self) {
        self.type_text("\x03");
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("it can be typed");
    }

    /// The end that programs have.
    pub(crate) fn screen(&self) -> File {
        self.screen.try_clone().expect("it can be duplicated")
    }

    /// The output of programs; reading does not wait for it.
    pub(crate) fn output(&self) -> File {
        fcntl(&self.keyboard, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("it need not block");
        self.keyboard.try_clone().expect("it can be duplicated")
    }

    /// Makes it as large.
    pub(crate) fn resize(&self, lines: u16, columns: u16) {
        let size = termios::Winsize { ws_row: lines, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        termios::tcsetwinsize(&self.keyboard, size).expect("it can be resized");
    }
}

/// So that a command which a signal does not reach ends all the same.
fn limited() -> Scene {
    Scene::new().flags(&["--duration", "20s"])
}

fn run(terminal: &Terminal, scene: &Scene, line: &[String]) -> Started {
    Started::of(terminal.start(&scene.run_command(line)), scene)
}

/// Codes that a report may hold: they change the looks of letters.
const COLOURS: [&str; 7] = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m"];

fn ctrl_c_reaches_the_command_once() {
    let mut terminal = Terminal::open();
    let scene = limited();
    let number = (Signal::SIGINT as i32).to_string();
    let run = run(&terminal, &scene, &target("count", &[&number, "500"]));
    terminal.type_ctrl_c();
    let outcome = run.finish();
    outcome.assert_complete();
    assert_eq!(outcome.told()["count"], 1);
}

fn ctrl_c_is_passed_on_to_a_command_in_a_session_of_its_own() {
    let mut terminal = Terminal::open();
    let scene = limited();
    let number = (Signal::SIGINT as i32).to_string();
    let apart = [command(&["setsid"]), target("count", &[&number, "500"])].concat();
    let run = run(&terminal, &scene, &apart);
    terminal.type_ctrl_c();
    let outcome = run.finish();
    outcome.assert_complete();
    assert_eq!(outcome.told()["count"], 1);
}

fn ctrl_c_twice_ends_a_command_that_ignores_it() {
    let mut terminal = Terminal::open();
    let scene = Scene::new();
    let run = run(&terminal, &scene, &target("ignore-all", &[]));
    terminal.type_ctrl_c();
    // Two at once are one to the kernel.
    std::thread::sleep(std::time::Duration::from_millis(300));
    terminal.type_ctrl_c();
    let outcome = run.finish();
    assert_eq!(outcome.code, 128 + Signal::SIGKILL as i32, "{}", outcome.stderr);
    outcome.assert_proven();
}

fn ctrl_c_before_the_command_started_leaves_nothing() {
    undisturbed(|| {
        let mut terminal = Terminal::open();
        let scene = Scene::new();
        let run = Started::spawn(terminal.start(&scene.run_command(&command(&["touch", "started"]))), &scene);
        let held = eventually("a child is held", || held_child(run.pid()));
        terminal.type_ctrl_c();
        let outcome = run.finish();
        if scene.folder().join("started").exists() {
            return Err("the command was started already".to_owned());
        }
        assert_eq!(outcome.code, 128 + Signal::SIGINT as i32, "{}", outcome.stderr);
        assert!(outcome.stderr.contains("interrupted before the command started"), "{}", outcome.stderr);
        assert!(!is_alive(held) && !outcome.has_profile());
        Ok(())
    });
}

/// The held workload is in the foreground too.
fn ctrl_c_stops_a_comparison() {
    let mut terminal = Terminal::open();
    let scene = Scene::new();
    let mut profiler = scene.profiler();
    profiler.args(["run", "--tasks", "200", "--fetch", "300s", "--out", "profiles"]);
    let run = Started::spawn(terminal.start(&profiler), &scene);
    let (running, held) = eventually("one workload runs and one is held", || {
        let children = tree::descendants(run.pid());
        let held = children.iter().copied().find(|&child| is_held(child));
        children.iter().copied().find(|&child| is_workload(child)).zip(held)
    });
    terminal.type_ctrl_c();
    let outcome: Outcome = run.finish();
    assert_eq!(outcome.code, 128 + Signal::SIGINT as i32, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("complete: 0 lost"), "the report: {}", outcome.stderr);
    assert!(outcome.stderr.contains("stopped by SIGINT: 1 of 2 workloads"), "{}", outcome.stderr);
    assert!(![running, held].into_iter().any(is_alive));
}

fn a_hang_up_is_passed_on() {
    let terminal = Terminal::open();
    let scene = limited();
    let run = run(&terminal, &scene, &command(&["sh", "-c", "echo ready; exec sleep 300"]));
    drop(terminal);
    let outcome = run.finish();
    assert_eq!(outcome.code, 128 + Signal::SIGHUP as i32, "{}", outcome.stderr);
    outcome.assert_proven();
}

/// The bytes that a command writes to a terminal, to the last one; the rest of the test goes on meanwhile.
fn written(profiler: &Command, mut meanwhile: impl FnMut()) -> String {
    let terminal = Terminal::of_size(24, 80);
    let mut command = terminal.start(profiler);
    command.stdout(Stdio::from(terminal.screen())).stderr(Stdio::from(terminal.screen()));
    let mut child = command.spawn().expect("the profiler starts");
    let (mut output, mut written) = (terminal.output(), Vec::new());
    loop {
        let has_ended = child.try_wait().expect("it can be waited for").is_some();
        let before = written.len();
        // It ends with an error: nothing there.
        let _nothing_there = output.read_to_end(&mut written);
        if has_ended && written.len() == before {
            return String::from_utf8(written).expect("it is text");
        }
        meanwhile();
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn nothing_of_a_strangers_name_is_obeyed() {
    let scene = Scene::new().environment("TERM", "xterm-256color");
    let name = "\x1b]0;x\x07\x1b[8m";
    let mut running = Running::asleep("named", &[name]);
    let pid = running.pid().to_string();
    let mut attach = scene.profiler();
    attach.args(["attach", "--pid", &pid, "--duration", "100ms"]);
    let mut texts = vec![written(&attach, || running.go())];
    let files =
        std::fs::read_dir(scene.folder()).expect("it is there").map(|entry| entry.unwrap().file_name());
    let files: Vec<String> = files.map(|name| name.into_string().expect("it is text")).collect();
    let [file] = files.as_slice() else { panic!("one file in {files:?}: {texts:?}") };
    assert!(!file.contains(char::is_control), "{file:?}");
    for arguments in [vec!["report", file], vec!["export", file, "--format", "csv"], vec!["report", name]] {
        let mut command = scene.profiler();
        command.args(arguments);
        texts.push(written(&command, || ()));
    }
    let mut usage = scene.profiler();
    usage.arg(name);
    texts.push(written(&usage, || ()));
    for text in texts {
        assert!(text.contains("]0;x"), "the name is shown: {text:?}");
        let rest = COLOURS.iter().fold(text.replace("\r\n", ""), |text, code| text.replace(code, ""));
        assert!(!rest.contains(|character: char| character.is_control() && character != '\t'), "{rest:?}");
    }
    running.finish();
}
