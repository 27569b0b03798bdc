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
    /// Build the BPF object into profiler-ebpf/prebuilt/
    Ebpf {
        /// Write nothing; fail when the committed object is not what the sources build to
        #[arg(long)]
        check: bool,
    },
    /// Build the release binaries into target/release/
    Build,
    /// Build, then run `profiler run ARGS` as root
    Run {
        /// Arguments of `profiler run`; none compares the two sample workloads
        #[arg(last = true)]
        args: Vec<OsString>,
    },
    /// Run all tests, those that need root too
    ///
    /// With --consumers instead the checks of exports with other programs.
    Test(test::TestArgs),
    /// Run the live tests on each supported kernel, in QEMU
    ///
    /// Prints a table kernel × test.
    Vm(vm::VmArgs),
    /// Fuzz everything that reads what others wrote
    ///
    /// Installs cargo-fuzz if it is missing.
    Fuzz(fuzz::FuzzArgs),
    /// Measure what the profiler costs, and hold it against its bars
    ///
    /// Prints a table and leaves it in target/bench.md.
    #[command(disable_help_flag = true)]
    Bench {
        /// Arguments of the program `bench`, a package of its own: only this command waits for it to be built
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Pack a tarball and a package for Debian, in target/dist/
    ///
    /// They hold the release binaries and all that belongs to them.
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// The line in a list of commands, with which `--help` begins.
    #[test]
    fn each_command_is_described_in_one_short_line() {
        const VERBS: [&str; 8] = ["Boot", "Build", "Fuzz", "Install", "Lint", "Measure", "Pack", "Run"];
        let all = Arguments::command();
        for command in std::iter::once(&all).chain(all.get_subcommands()) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let verb = about.split([' ', ',']).next().unwrap_or_default();
            assert!(
                VERBS.contains(&verb),
                "{}: begins with no verb of the list: {about}",
                command.get_name()
            );
            assert!(about.chars().count() <= 72, "{}: too long: {about}", command.get_name());
        }
    }
}
