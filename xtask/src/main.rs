//! `cargo xtask`: what people and CI do with this project. One file a command; what they
//! share is in the library.

mod consumers;
mod dist;
mod fuzz;
mod lint;
mod run;
mod test;
mod vm;

use clap::{Parser, Subcommand};
use std::{ffi::OsString, process::ExitCode};
use xtask::{command::Run as _, ebpf, packages, toolchain, workspace::Workspace};

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
    #[command(disable_help_flag = true)]
    Bench {
        /// Arguments of the program `bench`, a package of its own: only this command waits for it to be built
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Pack the release binaries with all that belongs to them: a tarball and a package for Debian, in target/dist/
    Dist(dist::DistArgs),
    /// Lint the host half and the BPF half, warnings denied
    Lint,
}

fn main() -> ExitCode {
    let task = Arguments::parse().task;
    let done = Workspace::find().and_then(|workspace| match task {
        Task::Setup(consent) => toolchain::setup(&workspace, &consent),
        Task::Ebpf { check: false } => ebpf::update(&workspace),
        Task::Ebpf { check: true } => ebpf::check(&workspace),
        Task::Build => xtask::build::build(&workspace).map(|_object| ()),
        Task::Run { args } => run::run(&workspace, &args),
        Task::Test(args) => test::test(&workspace, &args),
        Task::Vm(args) => vm::vm(&workspace, &args),
        Task::Fuzz(args) => fuzz::fuzz(&workspace, &args),
        Task::Bench { args } => workspace
            .cargo()
            .args(["run", "--quiet", "--package", "bench", "--bin", "bench", "--"])
            .args(args)
            .run(),
        Task::Dist(args) => dist::dist(&workspace, &args),
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
