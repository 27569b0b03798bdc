//! `profiler top`: what stands on its screen is what the kernel counted, what it saves is proven, and the terminal is
//! given back however it ends.

use crate::attach::Running;
use crate::support::{Outcome, Scene, eventually, required};
use crate::terminal::Terminal;
use crate::trial::trials;
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, tcgetattr};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::num::NonZeroU16;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        the_screen_has_the_kernels_figures;
        here:
        a_saved_profile_is_complete,
        what_cannot_be_saved_whole_is_not_saved,
        the_end_of_the_target_leaves_the_view,
        the_terminal_is_given_back_however_it_ends,
        a_stop_gives_the_terminal_back_meanwhile,
        a_terminal_that_hangs_up_ends_it,
        another_size_is_drawn_at_once,
        capabilities_are_given_up,
    ]
}

/// Lines and columns.
const SIZE: (u16, u16) = (24, 80);

fn size(lines_or_columns: u16) -> NonZeroU16 {
    NonZeroU16::new(lines_or_columns).expect("no terminal is without any")
}

/// A view on a terminal.
pub(crate) struct Top {
    child: Child,
    terminal: Terminal,
    shown: Arc<Mutex<vt100::Parser>>,
    scene: Scene,
}

impl Top {
    /// Returns once the view has something to show.
    fn of(running: &Running, flags: &[&str]) -> Self {
        let pid = running.pid().to_string();
        let own = ["--output", "profile.json", "--pid", &pid];
        let top = Self::start(&[], &[&own, flags].concat());
        top.shows("0 lost");
        top.shows("switches ");
        top
    }

    /// `BEFORE profiler top FLAGS`
    pub(crate) fn start(before: &[&str], flags: &[&str]) -> Self {
        let scene = Scene::new().environment("TERM", "xterm-256color");
        let terminal = Terminal::of_size(SIZE.0, SIZE.1);
        let mut line = match before.split_first() {
            None => scene.profiler(),
            Some((program, rest)) => {
                let mut line = scene.program(program.as_ref());
                line.args(rest).arg(required("PROFILER_BIN"));
                line
            }
        };
        line.args(["top", "--interval", "200ms"]).args(flags);
        let mut command = terminal.start(&line);
        command.stdout(Stdio::from(terminal.screen())).stderr(Stdio::from(terminal.screen()));
        let child = command.spawn().expect("the profiler starts");
        let shown = Arc::new(Mutex::new(vt100::Parser::new(size(SIZE.0), size(SIZE.1), 0)));
        let (mut output, parser) = (terminal.output(), Arc::downgrade(&shown));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It must not keep the terminal open for longer than the test does.
            while let Some(parser) = parser.upgrade() {
                match output.read(&mut bytes) {
                    Ok(length) => parser.lock().unwrap().process(&bytes[..length]),
                    Err(_nothing_there) => std::thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Self { child, terminal, shown, scene }
    }

    fn text(&self) -> String {
        self.shown.lock().unwrap().screen().contents()
    }

    /// Waits until that is on the screen.
    pub(crate) fn shows(&self, part: &str) -> String {
        let mut last = String::new();
        let found = (0..2_000).find_map(|_| {
            last = self.text();
            std::thread::sleep(Duration::from_millis(10));
            last.contains(part).then(|| last.clone())
        });
        found.unwrap_or_else(|| panic!("{part:?} is not on the screen:\n{last}"))
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.terminal.type_text(keys);
    }

    /// Has each of three threads sleep 200 times, and looks for the second of them, by what the kernel counted
    /// `before`.
    pub(crate) fn assert_kernels_figures(&mut self, running: &mut Running, before: &BTreeMap<u32, [u64; 2]>) {
        running.tell();
        self.press("/worker-1\r6");
        let text = self.shows("filter \"worker-1\": 1 shown");
        let line = text.lines().find(|line| line.starts_with("worker-1")).expect("it has a row");
        let tid: u32 = line.split_whitespace().nth(1).and_then(|tid| tid.parse().ok()).expect("a number");
        let after = running.switches();
        let [voluntary, involuntary] = [0, 1].map(|kind| after[&tid][kind] - before[&tid][kind]);
        // A sleep whose timer expires while its thread is preempted is no voluntary switch.
        assert!(voluntary + involuntary >= 200, "{voluntary}, {involuntary}");
        let text = self.shows(&format!("switches {voluntary} vol, {involuntary} invol"));
        assert!(text.contains("0 lost") && text.contains("clock_nanosleep"), "{text}");
        self.press("i");
        self.shows("blocked last interval");
        self.shows("switches 0 vol, 0 invol");
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).expect("the profiler runs");
    }

    fn status(&self) -> String {
        fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs")
    }

    /// True if lines are edited and shown as they are typed, the cursor is there, and so is what was before.
    fn is_given_back(&self) -> bool {
        let flags = tcgetattr(self.terminal.screen()).expect("it is a terminal").local_flags;
        let shown = self.shown.lock().unwrap();
        flags.contains(LocalFlags::ICANON | LocalFlags::ECHO)
            && !shown.screen().alternate_screen()
            && !shown.screen().hide_cursor()
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Outcome {
        let status = eventually("it ends", || self.child.try_wait().expect("it can be waited for"));
        eventually("the terminal is given back", || self.is_given_back().then_some(()));
        let output = std::process::Output { status, stdout: Vec::new(), stderr: self.text().into_bytes() };
        Outcome::of(output, &self.scene.file())
    }
}

fn sleepers() -> Running {
    Running::asleep("sleep-when-told", &["3", "200"])
}

fn the_screen_has_the_kernels_figures() {
    let mut running = sleepers();
    let before = running.switches();
    let mut top = Top::of(&running, &[]);
    top.assert_kernels_figures(&mut running, &before);
    top.press("q");
    assert_eq!(top.end().code, 0);
    running.finish();
}

fn a_saved_profile_is_complete() {
    let mut running = sleepers();
    let before = running.switches();
    let mut top = Top::of(&running, &[]);
    running.tell();
    top.press("s");
    top.shows("end the recording and save it?");
    top.press("n");
    assert!(!top.scene.file().exists());
    running.tell();
    top.press("s");
    top.shows("end the recording and save it?");
    top.press("y");
    let text = top.shows("saved profile.json: complete: 0 lost, 4 threads");
    assert!(text.contains("ENDED"), "{text}");
    let after = running.switches();
    // It is still there to be looked at, and it can be saved once more.
    top.press("sy");
    top.shows("saved profile.json");
    top.press("q");
    let outcome = top.end();
    outcome.assert_complete();
    for thread in &outcome.profile().threads {
        let growth = [0, 1].map(|kind| after[&thread.tid][kind] - before[&thread.tid][kind]);
        assert_eq!([thread.voluntary_switches, thread.involuntary_switches], growth, "{}", thread.name);
    }
    assert!(outcome.profile().run.attached.is_some() && outcome.profile().intervals.is_empty());
    running.finish();
}

fn what_cannot_be_saved_whole_is_not_saved() {
    let mut running = Running::asleep("fork-when-told", &[]);
    let mut top = Top::of(&running, &["--keep", "2"]);
    running.tell();
    top.shows("too many have ended for a profile");
    top.press("s");
    top.shows("raise --keep");
    top.press("y");
    top.press("q");
    let outcome = top.end();
    assert!(outcome.code == 0 && !outcome.has_profile());
    running.finish();
}

fn the_end_of_the_target_leaves_the_view() {
    let running = sleepers();
    let mut top = Top::of(&running, &[]);
    running.finish();
    top.shows("all chosen processes have ended");
    top.press("sy");
    top.shows("saved profile.json: complete: 0 lost, 4 threads");
    top.press("q");
    top.end().assert_complete();
}

fn the_terminal_is_given_back_however_it_ends() {
    let running = sleepers();
    for end in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGHUP] {
        let top = Top::of(&running, &[]);
        assert!(!top.is_given_back());
        top.signal(end);
        assert_eq!(top.end().code, 0, "{end}");
    }
    for keys in ["q", "\x03"] {
        let mut top = Top::of(&running, &[]);
        top.press(keys);
        assert_eq!(top.end().code, 0, "{keys:?}");
    }
    running.finish();
}

fn a_stop_gives_the_terminal_back_meanwhile() {
    let running = sleepers();
    let mut top = Top::of(&running, &[]);
    let is_stopped = |top: &Top| top.status().contains("State:\tT").then_some(());
    top.press("\x1a");
    eventually("it stops", || is_stopped(&top));
    eventually("the terminal is given back", || top.is_given_back().then_some(()));
    top.signal(Signal::SIGCONT);
    eventually("the terminal is taken over again", || (!top.is_given_back()).then_some(()));
    top.shows("worker-0");
    top.signal(Signal::SIGTSTP);
    eventually("it stops", || is_stopped(&top));
    eventually("the terminal is given back", || top.is_given_back().then_some(()));
    top.signal(Signal::SIGCONT);
    eventually("the terminal is taken over again", || (!top.is_given_back()).then_some(()));
    top.shows("worker-0");
    top.press("q");
    assert_eq!(top.end().code, 0);
    running.finish();
}

fn a_terminal_that_hangs_up_ends_it() {
    let running = sleepers();
    let Top { mut child, terminal, .. } = Top::of(&running, &[]);
    drop(terminal);
    let status = eventually("it ends", || child.try_wait().expect("it can be waited for"));
    assert!(status.code().is_some(), "{status}");
    running.finish();
}

fn another_size_is_drawn_at_once() {
    let running = sleepers();
    let mut top = Top::of(&running, &[]);
    for ((lines, columns), said) in [((7, 50), "too small: 50x7"), ((30, 100), "switches/s")] {
        top.shown.lock().unwrap().screen_mut().set_size(size(lines), size(columns));
        top.terminal.resize(lines, columns);
        top.shows(said);
    }
    top.press("q");
    assert_eq!(top.end().code, 0);
    running.finish();
}

fn capabilities_are_given_up() {
    let running = sleepers();
    let mut top = Top::of(&running, &[]);
    crate::privilege::assert_given_up(&top.status());
    top.press("q");
    assert_eq!(top.end().code, 0);
    running.finish();
}
