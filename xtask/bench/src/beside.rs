//! Programs that run beside a load and have their own BPF programs attached meanwhile.

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

/// bpftrace compiles its script first; a machine that is busy building takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(5);

/// By what one sees that a program is attached.
#[derive(Clone, Copy)]
pub(super) enum Ready {
    /// So many BPF links.
    Links(usize),
    /// So many performance events, to which older interfaces attach programs.
    PerfEvents(usize),
    /// A line on standard output: by a program that it runs once it is attached.
    Line,
}

/// A running program; it ends with this value.
pub(super) struct Beside {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Beside {
    /// Starts it and waits until it is ready. Its standard input stays open as long as it runs, its standard output
    /// goes to a file, and its standard error to another one beside that.
    pub(super) fn start(command: &mut Command, ready: Ready, output: &Path) -> Result<Self> {
        process::let_children_be_interrupted()?;
        let stderr = output.with_extension("stderr");
        command.stdin(Stdio::piped()).stdout(process::create(output)?).stderr(process::create(&stderr)?);
        let child = command.spawn().with_context(|| cannot_start(command))?;
        let mut beside = Self { child, stdout: output.to_owned(), stderr };
        beside.wait_until(ready)?;
        Ok(beside)
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

    /// Ends it as a person would; its CPU time from its start to its end.
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

impl Drop for Beside {
    /// One that has ended needs none of this.
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
        env::temp_dir().join(format!("xtask-beside-{name}-{}.txt", std::process::id()))
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
            Beside::start(&mut command, Ready::Links(1), &output).err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some("it ended at once (exit status: 2): no rights"));
        remove(&output);
    }

    #[test]
    fn a_program_ends_with_its_value() {
        let output = output("value");
        let beside = Beside::start(Command::new("cat").arg("-"), Ready::Links(0), &output).unwrap();
        let folder = format!("/proc/{}", beside.id());
        assert!(fs::metadata(&folder).is_ok());
        drop(beside);
        assert!(fs::metadata(&folder).is_err());
        remove(&output);
    }

    #[test]
    fn what_a_program_prints_as_it_is_interrupted_is_kept() {
        let output = output("kept");
        let mut command = Command::new("sh");
        command.args(["-c", "trap 'echo sum; exit' INT; echo ready; read line"]);
        let beside = Beside::start(&mut command, Ready::Line, &output).unwrap();
        assert_eq!(fs::read_to_string(&output).unwrap(), "ready\n");
        beside.end().unwrap();
        assert_eq!(fs::read_to_string(&output).unwrap(), "ready\nsum\n");
        remove(&output);
    }

    #[test]
    fn a_program_is_interrupted_also_where_the_caller_ignores_it() {
        // As in the background of a script; the test above hangs where the program inherits that.
        const IN_THE_BACKGROUND: &str = "trap '' INT; exec \"$@\"";
        // Outside: it handles the signal, so that what it starts would not ignore it.
        let mut again = Command::new("timeout");
        again
            .args(["-s", "KILL", "60", "sh", "-c", IN_THE_BACKGROUND, "sh"])
            .arg(env::current_exe().unwrap());
        again.args(["--exact", "beside::tests::what_a_program_prints_as_it_is_interrupted_is_kept"]);
        let again = again.output().unwrap();
        assert!(again.status.success(), "{again:?}");
        assert!(String::from_utf8_lossy(&again.stdout).contains("1 passed"), "{again:?}");
    }
}
