//! Builds the BPF object from its sources, to the same bytes in every checkout.

use crate::{
    command::Run as _,
    strip::without_dwarf,
    toolchain::Toolchain,
    workspace::{Workspace, write_if_changed},
};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "bpfel-unknown-none";

/// The programs that the profiler embeds.
const PROFILER: &str = "profiler-ebpf";

/// The programs that do nothing, which the benchmark compares with.
const EMPTY: &str = "empty";

/// The registers of the traced machine, for aya-ebpf; the third version of the BPF instructions, whose atomic
/// operations return a value (Linux 5.12, so below our floor); and the BTF.
const FLAGS: [&str; 3] = ["--cfg=bpf_target_arch=\"x86_64\"", "-Ctarget-cpu=v3", "-Clink-arg=--btf"];

/// Writes what the sources build to over the committed object.
pub fn update(workspace: &Workspace) -> Result<()> {
    let toolchain = Toolchain::find(workspace)?;
    let built = read(&build(workspace, &toolchain)?)?;
    let prebuilt = workspace.prebuilt();
    let done =
        if write_if_changed(&prebuilt, &built)? { "written" } else { "already what the sources build to" };
    println!("{}: {done} ({} bytes)", prebuilt.display(), built.len());
    Ok(())
}

/// Fails when the committed object is not what the sources build to.
pub fn check(workspace: &Workspace) -> Result<()> {
    let toolchain = Toolchain::find(workspace)?;
    let built_path = build(workspace, &toolchain)?;
    let built = read(&built_path)?;
    let prebuilt = workspace.prebuilt();
    let committed =
        read(&prebuilt).context("there is no committed object: run `cargo xtask ebpf` and commit it")?;
    if committed != built {
        bail!(
            "{} ({} bytes) is not what the sources build to ({}, {} bytes): run `cargo xtask ebpf` and commit it",
            prebuilt.display(),
            committed.len(),
            built_path.display(),
            built.len()
        );
    }
    println!("{}: what the sources build to ({} bytes)", prebuilt.display(), built.len());
    Ok(())
}

/// Builds the object and returns its path, under the target folder.
pub fn build(workspace: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
    build_binary(workspace, toolchain, PROFILER)
}

/// Builds the empty programs and returns their path, under the target folder.
pub fn build_empty(workspace: &Workspace, toolchain: &Toolchain) -> Result<PathBuf> {
    build_binary(workspace, toolchain, EMPTY)
}

fn build_binary(workspace: &Workspace, toolchain: &Toolchain, name: &str) -> Result<PathBuf> {
    cargo(workspace, toolchain, "build").args(["--bin", name]).run()?;
    let linked = read(&workspace.bpf_target().join(TARGET).join("bpf").join(name))?;
    let object = workspace.bpf_target().join(name).with_extension("o");
    write_if_changed(&object, &without_dwarf(&linked)?)?;
    Ok(object)
}

/// A cargo subcommand on the BPF programs; the caller adds which of them. `trim-paths` takes the folders of the
/// checkout, of cargo and of the toolchain out of the object, and cargo's own hashes leave them out too. Nothing
/// in `FLAGS` may name a folder, for those are hashed: the linker is named by a variable instead.
pub fn cargo(workspace: &Workspace, toolchain: &Toolchain, subcommand: &str) -> Command {
    let mut cargo = toolchain.cargo();
    cargo
        .current_dir(workspace.root())
        .env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\x1f"))
        .env("CARGO_PROFILE_BPF_TRIM_PATHS", "all")
        .env("CARGO_TARGET_BPFEL_UNKNOWN_NONE_LINKER", toolchain.linker())
        .args([subcommand, "--locked", "--package", "profiler-ebpf"])
        .args(["--features", "bpf", "--profile", "bpf", "--target", TARGET])
        .args(["-Zbuild-std=core", "-Ztrim-paths", "--target-dir"])
        .arg(workspace.bpf_target());
    cargo
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}
