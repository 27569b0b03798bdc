//! `cargo xtask`: what people and CI do with this project. One file a command; the rest is what the commands
//! share: external programs, the way to root, the layout of the workspace, the BPF toolchain.

mod bench;
mod build;
mod command;
mod consumers;
mod debian;
mod dist;
mod ebpf;
mod fuzz;
mod lint;
mod packages;
mod privilege;
mod run;
mod strip;
mod test;
mod toolchain;
mod vm;
mod workspace;

use clap::{Parser, Subcommand};
use std::{ffi::OsString, process::ExitCode};
use workspace::Workspace;

/// Build, run and test the profiler
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing of the BPF toolchain
    Setup(packages::Consent),
    /// Build the BPF object from its sources into profiler-ebpf/prebuilt/
    Ebpf {
        /// Write nothing; fail when the committed object is not what the sources build to
        #[arg(long)]
        check: bool,
    },
    /// Build the release binaries into target/release/, the BPF object embedded
    Build,
    /// Build, then run the main job: `profiler run ARGS`, as root
    Run {
        /// Arguments of `profiler run`; none compares the two sample workloads
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Pass all tests, those that need root too; or with --consumers those of the exports
    Test(test::TestArgs),
    /// Boot each supported kernel in QEMU and pass the live tests inside; print a table kernel × test
    Vm(vm::VmArgs),
    /// Fuzz everything that reads what others wrote; installs cargo-fuzz if it is missing
    Fuzz(fuzz::FuzzArgs),
    /// Measure what the profiler costs against its bars; print a table and leave it in target/bench.md
    Bench(bench::BenchArgs),
    /// Pack the release binaries with all that belongs to them: a tarball and a package for Debian, in target/dist/
    Dist(dist::DistArgs),
    /// The half of `bench` that is root
    #[command(hide = true)]
    BenchMeasure(Box<bench::measure::MeasureArgs>),
    /// Lint the host half and the BPF half, warnings denied
    Lint,
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    let done = Workspace::find().and_then(|workspace| match task {
        Task::Setup(consent) => toolchain::setup(&workspace, &consent),
        Task::Ebpf { check: false } => ebpf::update(&workspace),
        Task::Ebpf { check: true } => ebpf::check(&workspace),
        Task::Build => build::build(&workspace).map(|_object| ()),
        Task::Run { args } => run::run(&workspace, &args),
        Task::Test(args) => test::test(&workspace, &args),
        Task::Vm(args) => vm::vm(&workspace, &args),
        Task::Fuzz(args) => fuzz::fuzz(&workspace, &args),
        Task::Bench(args) => bench::bench(&workspace, &args),
        Task::Dist(args) => dist::dist(&workspace, &args),
        Task::BenchMeasure(args) => bench::measure::measure(&workspace, *args),
        Task::Lint => lint::lint(&workspace),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
