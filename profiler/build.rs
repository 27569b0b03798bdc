//! Hands the BPF object to the crate, which embeds it: the one that `PROFILER_BPF_OBJECT` names (`cargo xtask`
//! sets it to the one it has just built), else the committed one. Needs no BPF toolchain. And tells the crate which commit
//! it is built from.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const VARIABLE: &str = "PROFILER_BPF_OBJECT";
const COMMITTED: &str = "../profiler-ebpf/prebuilt/profiler-ebpf.o";

/// The files that a commit or an edit changes.
const TREE: [&str; 7] = [
    "../.git/logs/HEAD",
    "../.git/index",
    "src",
    "model/src",
    "build.rs",
    "../profiler-ebpf/src",
    "../Cargo.lock",
];

fn main() {
    embed_object();
    if let Some(commit) = commit() {
        println!("cargo::rustc-env=PROFILER_COMMIT={commit}");
    }
    // One that is not there would have this script run each time.
    for path in TREE.into_iter().filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
}

/// `None` outside of a repository, or without git.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // A package of the sources that lies inside of another repository is not of that repository's commit.
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    let commit = git(&["rev-parse", "HEAD"])?;
    let modified = git(&["status", "--porcelain", "--untracked-files=no", ".."])?;
    Some(if modified.is_empty() { commit } else { format!("{commit}-modified") })
}

fn embed_object() {
    let object = env::var_os(VARIABLE).map_or_else(|| PathBuf::from(COMMITTED), PathBuf::from);
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    println!("cargo::rerun-if-changed={}", object.display());
    let embedded = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("profiler-ebpf.o");
    if let Err(error) = fs::copy(&object, embedded) {
        println!(
            "cargo::error=cannot embed the BPF object {} ({error}): `cargo xtask ebpf` builds the committed one, \
             {VARIABLE} names another",
            object.display()
        );
    }
}
