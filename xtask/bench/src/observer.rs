//! Observers: programs that run concurrently with a load, with BPF programs attached.

use super::process;
use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use xtask::command::cannot_start;

/// Time limit for attaching: bpftrace compiles its script first, slowly on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(5);

/// The sign that a program has attached.
#[derive(Clone, Copy)]
pub(super) enum Ready {
    /// This many BPF links.
    Links(usize),
    /// This many perf events, to which older interfaces attach programs.
    PerfEvents(usize),
    /// A line on standard output, from a program that the observer starts once it has attached.
    Line,
}

/// A running observer, killed on drop.
pub(super) struct Observer {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Observer {
    /// Starts the program and waits until it has attached. Its standard input stays open, standard output goes
    /// to `output`, standard error to a second file in the same folder.
    pub(super) fn start(command: &mut Command, ready: Ready, output: &Path) -> Result<Self> {
        process::let_children_be_interrupted()?;
        let stderr = output.with_extension("stderr");
        command.stdin(Stdio::piped()).stdout(process::create(output)?).stderr(process::create(&stderr)?);
        let child = command.spawn().with_context(|| cannot_start(command))?;
        let mut observer = Self { child, stdout: output.to_owned(), stderr };
        observer.wait_until(ready)?;
        Ok(observer)
    }

    fn wait_until(&mut self, ready: Ready) -> Result<()> {
        let begun = Instant::now();
        while !ready.holds(self.id(), &self.stdout)? {
            if let Some(status) = self.child.try_wait().context("cannot ask for a program's status")? {
                bail!("it ended at once ({status}): {}", process::last_lines(&self.stderr));
            }
            let complaint = || process::last_lines(&self.stderr);
            ensure!(
                begun.elapsed() < PATIENCE,
                "it attached too little within {PATIENCE:?}: {}",
                complaint()
            );
            thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Interrupts the program (SIGINT) and waits for it. Returns its CPU time from start to end.
    pub(super) fn end(mut self) -> Result<Duration> {
        self.interrupt()?;
        let used = process::cpu_time_at_end(self.id())?;
        self.child.wait().context("cannot wait for a program")?;
        Ok(used)
    }

    fn interrupt(&self) -> Result<()> {
        let pid = process::pid(self.id())?;
        kill(pid, Signal::SIGINT).context("cannot interrupt a program")
    }
}

impl Drop for Observer {
    /// Not needed after [`Self::end`].
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

impl Ready {
    fn holds(self, pid: u32, stdout: &Path) -> Result<bool> {
        Ok(match self {
            // kernel/bpf/syscall.c `bpf_link_show_fdinfo`
            Self::Links(links) => {
                let infos = process::descriptors(pid)?;
                infos.iter().filter(|info| process::field(info, "link_type").is_some()).count() >= links
            }
            Self::PerfEvents(events) => {
                let folder = format!("/proc/{pid}/fd");
                let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))?;
                let targets = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
                targets.filter(|target| target.ends_with("anon_inode:[perf_event]")).count() >= events
            }
            Self::Line => {
                let text = fs::read(stdout).with_context(|| format!("cannot read {}", stdout.display()))?;
                text.contains(&b'\n')
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;

    fn output(name: &str) -> PathBuf {
        env::temp_dir().join(format!("xtask-observer-{name}-{}.txt", std::process::id()))
    }

    fn remove(output: &Path) {
        fs::remove_file(output).unwrap();
        fs::remove_file(output.with_extension("stderr")).unwrap();
    }

    #[test]
    fn a_program_that_ends_at_once_is_quoted() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no rights >&2; exit 2"]);
        let output = output("quoted");
        let error =
            Observer::start(&mut command, Ready::Links(1), &output).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("it ended at once (exit status: 2): no rights"));
        remove(&output);
    }

    #[test]
    fn a_program_ends_with_its_value() {
        let output = output("value");
        let observer = Observer::start(Command::new("cat").arg("-"), Ready::Links(0), &output).unwrap();
        let folder = format!("/proc/{}", observer.id());
        assert!(fs::metadata(&folder).is_ok());
        drop(observer);
        assert!(fs::metadata(&folder).is_err());
        remove(&output);
    }

    #[test]
    fn what_a_program_prints_as_it_is_interrupted_is_kept() {
        let output = output("kept");
        let mut command = Command::new("sh");
        command.args(["-c", "trap 'echo sum; exit' INT; echo ready; read line"]);
        let observer = Observer::start(&mut command, Ready::Line, &output).unwrap();
        assert_eq!(fs::read_to_string(&output).unwrap(), "ready\n");
        observer.end().unwrap();
        assert_eq!(fs::read_to_string(&output).unwrap(), "ready\nsum\n");
        remove(&output);
    }

    #[test]
    fn a_program_is_interrupted_also_where_the_caller_ignores_it() {
        // Ignores SIGINT, as for a background job of a script. The test above would hang if the program
        // inherited that.
        const IN_THE_BACKGROUND: &str = "trap '' INT; exec \"$@\"";
        // `timeout` is outermost: it handles the signal, so its child would not inherit that it is ignored.
        let mut again = Command::new("timeout");
        again
            .args(["-s", "KILL", "60", "sh", "-c", IN_THE_BACKGROUND, "sh"])
            .arg(env::current_exe().unwrap());
        again.args(["--exact", "observer::tests::what_a_program_prints_as_it_is_interrupted_is_kept"]);
        let again = again.output().unwrap();
        assert!(again.status.success(), "{again:?}");
        assert!(String::from_utf8_lossy(&again.stdout).contains("1 passed"), "{again:?}");
    }
}
