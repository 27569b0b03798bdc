//! The preparing half of `cargo xtask bench`: builds and fetches programs as the calling user, then executes
//! the measuring half as root, with their paths as arguments.

use super::contender::{Contender, EMPTY_PROGRAMS};
use super::found::Found;
use super::{cost, fault, peers, switch};
use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::Command,
};
use xtask::{
    build::{self, Object},
    command::{Run as _, cannot_start},
    ebpf,
    privilege::Privilege,
    toolchain::Toolchain,
    workspace::Workspace,
};

/// The steps to measure, and the number of rounds.
#[derive(Args, Clone)]
pub(super) struct BenchArgs {
    /// Rounds of everything that is measured in turns [default: 21, with --quick 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(super) rounds: Option<u32>,

    /// Measure beside the peers instead: what each adds, loses and uses, by threads and by switch rate; leaves
    /// tables and charts in docs/cost (with --quick in target/bench/cost), and takes about a quarter of an hour. Peers
    /// that are not installed are unpacked below the target folder
    #[arg(long, conflicts_with = "only")]
    pub(super) peers: bool,

    /// With --peers: measure nothing, make tables and charts again of the figures that were left
    #[arg(long, requires = "peers")]
    pub(super) redraw: bool,

    /// A tenth of the work in each round: to see that it runs, not to judge by
    #[arg(long)]
    pub(super) quick: bool,

    /// Measure this build of the profiler, too, in the same rounds: to see that nothing became worse
    #[arg(long, value_name = "BINARY", conflicts_with = "peers")]
    pub(super) against: Option<PathBuf>,

    /// Only these steps
    #[arg(long, value_enum, value_delimiter = ',', value_name = "STEPS")]
    pub(super) only: Vec<Step>,
}

impl BenchArgs {
    pub(super) fn includes(&self, step: Step) -> bool {
        self.only.is_empty() || self.only.contains(&step)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(super) enum Step {
    /// Time that a switch takes more
    Switch,
    /// Time that a page fault takes more
    Fault,
    /// Kernel memory
    Memory,
    /// Time that the report of a large profile takes
    Report,
    /// Time that exports of a large profile take
    Export,
    /// Time until the command runs
    Start,
}

/// Prepares everything and executes the measuring half. Returns only if that fails.
pub(super) fn bench(workspace: &Workspace, args: &BenchArgs) -> Result<()> {
    if args.redraw {
        return cost::redraw(workspace, args.quick);
    }
    let privilege = Privilege::find("`cargo xtask bench`")?;
    let object = build::build(workspace)?;
    workspace.cargo().args(["build", "--release", "--package", "bench", "--bin", "bench-load"]).run()?;
    let folder = folder(workspace);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;

    let mut measure = measuring_half(privilege)?;
    measure.args(["measure", "--rounds"]).arg(rounds(args).to_string());
    if args.quick {
        measure.arg("--quick");
    }
    if args.peers {
        measure.arg("--peers");
    }
    if let Some(binary) = &args.against {
        let binary = fs::canonicalize(binary).with_context(|| format!("cannot find {}", binary.display()))?;
        measure.arg("--against").arg(binary);
    }
    for step in args.only.iter().filter_map(Step::to_possible_value) {
        measure.arg("--only").arg(step.get_name());
    }
    for name in needs(args) {
        let program = find(workspace, &object, name);
        if let Err(error) = &program {
            println!("{name}: will not be measured: {error:#}");
        }
        Found::tell(&mut measure, name, &program);
    }
    Err(measure.exec()).with_context(|| cannot_start(&measure))
}

pub(super) fn rounds(args: &BenchArgs) -> u32 {
    const ROUNDS: u32 = 21;
    const QUICK_ROUNDS: u32 = 3;
    args.rounds.unwrap_or(if args.quick { QUICK_ROUNDS } else { ROUNDS })
}

/// The command that runs this program as root, in the same checkout.
fn measuring_half(privilege: Privilege) -> Result<Command> {
    const PACKAGE: &str = "CARGO_MANIFEST_DIR";
    let program = env::current_exe().context("cannot find this program's own file")?;
    let package = env::var_os(PACKAGE);
    let variables: Vec<(&str, &OsStr)> = package.iter().map(|value| (PACKAGE, value.as_os_str())).collect();
    Ok(privilege.command(&program, &variables))
}

/// The names of all programs that the contenders need, each once.
fn needs(args: &BenchArgs) -> Vec<&'static str> {
    let mut contenders: Vec<Contender> = Vec::new();
    if args.peers {
        contenders.extend(Contender::ALL);
    } else {
        if args.includes(Step::Switch) {
            contenders.extend(switch::CONTENDERS);
        }
        if args.includes(Step::Fault) {
            contenders.extend(fault::CONTENDERS);
        }
    }
    let mut names: Vec<&str> = Vec::new();
    for name in contenders.into_iter().flat_map(Contender::needs) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn find(workspace: &Workspace, object: &Object, name: &str) -> Result<PathBuf> {
    if name == EMPTY_PROGRAMS {
        return empty_programs(workspace, object);
    }
    let peer = peers::ALL.into_iter().find(|peer| peer.name == name);
    peer.with_context(|| format!("{name} is no peer"))?.find(workspace)
}

/// Builds the empty BPF programs and their loader.
fn empty_programs(workspace: &Workspace, object: &Object) -> Result<PathBuf> {
    let toolchain = Toolchain::find(workspace)?;
    let empty = ebpf::build_empty(workspace, &toolchain)?;
    // Same packages as the main build, so that cargo reuses its libraries.
    object
        .cargo(workspace)
        .args(["build", "--release", "--package", "profiler", "--package", "workloads"])
        .args(["--example", "empty_probes"])
        .run()?;
    Ok(empty)
}

/// The folder of the runs' profiles.
pub(super) fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("bench")
}

/// The file of the table.
pub(super) fn table_file(target: &Path) -> PathBuf {
    target.join("bench.md")
}
