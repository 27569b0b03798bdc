//! Keeps the empty BPF programs (`profiler-ebpf/src/bin/empty.rs`) attached until its standard input ends.
//!
//! An example of this package rather than a program of its own, because the loader is then built already;
//! `cargo xtask bench` builds and starts it: `empty_probes OBJECT switch|fault`.

use anyhow::{Context as _, Result, anyhow, bail};
use aya::{
    Btf, Ebpf,
    programs::{
        BtfTracePoint, PerfEvent, Program,
        perf_event::{PerfEventConfig, PerfEventScope, SamplePolicy, SoftwareEvent},
    },
};
use std::io;

const USAGE: &str = "empty_probes OBJECT switch|fault";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let object = arguments.next().context(USAGE)?;
    let hooks = arguments.next().context(USAGE)?;
    let mut ebpf = Ebpf::load_file(&object).context("the kernel did not take the BPF object")?;
    let btf = Btf::from_sys_fs().context("cannot read the kernel's type information")?;
    match hooks.as_str() {
        "switch" => {
            attach_tracepoint(&mut ebpf, &btf, "sched_switch")?;
            attach_tracepoint(&mut ebpf, &btf, "sched_waking")?;
        }
        "fault" => {
            attach_tracepoint(&mut ebpf, &btf, "page_fault_user")?;
            attach_fault_end(&mut ebpf)?;
        }
        _ => bail!(USAGE),
    }
    io::copy(&mut io::stdin(), &mut io::sink()).context("cannot wait for the end of standard input")?;
    Ok(())
}

fn attach_tracepoint(ebpf: &mut Ebpf, btf: &Btf, name: &str) -> Result<()> {
    let program: &mut BtfTracePoint = program(ebpf, name)?.try_into()?;
    program.load(name, btf).with_context(|| format!("the kernel refused the program {name}"))?;
    program.attach().with_context(|| format!("cannot attach to the tracepoint {name}"))?;
    Ok(())
}

fn attach_fault_end(ebpf: &mut Ebpf) -> Result<()> {
    let program: &mut PerfEvent = program(ebpf, "minor_fault")?.try_into()?;
    program.load().context("the kernel refused the program minor_fault")?;
    for cpu in aya::util::online_cpus().map_err(|(file, error)| anyhow!(error).context(file))? {
        let event = PerfEventConfig::Software(SoftwareEvent::PageFaultsMin);
        let scope = PerfEventScope::AllProcessesOneCpu { cpu };
        program
            .attach(event, scope, SamplePolicy::Period(1), false)
            .with_context(|| format!("cannot open the software event on CPU {cpu}"))?;
    }
    Ok(())
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Program> {
    ebpf.program_mut(name).with_context(|| format!("the object has no program {name}"))
}
