//! `profiler daemon`, `profiler ctl` and `profiler top --daemon`: who is watched, what is written, who may ask, and how
//! it goes on for long.

mod control;
mod found;
mod killed;
mod life;
mod long;
mod outputs;
mod view;

use crate::attach::Running;
use crate::support::{Scene, eventually, required, target};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use profiler::control::client;
use profiler::control::protocol::{Answer, Request, Status};
use profiler::watch::interval::Interval;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub(crate) fn tests() -> Vec<Trial> {
    let tests = [
        found::tests(),
        life::tests(),
        control::tests(),
        view::tests(),
        long::tests(),
        killed::tests(),
        outputs::tests(),
    ];
    tests.into_iter().flatten().collect()
}

/// A daemon with a folder of its own. Its intervals last an hour unless a test has them end.
struct Daemon {
    child: Child,
    scene: Scene,
    manager: UnixDatagram,
}

impl Daemon {
    fn with(selectors: &str) -> Self {
        Self::configured("[watch]\ninterval = \"1h\"\n", selectors)
    }

    fn configured(watch: &str, selectors: &str) -> Self {
        let mut daemon = Self::spawned(watch, selectors);
        assert!(daemon.heard().contains("READY=1"), "{}", daemon.stop().stderr);
        daemon
    }

    fn spawned(watch: &str, selectors: &str) -> Self {
        Self::spawned_by(Scene::profiler, watch, selectors)
    }

    /// By what starts a profiler in a scene.
    fn spawned_by(profiler: impl FnOnce(&Scene) -> Command, watch: &str, selectors: &str) -> Self {
        let scene = Scene::new();
        let mut permissions = fs::metadata(scene.folder()).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
        fs::set_permissions(scene.folder(), permissions).unwrap();
        let socket = scene.folder().join("manager");
        let manager = UnixDatagram::bind(&socket).expect("a socket can be made");
        manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write_config(&scene, watch, selectors);
        let child = launch(profiler(&scene), &scene);
        Self { child, scene, manager }
    }

    /// Kills it as nothing can refuse.
    fn kill(&mut self) {
        self.child.kill().expect("the daemon runs");
        self.child.wait().expect("it can be waited for");
    }

    fn start_again(&mut self) {
        self.child = launch(self.scene.profiler(), &self.scene);
        assert!(self.heard().contains("READY=1"), "{}", self.log());
    }

    /// The next message to the service manager, those that come all the time left out.
    fn heard(&self) -> String {
        self.next_message(|message| !message.starts_with("WATCHDOG=") && !message.starts_with("STATUS="))
    }

    /// The next message to the service manager that is wanted; the others are passed over.
    fn next_message(&self, is_wanted: impl Fn(&str) -> bool) -> String {
        loop {
            let mut message = [0; 4096];
            let length = self.manager.recv(&mut message).expect("the daemon tells the service manager");
            let message = String::from_utf8(message[..length].to_vec()).unwrap();
            if is_wanted(&message) {
                return message;
            }
        }
    }

    fn socket(&self) -> PathBuf {
        self.scene.folder().join("control.sock")
    }

    fn ask(&self, request: &Request) -> Answer {
        // As the service manager does, which reads what it is told: a daemon waits for one that does not.
        self.manager.set_nonblocking(true).unwrap();
        while self.manager.recv(&mut [0; 4096]).is_ok() {}
        self.manager.set_nonblocking(false).unwrap();
        client::ask(&self.socket(), request).unwrap_or_else(|error| panic!("{error:#}\n{}", self.log()))
    }

    fn status(&self) -> Status {
        match self.ask(&Request::Status) {
            Answer::Status(status) => *status,
            other => panic!("{other:?}"),
        }
    }

    /// Ends the interval that is under way.
    fn flush(&self) -> Interval {
        match self.ask(&Request::Flush) {
            Answer::Interval(interval) => *interval,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until the first selector has so many processes.
    fn wait_for(&self, processes: u64) {
        let has = || self.status().watch.selectors[0].processes;
        eventually("the processes have joined", || (has() == processes).then_some(()));
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().try_into().unwrap()), signal).expect("the daemon runs");
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn reload(&self, selectors: &str) {
        write_config(&self.scene, "[watch]\ninterval = \"1h\"\n", selectors);
        self.signal(Signal::SIGHUP);
        let heard = self.heard();
        assert!(heard.contains("RELOADING=1") && heard.contains("MONOTONIC_USEC="), "{heard}");
        assert!(self.heard().contains("READY=1"));
    }

    fn ctl(&self) -> Command {
        let mut command = Command::new(required("PROFILER_BIN"));
        command.args(["ctl", "--socket"]).arg(self.socket());
        command
    }

    fn log(&self) -> String {
        fs::read_to_string(self.scene.folder().join("log")).unwrap()
    }

    /// The intervals that it has written so far.
    fn written(&self) -> Vec<Interval> {
        let text = fs::read_to_string(self.scene.folder().join("lines")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect()
    }

    /// The intervals that a reader finds in the store `store`, by their ends in microseconds since 1970: how many
    /// samples of a metric are in each. None is there twice.
    fn stored(&self, metric: &str) -> BTreeMap<i64, u64> {
        let mut intervals = BTreeMap::new();
        for file in published(&self.scene.folder().join("store")) {
            let reader = SerializedFileReader::new(fs::File::open(file).unwrap()).unwrap();
            for row in reader.get_row_iter(None).unwrap().map(Result::unwrap) {
                let ended = number(&row, "until_at").expect("every row has it");
                match text(&row, "kind").as_deref() {
                    Some("interval") => assert_eq!(intervals.insert(ended, 0), None, "{row}"),
                    Some("bucket") if text(&row, "metric").as_deref() == Some(metric) => {
                        *intervals.get_mut(&ended).unwrap() += number(&row, "count").unwrap() as u64;
                    }
                    _ => {}
                }
            }
        }
        intervals
    }

    /// Ends it as the service manager does.
    fn stop(&mut self) -> Stopped {
        self.stop_by(Signal::SIGTERM)
    }

    fn stop_by(&mut self, signal: Signal) -> Stopped {
        self.signal(signal);
        let status = self.child.wait().expect("it can be waited for");
        Stopped { succeeded: status.success(), stderr: self.log(), written: self.written() }
    }
}

fn launch(mut command: Command, scene: &Scene) -> Child {
    let stderr = fs::File::create(scene.folder().join("log")).unwrap();
    command.args(["daemon", "--config", "config.toml"]).env("NOTIFY_SOCKET", scene.folder().join("manager"));
    command.stdout(Stdio::null()).stderr(stderr).spawn().expect("the daemon starts")
}

/// The files of a store that readers look at: below its folders by date.
fn published(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let is_date = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("date=");
    let hosts = entries(folder).into_iter().filter(is_date).flat_map(|date| entries(&date));
    let files = hosts.flat_map(|host| entries(&host));
    files.filter(|file| file.extension().is_some_and(|extension| extension == "parquet")).collect()
}

fn field<'a>(row: &'a Row, name: &str) -> &'a Field {
    row.get_column_iter()
        .find(|(column, _)| *column == name)
        .map(|(_, field)| field)
        .expect("there is such a column")
}

fn text(row: &Row, name: &str) -> Option<String> {
    match field(row, name) {
        Field::Null => None,
        Field::Str(text) => Some(text.clone()),
        other => panic!("{name}: {other:?}"),
    }
}

fn number(row: &Row, name: &str) -> Option<i64> {
    match field(row, name) {
        Field::Null => None,
        Field::TimestampMicros(time) => Some(*time),
        Field::ULong(number) => Some(i64::try_from(*number).unwrap()),
        other => panic!("{name}: {other:?}"),
    }
}

/// The remains of a daemon.
struct Stopped {
    succeeded: bool,
    stderr: String,
    written: Vec<Interval>,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Of a test that failed; what has ended can't be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("{}", self.log());
        }
    }
}

fn write_config(scene: &Scene, watch: &str, selectors: &str) {
    let folder = scene.folder().display();
    let rest = format!("[control]\nsocket = \"{folder}/control.sock\"\n[lines]\nfile = \"{folder}/lines\"\n");
    fs::write(scene.folder().join("config.toml"), format!("{watch}{rest}{selectors}")).unwrap();
}

/// A selector by name, and a name that no other process has.
fn selector(name: &str) -> String {
    format!("[[selector]]\nlabel = \"prey\"\nname = \"{name}\"\ngroup_by = [\"process\", \"name\"]\n")
}

fn name(kind: &str) -> String {
    format!("{kind}-{}", std::process::id())
}

/// The command line of one of the tests' programs, whose process is to have a name.
fn named(daemon: &Daemon, name: &str, program: &str, arguments: &[&str]) -> Vec<String> {
    let mut line = target(program, arguments);
    let path = daemon.scene.folder().join(name);
    if !path.exists() {
        std::os::unix::fs::symlink(&line[0], &path).expect("a link can be made");
    }
    line[0] = path.to_str().unwrap().to_owned();
    line
}

/// A program with a name that sleeps until it is told.
fn prey(daemon: &Daemon, name: &str, program: &str, arguments: &[&str]) -> Running {
    let running = Running::of(&named(daemon, name, program, arguments));
    running.wait_until_asleep();
    running
}

/// Has a process that is watched do what it does, in an interval of its own. It sleeps at both ends, so that every
/// slice ended in a switch: all of them are in that interval.
fn counted(daemon: &Daemon, running: &mut Running) -> Interval {
    daemon.flush();
    let before = switches(running);
    running.tell();
    let after = switches(running);
    let interval = daemon.flush();
    assert_eq!(count(&interval, "on_cpu"), after - before, "{interval:#?}");
    interval
}

/// Switches of all threads of a process.
fn switches(running: &Running) -> u64 {
    running.switches().values().flatten().sum()
}

/// Samples of a metric, all groups together.
fn count(interval: &Interval, metric: &str) -> u64 {
    interval
        .groups
        .iter()
        .filter_map(|group| group.histograms.get(metric))
        .map(|histogram| histogram.count)
        .sum()
}
