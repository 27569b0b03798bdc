//! `profiler attach`: processes that run already. What was under way is no sample, what comes after is counted as the
//! kernel counts it, and nothing happens to the processes.

mod again;
pub(crate) mod choice;
mod counts;
mod life;

use crate::support::{Outcome, Scene, eventually, ready_pid, target};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};

pub(crate) fn tests() -> Vec<Trial> {
    [counts::tests(), life::tests(), choice::tests(), again::tests()].into_iter().flatten().collect()
}

/// A process that runs before it is profiled.
pub(crate) struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    pub(crate) pid: u32,
}

impl Running {
    fn start(name: &str, arguments: &[&str]) -> Self {
        Self::of(&target(name, arguments))
    }

    pub(crate) fn of(line: &[String]) -> Self {
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the target starts");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().expect("it is piped"));
        let mut running = Self { child, stdin, stdout: BufReader::new(stdout), pid: 0 };
        running.pid = ready_pid(&running.line());
        running
    }

    /// One whose threads all sleep now.
    pub(crate) fn asleep(name: &str, arguments: &[&str]) -> Self {
        let running = Self::start(name, arguments);
        running.wait_until_asleep();
        running
    }

    /// Its process number.
    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn wait_until_asleep(&self) {
        eventually("all threads sleep", || {
            let sleep = self.states().iter().all(|state| *state == 'S');
            (sleep && self.threads().into_iter().all(|tid| self.has_left_its_cpu(tid))).then_some(())
        });
    }

    /// A thread is shown as asleep before it is switched out, and a host can stop its CPU in between. Of one that still
    /// runs the kernel does not tell the system call (lib/syscall.c `task_current_syscall`).
    fn has_left_its_cpu(&self, tid: u32) -> bool {
        let syscall = fs::read_to_string(format!("/proc/{}/task/{tid}/syscall", self.pid));
        syscall.expect("it runs, and its system call may be seen").trim() != "running"
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the target writes");
        line.trim().to_owned()
    }

    /// Has it do what it does, and waits until it has and sleeps again.
    pub(crate) fn tell(&mut self) {
        self.go();
        assert_eq!(self.line(), "done");
        self.wait_until_asleep();
    }

    pub(crate) fn go(&mut self) {
        self.stdin.as_mut().expect("it is open").write_all(b"go\n").expect("the target reads");
    }

    fn threads(&self) -> Vec<u32> {
        let entries = fs::read_dir(format!("/proc/{}/task", self.pid)).expect("it runs");
        entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect()
    }

    fn states(&self) -> Vec<char> {
        let stat =
            |tid| fs::read_to_string(format!("/proc/{}/task/{tid}/stat", self.pid)).unwrap_or_default();
        self.threads().into_iter().filter_map(|tid| stat(tid).rsplit_once(") ")?.1.chars().next()).collect()
    }

    /// Voluntary and involuntary switches of each thread, by the kernel's count.
    pub(crate) fn switches(&self) -> BTreeMap<u32, [u64; 2]> {
        let of = |tid: u32| {
            let status =
                fs::read_to_string(format!("/proc/{}/task/{tid}/status", self.pid)).expect("it runs");
            ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"].map(|label| {
                let count =
                    status.lines().find_map(|line| line.strip_prefix(label)).expect("the kernel tells");
                count.trim().parse().expect("a number")
            })
        };
        self.threads().into_iter().map(|tid| (tid, of(tid))).collect()
    }

    /// CPU time of a thread.
    fn cpu_ns(&self, tid: u32) -> u64 {
        let path = format!("/proc/{}/task/{tid}/schedstat", self.pid);
        let text = fs::read_to_string(path).expect("it runs");
        text.split_whitespace().next().and_then(|time| time.parse().ok()).expect("the kernel tells")
    }

    /// Has it end by itself.
    pub(crate) fn finish(mut self) {
        drop(self.stdin.take());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("the target writes");
        assert!(self.child.wait().expect("it can be waited for").success(), "{rest}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Of a test that failed; what has ended can't be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A profiler that is attached.
pub(crate) struct Attachment {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
    file: PathBuf,
}

impl Attachment {
    /// Returns once it is attached.
    fn of(scene: &Scene, choice: &[&str]) -> Self {
        Self::by(scene.attach_command(choice), scene)
    }

    /// Returns once what a command starts is attached, in a scene.
    pub(crate) fn by(mut command: Command, scene: &Scene) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the profiler starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut said = String::new();
        stderr.read_line(&mut said).expect("the profiler says that it is attached");
        assert!(said.starts_with("attached to "), "{said}");
        Self { child, stderr, said, file: scene.file() }
    }

    pub(crate) fn to(pid: u32) -> (Self, Scene) {
        let scene = Scene::new();
        (Self::of(&scene, &["--pid", &pid.to_string()]), scene)
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).expect("the profiler runs");
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Outcome {
        self.stderr.read_to_string(&mut self.said).expect("the profiler writes");
        let mut output = self.child.wait_with_output().expect("the profiler can be waited for");
        output.stderr = self.said.into_bytes();
        Outcome::of(output, &self.file)
    }

    /// Ends it as Ctrl-C does.
    pub(crate) fn detach(self) -> Outcome {
        self.signal(Signal::SIGINT);
        self.wait()
    }
}

/// The processes that were chosen.
fn attached_to(outcome: &Outcome) -> Vec<u32> {
    let attached = outcome.profile().run.attached.as_ref().expect("it was attached");
    attached.processes.iter().map(|process| process.pid).collect()
}
