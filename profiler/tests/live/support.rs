//! Runs the profiler on a target and reads what it wrote.

use model::metric::Metric;
use model::profile::reconciliation::{Check, Quantity, Rule};
use model::profile::thread::Thread;
use model::profile::{Profile, file};
use profiler::report;
use profiler::target::{hold, tree};
use serde_json::Value;
use std::fs::Permissions;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// An environment variable that `cargo xtask test` sets.
pub(crate) fn required(variable: &str) -> PathBuf {
    std::env::var_os(variable)
        .unwrap_or_else(|| panic!("{variable} is not set; the live tests are run by `cargo xtask test`"))
        .into()
}

/// Waits for a condition that must come true soon, however loaded the machine is.
pub(crate) fn eventually<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    /// A daemon looks for new names every ten seconds, and less often where that takes long.
    const LIMIT: Duration = Duration::from_secs(60);
    let limit = Instant::now() + LIMIT;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < limit, "waited for {LIMIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Memory that a process has for itself alone (`RssAnon`): what it reads of files and of the programs' memory only
/// comes and goes with the use that is made of it.
pub(crate) fn own_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("it has memory");
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kibibytes * 1024
}

/// Waits after a voluntary switch whose wake the kernel did not announce: they are in no histogram.
///
/// On an ordinary machine there are none. Some virtual machines hide an agent of their host from tracing: while
/// that runs on a CPU, no program is called for a wake there, nor for the switch to the next thread.
pub(crate) fn unannounced(thread: &Thread) -> u64 {
    thread.unattributed_wait.map_or(0, |waits| waits.count)
}

/// Asserts that each of so many sleeps of a thread is a wait, and returns how many are. A timer that expires before its
/// thread is off the CPU makes none, which takes a preemption in between.
pub(crate) fn assert_sleeps(thread: &Thread, sleeps: u64) -> u64 {
    assert_sleeps_in(thread, "clock_nanosleep", sleeps)
}

/// The same of sleeps in another system call.
pub(crate) fn assert_sleeps_in(thread: &Thread, syscall: &str, sleeps: u64) -> u64 {
    let waits = blocked_on(thread, syscall) + unannounced(thread);
    let least = sleeps.saturating_sub(thread.involuntary_switches);
    assert!((least..=sleeps).contains(&waits), "{waits} waits of {sleeps}: {thread:#?}");
    waits
}

/// True if a process exists and is not only waiting to be waited for.
pub(crate) fn is_alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X'])))
}

/// `ready PID`, a target's first line.
pub(crate) fn ready_pid(line: &str) -> u32 {
    let pid = line.strip_prefix("ready ").and_then(|pid| pid.parse().ok());
    pid.unwrap_or_else(|| panic!("the target says {line:?}"))
}

/// The first child that holds.
pub(crate) fn held_child(profiler: u32) -> Option<u32> {
    tree::descendants(profiler).into_iter().find(|&child| is_held(child))
}

/// True if a process holds: it has not executed its command.
pub(crate) fn is_held(pid: u32) -> bool {
    arguments(pid).nth(1).is_some_and(|argument| argument == hold::COMMAND)
}

/// True if a process is one of the comparison's, and executes.
pub(crate) fn is_workload(pid: u32) -> bool {
    arguments(pid).next().is_some_and(|program| program.ends_with("-workload"))
}

fn arguments(pid: u32) -> impl Iterator<Item = String> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<String> =
        line.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    words.into_iter()
}

/// The command line of one of this binary's own programs.
pub(crate) fn target(name: &str, arguments: &[&str]) -> Vec<String> {
    let this = std::env::current_exe().expect("this program has a path");
    let this = this.to_str().expect("the path is UTF-8");
    [this, crate::targets::COMMAND, name].iter().chain(arguments).map(|&part| part.to_owned()).collect()
}

/// A command line of another program.
pub(crate) fn command(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|&part| part.to_owned()).collect()
}

/// `nobody` on Debian; the user need not exist.
pub(crate) const CALLER: u32 = 65534;

/// `profiler run` with a folder of its own, in which it is started and writes `profile.json`.
pub(crate) struct Scene {
    folder: Option<TempDir>,
    flags: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        Self { folder: Some(folder), flags: Vec::new(), environment: Vec::new() }
    }

    /// As if [`CALLER`] had called sudo.
    pub(crate) fn under_sudo() -> Self {
        let scene = Self::new();
        std::fs::set_permissions(scene.folder(), Permissions::from_mode(0o755)).expect("the folder is ours");
        let caller = CALLER.to_string();
        scene.environment("SUDO_UID", &caller).environment("SUDO_GID", &caller)
    }

    pub(crate) fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|&flag| flag.to_owned()));
        self
    }

    pub(crate) fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_ref().expect("it is there until the end").path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder().join("profile.json")
    }

    /// The bare profiler, as if nobody had called sudo, standing in the folder.
    pub(crate) fn profiler(&self) -> Command {
        self.program(&required("PROFILER_BIN"))
    }

    /// Another program, as the profiler is started.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder()).stdin(Stdio::null());
        command.env_remove("SUDO_UID").env_remove("SUDO_GID");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// `profiler run FLAGS --output profile.json -- COMMAND`
    pub(crate) fn run_command(&self, target: &[String]) -> Command {
        let mut command = self.profiler();
        command.arg("run").args(&self.flags).arg("--output").arg(self.file()).arg("--").args(target);
        command
    }

    /// `profiler attach CHOICE FLAGS --output profile.json`
    pub(crate) fn attach_command(&self, choice: &[&str]) -> Command {
        self.attach_by(self.profiler(), choice)
    }

    /// The same, by what starts a profiler.
    pub(crate) fn attach_by(&self, mut command: Command, choice: &[&str]) -> Command {
        command.arg("attach").args(choice).args(&self.flags).arg("--force").arg("--output").arg(self.file());
        command
    }

    /// Runs to the end.
    pub(crate) fn run(&self, target: &[String]) -> Outcome {
        let output = self.run_command(target).output().expect("the profiler starts");
        Outcome::of(output, &self.file())
    }

    /// Starts, and returns once the target has written its first line.
    pub(crate) fn start(&self, target: &[String]) -> Started {
        Started::of(self.run_command(target), self)
    }
}

impl Drop for Scene {
    /// The files of a failed test are worth a look.
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            eprintln!("the profile of the failed test is kept in {}", folder.keep().display());
        }
    }
}

/// A profiler that is under way.
pub(crate) struct Started {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// The target's first line.
    pub(crate) line: String,
    file: PathBuf,
}

impl Started {
    /// Starts a profiler in a scene, and returns once the target has written its first line.
    pub(crate) fn of(profiler: Command, scene: &Scene) -> Self {
        let mut started = Self::spawn(profiler, scene);
        started.stdout.read_line(&mut started.line).expect("the target writes");
        started.line = started.line.trim().to_owned();
        started
    }

    /// Starts a profiler in a scene.
    pub(crate) fn spawn(mut profiler: Command, scene: &Scene) -> Self {
        profiler.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = profiler.spawn().expect("the profiler starts");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, stdout, line: String::new(), file: scene.file() }
    }

    /// The profiler's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = i32::try_from(self.child.id()).expect("a pid is small");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal).expect("the profiler runs");
    }

    /// Ends the profiler as nothing can refuse.
    pub(crate) fn abandon(mut self) {
        self.child.kill().expect("the profiler runs");
        self.child.wait().expect("the profiler can be waited for");
    }

    /// Ends the profiler as nothing can refuse. The target's output goes on.
    pub(crate) fn abandon_to_the_target(mut self) -> impl std::io::Read {
        self.child.kill().expect("the profiler runs");
        self.child.wait().expect("the profiler can be waited for");
        self.stdout
    }

    /// Waits for the end. Nothing more is typed, should the target wait for it.
    pub(crate) fn finish(mut self) -> Outcome {
        drop(self.child.stdin.take());
        let mut rest = Vec::new();
        self.stdout.read_to_end(&mut rest).expect("the output can be read");
        let mut output = self.child.wait_with_output().expect("the profiler can be waited for");
        output.stdout = rest;
        Outcome::of(output, &self.file)
    }
}

/// True where the machine is emulated, as in the guests of `cargo xtask vm`, which set the variable. The host stops its
/// CPUs wherever it likes, also between the two clocks that CPU time is compared by, and does not tell: the bounds of
/// that comparison do not hold.
pub(crate) fn is_emulated() -> bool {
    std::env::var_os("PROFILER_EMULATED").is_some()
}

/// The remains of a finished run.
pub(crate) struct Outcome {
    /// The profiler's exit code; a signal that ended it is a failure.
    pub(crate) code: i32,
    /// The target's.
    pub(crate) stdout: String,
    /// The target's and the report.
    pub(crate) stderr: String,
    written: Option<Profile>,
}

impl Outcome {
    pub(crate) fn of(output: Output, file: &Path) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the output is UTF-8");
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        let code = output
            .status
            .code()
            .unwrap_or_else(|| panic!("the profiler ended by {}: {stderr}", output.status));
        assert!(!stderr.contains("panicked"), "{stderr}");
        let mut written = file.exists().then(|| file::read(file).expect("the profile can be read"));
        if is_emulated()
            && let Some(profile) = &mut written
        {
            profile.reconciliation.retain(|check| check.quantity != Quantity::CpuTimeNs);
        }
        Self { code, stdout, stderr, written }
    }

    /// The profile; the run must have come to one.
    pub(crate) fn profile(&self) -> &Profile {
        self.written.as_ref().unwrap_or_else(|| panic!("no profile was written: {}", self.stderr))
    }

    /// True if there is a profile.
    pub(crate) fn has_profile(&self) -> bool {
        self.written.is_some()
    }

    /// The target's own figures: the JSON on its last line.
    pub(crate) fn told(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}; {}", self.stderr))
    }

    /// The threads with this name.
    pub(crate) fn named(&self, name: &str) -> Vec<&Thread> {
        self.profile().threads.iter().filter(|thread| thread.name == name).collect()
    }

    /// The only thread with this name.
    pub(crate) fn only(&self, name: &str) -> &Thread {
        let found = self.named(name);
        let names = || self.profile().threads.iter().map(|thread| &thread.name).collect::<Vec<_>>();
        assert_eq!(found.len(), 1, "threads named {name} among {:?}", names());
        found[0]
    }

    /// Samples of a metric, all threads together.
    pub(crate) fn count(&self, metric: Metric) -> u64 {
        self.profile().threads.iter().map(|thread| thread.count(metric)).sum()
    }

    /// The run ended well, nothing was lost, and every figure agrees with the kernel's or is explained.
    pub(crate) fn assert_complete(&self) -> &Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self.assert_proven()
    }

    /// Nothing was lost, and every figure agrees with the kernel's or is explained.
    pub(crate) fn assert_proven(&self) -> &Self {
        let profile = self.profile();
        assert!(profile.lost.is_nothing(), "{:?}", profile.lost);
        assert_eq!(profile.without_slot, None);
        self.assert_reconciled();
        assert!(report::is_complete(profile), "{}", report::verdict(profile));
        let verdict = report::verdict(profile);
        assert!(verdict.starts_with("complete: 0 lost, "), "{verdict}");
        self
    }

    /// Every figure agrees with the kernel's or is explained.
    pub(crate) fn assert_reconciled(&self) -> &Self {
        let profile = self.profile();
        assert!(!profile.reconciliation.is_empty());
        let defects: Vec<&Check> = profile.reconciliation.iter().filter(|check| !check.holds()).collect();
        assert!(defects.is_empty(), "unexplained: {defects:#?}");
        self
    }

    /// True if a rule is among the explanations.
    pub(crate) fn is_explained_by(&self, rule: Rule) -> bool {
        let explanations =
            self.profile().reconciliation.iter().filter_map(|check| check.explanation.as_ref());
        explanations.flat_map(|explanation| &explanation.rules).any(|&found| found == rule)
    }
}

/// The count and the time of a thread's waits in a system call.
pub(crate) fn blocked_on(thread: &Thread, syscall: &str) -> u64 {
    thread.blocked_on.iter().filter(|entry| entry.syscall == syscall).map(|entry| entry.count).sum()
}
