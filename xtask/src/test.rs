//! Passes all tests: those that need no root as whoever called, the live ones as root.

use crate::consumers::consumers;
use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::Value;
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use xtask::{
    build::build,
    command::Run as _,
    packages::{self, Consent},
    privilege::Privilege,
    workspace::Workspace,
};

/// `cargo xtask test`
#[derive(Args)]
pub(crate) struct TestArgs {
    /// Let the live soak test last this long (10m) [default: a few seconds]
    #[arg(long, value_name = "TIME")]
    soak: Option<OsString>,

    /// Instead of the tests, check every export, figure and metric with programs that others wrote (HdrHistogram, pandas,
    /// DuckDB, LaTeX, poppler, Prometheus …). What is missing of them is installed: Debian's packages on the machine,
    /// Python's below the target folder
    #[arg(long, conflicts_with = "soak")]
    consumers: bool,

    #[command(flatten)]
    consent: Consent,
}

/// The output of the live tests.
const SOAK: &str = "PROFILER_SOAK";

/// Has the live tests only look for what they need (`profiler/tests/live/requirements.rs`).
const REQUIREMENTS: &str = "__requirements";

const TRACEFS: &str = "/sys/kernel/tracing";

/// Asks for root and looks for all that is needed first: a test that cannot run must not be found out, or be forgotten,
/// minutes later.
pub(crate) fn test(workspace: &Workspace, args: &TestArgs) -> Result<()> {
    if args.consumers {
        return consumers(workspace, &args.consent);
    }
    let privilege =
        reach_root().context("the live tests cannot run (`cargo test --workspace` runs the others)")?;
    packages::bring("`cargo xtask test`", packages::test(), &args.consent)?;
    mount_tracefs(privilege)?;

    let object = build(workspace)?;
    let live = build_live(object.cargo(workspace))?;
    live_tests(workspace, privilege, &live, args)
        .arg(REQUIREMENTS)
        .run()
        .context("what the live tests need is not all there")?;
    object.cargo(workspace).args(["test", "--workspace"]).run()?;
    live_tests(workspace, privilege, &live, args).arg("--test-threads=1").run().context("the live tests")?;

    let live = live.strip_prefix(workspace.root()).unwrap_or(&live);
    println!("All tests passed: `cargo test --workspace`, and as root the live ones ({}).", live.display());
    Ok(())
}

fn reach_root() -> Result<Privilege> {
    let privilege = Privilege::find("`cargo xtask test`")?;
    privilege.command(Path::new("true"), &[]).run()?;
    Ok(privilege)
}

fn mount_tracefs(privilege: Privilege) -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mounts").context("cannot read /proc/self/mounts")?;
    if is_tracefs_mounted(&mounts) {
        return Ok(());
    }
    println!("mounting tracefs on {TRACEFS}");
    privilege.command(Path::new("mount"), &[]).args(["-t", "tracefs", "tracefs", TRACEFS]).run()
}

fn is_tracefs_mounted(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        fields.next() == Some(TRACEFS) && fields.next() == Some("tracefs")
    })
}

/// `cargo test` alone leaves the live tests out (`test = false` in the manifest), so they are built by name;
/// with the whole workspace, so that the libraries are those of the other tests.
pub(crate) fn build_live(mut cargo: Command) -> Result<PathBuf> {
    cargo.args([
        "test",
        "--workspace",
        "--test",
        "live",
        "--no-run",
        "--message-format=json-render-diagnostics",
    ]);
    let messages = cargo.stderr(Stdio::inherit()).read()?;
    executable(&messages, "live").context("cargo built the live tests, but named no executable for them")
}

/// The executable of a target in cargo's messages, one JSON object a line.
fn executable(messages: &str, target: &str) -> Option<PathBuf> {
    messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_target = message["reason"] == "compiler-artifact" && message["target"]["name"] == target;
        is_target.then(|| message["executable"].as_str().map(PathBuf::from))?
    })
}

/// The variable that tells the live tests the folder of the release binaries.
pub(crate) fn variables(workspace: &Workspace) -> [(&'static str, PathBuf); 2] {
    let release = workspace.release();
    [("PROFILER_BIN", release.join("profiler")), ("PROFILER_RELEASE_DIR", release)]
}

/// The live tests as root; as cargo does, in the folder of the package.
fn live_tests(workspace: &Workspace, privilege: Privilege, live: &Path, args: &TestArgs) -> Command {
    let paths = variables(workspace);
    let mut variables: Vec<_> = paths.iter().map(|(name, path)| (*name, path.as_os_str())).collect();
    variables.extend(args.soak.as_deref().map(|length| (SOAK, length)));
    let mut tests = privilege.command(live, &variables);
    tests.current_dir(workspace.root().join("profiler"));
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tracefs_counts_as_mounted_only_in_its_place() {
        assert!(is_tracefs_mounted("proc /proc proc rw 0 0\ntracefs /sys/kernel/tracing tracefs rw 0 0\n"));
        assert!(!is_tracefs_mounted("tracefs /sys/kernel/debug/tracing tracefs rw 0 0\n"));
        assert!(!is_tracefs_mounted("none /sys/kernel/tracing tmpfs rw 0 0\n"));
        assert!(!is_tracefs_mounted(""));
    }

    #[test]
    fn the_executable_is_the_one_of_the_target() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"profiler"},"executable":"/t/profiler"}
{"reason":"compiler-message","target":{"name":"live"}}
{"reason":"compiler-artifact","target":{"name":"live"},"executable":"/t/live-1"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(messages, "live"), Some(PathBuf::from("/t/live-1")));
        assert_eq!(executable(messages, "golden"), None);
        assert_eq!(executable("not JSON", "live"), None);
    }
}
