//! The programs in the kernel's view: the work of the verifier, the machine code, the time to load.

use super::hooks;
use super::load::{self, Loaded, Target};
use super::probes::{self, Wanted};
use crate::settings::limits::Limits;
use anyhow::{Context, Result};
use aya::Btf;
use aya::programs::Program;
use serde::Serialize;
use std::time::Instant;

/// A program that was loaded, and attached to nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LoadedProgram {
    /// Its name in the object.
    pub name: &'static str,
    /// The kind of its hook, as libbpf names its section: `tp_btf`, `perf_event`, `iter`.
    #[serde(rename = "type")]
    pub hook: &'static str,
    /// Instructions the verifier processed, those of every path it took; since Linux 5.16.
    pub verified_instructions: Option<u32>,
    /// Machine code, in bytes; absent if the kernel interprets programs.
    pub jited_bytes: Option<u32>,
    /// From the system call to its return, the verifier and the compiler included, in milliseconds.
    pub load_ms: f64,
}

/// Loads every program as `run` does, attaches none, and unloads them again.
///
/// # Errors
/// If the kernel refuses a map or a program.
pub fn load_each() -> Result<Vec<LoadedProgram>> {
    let btf = Btf::from_sys_fs().context("cannot read the kernel's type information")?;
    // As many slots as `run` makes, which the verifier sees as bounds. No process has the number 0.
    let limits = Limits::default();
    // As a run has them, which the verifier sees as constants.
    let wanted = Wanted { living: 0, watches: false, ..Wanted::everything(limits) };
    let Loaded { mut ebpf, .. } = load::load(Target::default(), wanted, &btf)?;
    probes::programs(probes::ALL)
        .map(|program| {
            let name = program.name;
            let started = Instant::now();
            hooks::load(&mut ebpf, &btf, name)?;
            let load_ms = started.elapsed().as_secs_f64() * 1e3;
            let program = ebpf.program(name).with_context(|| format!("the program {name} is gone"))?;
            let info =
                program.info().with_context(|| format!("cannot read the kernel's figures of {name}"))?;
            let jited = info.size_jitted();
            Ok(LoadedProgram {
                name,
                hook: hook(program),
                verified_instructions: info.verified_instruction_count(),
                jited_bytes: (jited > 0).then_some(jited),
                load_ms,
            })
        })
        .collect()
}

fn hook(program: &Program) -> &'static str {
    match program {
        Program::BtfTracePoint(_) => "tp_btf",
        Program::PerfEvent(_) => "perf_event",
        Program::Iter(_) => "iter",
        // `hooks::load` takes no other.
        _ => "other",
    }
}
