//! Keeps the empty BPF programs (`profiler-ebpf/src/bin/empty.rs`) attached until its standard input ends.
//!
//! An example of this package rather than a program of its own, because the loader is then built already;
//! `cargo xtask bench` builds and starts it: `empty_probes OBJECT`.

use anyhow::{Context as _, Result};
use aya::{Btf, Ebpf, programs::BtfTracePoint};
use std::io;

const TRACEPOINTS: [&str; 2] = ["sched_switch", "sched_waking"];

fn main() -> Result<()> {
    let object = std::env::args_os().nth(1).context("the BPF object is missing: empty_probes OBJECT")?;
    let mut ebpf = Ebpf::load_file(&object).context("the kernel did not take the BPF object")?;
    let btf = Btf::from_sys_fs().context("cannot read the kernel's type information")?;
    for name in TRACEPOINTS {
        let program: &mut BtfTracePoint = ebpf
            .program_mut(name)
            .with_context(|| format!("the object has no program {name}"))?
            .try_into()?;
        program.load(name, &btf).with_context(|| format!("the kernel refused the program {name}"))?;
        program.attach().with_context(|| format!("cannot attach to the tracepoint {name}"))?;
    }
    io::copy(&mut io::stdin(), &mut io::sink()).context("cannot wait for the end of standard input")?;
    Ok(())
}
