//! Hands the BPF object to the crate, which embeds it: the one that `PROFILER_BPF_OBJECT` names (`cargo xtask`
//! sets it to the one it has just built), else the committed one. Needs no BPF toolchain.

use std::{env, fs, path::PathBuf};

const VARIABLE: &str = "PROFILER_BPF_OBJECT";
const COMMITTED: &str = "../profiler-ebpf/prebuilt/profiler-ebpf.o";

fn main() {
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
