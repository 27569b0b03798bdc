//! Boots each supported kernel in QEMU, passes the live tests inside, and asks each kernel's verifier about the
//! programs.
//!
//! Kernels and the guest's tools are not installed: they are packages of the Debian archive, unpacked below
//! `target/vm`. A guest sees the host's files, read-only below a layer in memory, and so runs the binaries that were
//! built here with everything that is installed here. `guest/` holds its two scripts.

mod initramfs;
mod kernels;
mod modules;
mod qemu;
mod results;
mod table;
mod verifier;

use crate::test;
use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};
use kernels::{Kernel, Supported};
use results::Results;
use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};
use verifier::Committed;
use xtask::{
    build::build,
    command::Run as _,
    packages::{self, Consent},
    workspace::Workspace,
};

/// `cargo xtask vm`
#[derive(Args)]
pub(crate) struct VmArgs {
    /// Only these kernels
    #[arg(long, value_enum, value_delimiter = ',', value_name = "KERNELS")]
    only: Vec<Supported>,

    /// Boot this kernel (a bzImage) instead
    #[arg(long, value_name = "PATH", conflicts_with_all = ["only", "accept"])]
    kernel: Option<PathBuf>,

    /// The folder with its modules; not needed if virtio, 9p, overlay and ext4 are built in
    #[arg(long, value_name = "DIR", requires = "kernel")]
    modules: Option<PathBuf>,

    /// Run the guest's instructions in this way
    #[arg(long, value_enum, default_value = "tcg")]
    accel: Accelerator,

    /// Only the live tests with this in their name
    #[arg(long, value_name = "FILTER")]
    test: Option<String>,

    /// All live tests, also those whose outcome does not depend on the kernel
    #[arg(long)]
    all: bool,

    /// Fetch newer kernels if the archive has them, instead of those that were fetched before
    #[arg(long)]
    update: bool,

    /// Make the verifier's figures of this run the committed ones
    #[arg(long)]
    accept: bool,

    #[command(flatten)]
    consent: Consent,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Accelerator {
    /// In software, everywhere
    Tcg,
    /// By the CPU; needs /dev/kvm
    Kvm,
}

impl Accelerator {
    fn qemu(self) -> &'static str {
        match self {
            // One host thread for all CPUs of the guest: with one each, a CPU can run into the breakpoint that another one
            // has just patched away (kernel/alternative.c `text_poke_bp` of a tracepoint), and the guest panics.
            Self::Tcg => "tcg,thread=single",
            Self::Kvm => "kvm",
        }
    }
}

/// The work of a guest.
struct Job {
    live: PathBuf,
    variables: [(&'static str, PathBuf); 2],
    filter: Option<String>,
    /// All tests, and not only those of [`EACH_KERNEL`].
    all: bool,
}

/// Set in a guest, it has the live tests leave those out whose outcome does not depend on the kernel
/// (`profiler/tests/live/trial.rs`).
const EACH_KERNEL: &str = "PROFILER_EACH_KERNEL";

/// The outcome of one kernel's run.
struct Run {
    name: String,
    origin: String,
    has_figures: bool,
    took: Duration,
    results: Results,
}

/// Fails if any test fails on any kernel, or the verifier's work has grown.
pub(crate) fn vm(workspace: &Workspace, args: &VmArgs) -> Result<()> {
    packages::bring("`cargo xtask vm`", packages::VM.into_iter().chain(packages::test()), &args.consent)?;
    let mut committed = Committed::read(workspace)?;
    let kernels = kernels(workspace, args)?;
    let job = job(workspace, args)?;

    let mut runs = run_all(workspace, &kernels, &job, args.accel)?;
    for run in runs.iter_mut().filter(|run| run.has_figures && !args.accept) {
        run.results.problems.extend(committed.regressions(&run.name, &run.results.programs));
    }

    println!("\n{}\n{}", table::tests(&runs), table::programs(&runs, &committed));
    print!("{}{}", table::first_failures(&runs), table::slowest(&runs));
    if args.accept {
        accept(workspace, &mut committed, &runs)?;
    }
    if args.test.is_none() {
        write_kernels_table(workspace, &runs)?;
    }
    let failed: Vec<&str> =
        runs.iter().filter(|run| !run.results.is_good()).map(|run| run.name.as_str()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    println!("{}", table::failures(&runs));
    bail!("not everything passed on: {}", failed.join(", "))
}

fn kernels(workspace: &Workspace, args: &VmArgs) -> Result<Vec<Kernel>> {
    let folder = workspace.target().join("vm");
    if let Some(image) = &args.kernel {
        return Ok(vec![kernels::own(image, args.modules.as_deref(), &folder, args.update)?]);
    }
    let wanted = Supported::ALL.into_iter().filter(|one| args.only.is_empty() || args.only.contains(one));
    wanted.map(|one| kernels::fetch(one, &folder, args.update)).collect()
}

/// Builds what runs in the guests.
fn job(workspace: &Workspace, args: &VmArgs) -> Result<Job> {
    let object = build(workspace)?;
    let live = test::build_live(object.cargo(workspace))?;
    Ok(Job {
        live,
        variables: test::variables(workspace),
        filter: args.test.clone(),
        all: args.all || args.test.is_some(),
    })
}

/// Guests that run at the same time. The live tests keep about one CPU of the host busy.
const AT_ONCE: usize = 2;

/// The runs in the order of the kernels. The last kernel, whose guest has most CPUs, takes longer than each of the
/// others: it is started first, and they run one after the other beside it.
fn run_all(workspace: &Workspace, kernels: &[Kernel], job: &Job, accel: Accelerator) -> Result<Vec<Run>> {
    let left: Mutex<Vec<(usize, &Kernel)>> = Mutex::new(kernels.iter().enumerate().collect());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let work = || {
        let mut runs = Vec::new();
        while let Some((place, kernel)) = next() {
            runs.push((place, run(workspace, kernel, job, accel)?));
        }
        Ok(runs)
    };
    let mut runs = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(work)).collect();
        let mut runs = Vec::new();
        for worker in workers {
            let done: Result<_> =
                worker.join().unwrap_or_else(|_panic| bail!("the thread that watches a guest panicked"));
            runs.append(&mut done?);
        }
        Ok::<_, anyhow::Error>(runs)
    })?;
    runs.sort_by_key(|(place, _)| *place);
    Ok(runs.into_iter().map(|(_, run)| run).collect())
}

fn run(workspace: &Workspace, kernel: &Kernel, job: &Job, accel: Accelerator) -> Result<Run> {
    println!("{}: booting {}", kernel.name, kernel.image.display());
    let boot =
        qemu::boot(workspace, kernel, job, accel).with_context(|| format!("kernel {}", kernel.name))?;
    let results = Results::read(&boot, kernel.topology);
    let (passed, all) = (results.passed(), results.tests.len());
    println!("{}: {passed} of {all} tests passed, {} s", kernel.name, boot.took.as_secs());
    let (name, origin) = (kernel.name.clone(), kernel.origin.clone());
    Ok(Run { name, origin, has_figures: kernel.has_figures, took: boot.took, results })
}

fn accept(workspace: &Workspace, committed: &mut Committed, runs: &[Run]) -> Result<()> {
    for run in runs {
        let release = run.results.release.as_deref().filter(|_release| !run.results.programs.is_empty());
        let release = release.with_context(|| format!("{}: there are no figures to accept", run.name))?;
        committed.accept(&run.name, release, &run.results.programs);
    }
    committed.write(workspace)
}

fn write_kernels_table(workspace: &Workspace, runs: &[Run]) -> Result<()> {
    let date = Command::new("date").args(["--utc", "+%Y-%m-%d"]).read()?;
    let file = workspace.target().join("vm/table.md");
    fs::write(&file, table::page(runs, date.trim_end()))
        .with_context(|| format!("cannot write {}", file.display()))?;
    println!("for docs/kernels.md: {}", file.display());
    Ok(())
}
