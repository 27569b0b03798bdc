//! Fuzzes everything that reads what others wrote: the targets in `fuzz/`, one after the other.

use anyhow::{Context as _, Result, bail, ensure};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use xtask::{
    command::Run as _,
    packages::{self, Consent},
    toolchain,
    workspace::Workspace,
};

const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// An input that takes longer is a finding: the largest report is made in a tenth of it, sanitizer included.
const SLOWEST_INPUT_S: u32 = 20;

/// The limits of an allocation and of a target's memory; anything beyond is a finding.
const MOST_ALLOCATED_MIB: u32 = 1024;
const MOST_RESIDENT_MIB: u32 = 2048;

/// The targets and the time for each.
#[derive(clap::Args)]
pub(crate) struct FuzzArgs {
    /// Run each target for this time
    #[arg(long, value_parser = seconds, default_value = "60s", value_name = "TIME")]
    time: Duration,

    /// Only this target [default: every one of them]
    #[arg(value_name = "TARGET")]
    target: Option<String>,

    #[command(flatten)]
    consent: Consent,
}

/// libFuzzer counts in whole seconds, and takes 0 for no end.
fn seconds(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.as_secs() > 0 && time.subsec_nanos() == 0 => Ok(time),
        Ok(_) => Err("whole seconds are needed, at least one".to_owned()),
        Err(error) => Err(format!("{error}; write it like 60s or 10m")),
    }
}

/// Runs every target even if one of them finds something, and fails then.
pub(crate) fn fuzz(workspace: &Workspace, args: &FuzzArgs) -> Result<()> {
    packages::bring("`cargo xtask fuzz`", packages::FUZZ, &args.consent)?;
    let program = find_or_install(workspace)?;
    let all = cargo_fuzz(workspace, &program, "list")?.read()?;
    let all: Vec<&str> = all.lines().collect();
    let chosen: Vec<&str> = match args.target.as_deref() {
        None => all,
        Some(one) if all.contains(&one) => vec![one],
        Some(unknown) => bail!("there is no target {unknown}; there are {}", all.join(", ")),
    };
    let mut failed = Vec::new();
    for target in chosen {
        println!("== {target}: {}", humantime::format_duration(args.time));
        if run(workspace, &program, target, args.time).is_err() {
            failed.push(target);
        }
    }
    ensure!(
        failed.is_empty(),
        "an input was found for {}: it lies in fuzz/artifacts/TARGET and is named above. Mend its cause, then keep it \
         under profiler/tests/fuzz/TARGET",
        failed.join(", ")
    );
    Ok(())
}

/// The target's own corpus grows; what is kept as tests, and real profiles, are read besides.
fn run(workspace: &Workspace, program: &Path, target: &str, time: Duration) -> Result<()> {
    let own = workspace.root().join("fuzz/corpus").join(target);
    std::fs::create_dir_all(&own).with_context(|| format!("cannot create {}", own.display()))?;
    let tests = workspace.root().join("profiler/tests");
    let mut command = cargo_fuzz(workspace, program, "run")?;
    command.arg("--target-dir").arg(workspace.target().join("fuzz"));
    // Of a target that never found anything nothing is kept.
    let kept =
        [tests.join("fuzz").join(target), tests.join("golden")].into_iter().filter(|folder| folder.is_dir());
    command.arg(target).arg(own).args(kept);
    command.args(["--", "-print_final_stats=1"]);
    command.arg(format!("-max_total_time={}", time.as_secs()));
    command.arg(format!("-timeout={SLOWEST_INPUT_S}"));
    command.arg(format!("-malloc_limit_mb={MOST_ALLOCATED_MIB}"));
    command.arg(format!("-rss_limit_mb={MOST_RESIDENT_MIB}"));
    let words = workspace.root().join("fuzz/dictionaries").join(format!("{target}.dict"));
    if words.is_file() {
        command.arg(format!("-dict={}", words.display()));
    }
    command.run()
}

/// The sanitizers need the nightly compiler, which `cargo-fuzz` calls through `cargo`.
fn cargo_fuzz(workspace: &Workspace, program: &Path, task: &str) -> Result<Command> {
    let mut command = toolchain::with_nightly(program)?;
    command.arg(task).arg("--fuzz-dir").arg(workspace.root().join("fuzz")).current_dir(workspace.root());
    Ok(command)
}

fn find_or_install(workspace: &Workspace) -> Result<PathBuf> {
    let program = workspace.tools().join("bin/cargo-fuzz");
    let found = Command::new(&program).arg("--version").read();
    if found.is_ok_and(|version| version.trim_end() == format!("cargo-fuzz {CARGO_FUZZ_VERSION}")) {
        return Ok(program);
    }
    println!("cargo-fuzz: installing {CARGO_FUZZ_VERSION} into {}", workspace.tools().display());
    workspace
        .cargo()
        .args(["install", "cargo-fuzz", "--version", CARGO_FUZZ_VERSION, "--locked", "--force", "--root"])
        .arg(workspace.tools())
        .run()
        .context("fuzzing needs cargo-fuzz")?;
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_whole_seconds() {
        assert_eq!(seconds("10m"), Ok(Duration::from_secs(600)));
        assert!(seconds("0s").is_err() && seconds("1500ms").is_err());
        assert!(seconds("10").unwrap_err().contains("60s"));
    }
}
