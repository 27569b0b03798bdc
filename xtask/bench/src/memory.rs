//! The kernel memory of a running profiler's BPF maps, with many threads alive.

use super::{
    load::{Build, Programs},
    process::{descriptors, field},
    profile,
    table::{Row, Unit},
};
use anyhow::{Context as _, Result, bail, ensure};
use model::profile::file;
use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};
use xtask::command::cannot_start;

const BYTES_PER_MIB: f64 = 1_048_576.0;

/// A number of threads that must fit.
struct Case {
    threads: usize,
    options: &'static [&'static str],
    bar_mib: f64,
}

const CASES: [Case; 2] = [
    Case { threads: 4_000, options: &[], bar_mib: 48.0 },
    Case { threads: 10_000, options: &["--max-threads=10000"], bar_mib: 128.0 },
];

/// Measures this step.
pub(super) fn measure(programs: &Programs) -> Vec<Row> {
    let builds = programs.builds();
    CASES.iter().flat_map(|case| builds.iter().flat_map(|&build| rows(programs, build, case))).collect()
}

fn rows(programs: &Programs, (build, marked): (Build, &str), case: &Case) -> Vec<Row> {
    eprintln!("memory: {} threads", case.threads);
    let settings =
        if case.options.is_empty() { "default settings".to_owned() } else { case.options.join(" ") };
    let memory = format!("BPF maps with {} live threads, {settings}{marked}", case.threads);
    match run(programs, build, case) {
        Ok((bytes, lost)) => {
            let mib = bytes as f64 / BYTES_PER_MIB;
            vec![
                Row::single(memory, Unit::MiB, Ok(mib)).at_most(case.bar_mib),
                Row::single("lost meanwhile", Unit::Count, Ok(lost as f64)).at_most(0.0),
            ]
        }
        Err(error) => vec![Row::failed(memory, &error)],
    }
}

/// The bytes of the maps while all threads live, and the losses in the profile.
fn run(programs: &Programs, build: Build, case: &Case) -> Result<(u64, u64)> {
    // The thread that starts the others counts.
    let load = ["threads".to_owned(), format!("--count={}", case.threads - 1)];
    let (mut command, path) = programs.profiled(build, "memory", case.options, &load)?;
    let bytes = with_live_threads(&mut command, map_bytes)?;
    let profile = file::read(&path)?;
    let (threads, lost) = (profile.threads.len(), profile::lost(&profile));
    // Losses have a row of their own; threads missing without a loss are a defect.
    ensure!(
        threads >= case.threads || lost > 0,
        "{} tells of {threads} threads, and of nothing lost",
        path.display()
    );
    Ok((bytes, lost))
}

/// Calls `probe` with the profiler's pid while all threads of its load are alive, then ends both.
fn with_live_threads<T>(command: &mut Command, probe: fn(u32) -> Result<T>) -> Result<T> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut profiler = command.spawn().with_context(|| cannot_start(command))?;
    let alive = wait_for_line(&mut profiler);
    let seen = alive.and_then(|alive| alive.then(|| probe(profiler.id())).transpose());
    // Closing standard input ends the load and then the profiler, even after a failed measurement.
    drop(profiler.stdin.take());
    let output = profiler.wait_with_output().context("cannot wait for the profiler")?;
    ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    match seen? {
        Some(seen) => Ok(seen),
        None => bail!("the load ended before all its threads were alive"),
    }
}

/// Waits for the line that the load prints once its threads are alive; false if it ended before.
fn wait_for_line(profiler: &mut Child) -> Result<bool> {
    let stdout = profiler.stdout.as_mut().context("the profiler has no standard output")?;
    let mut line = String::new();
    let bytes = BufReader::new(stdout).read_line(&mut line).context("cannot read what the load says")?;
    Ok(bytes > 0)
}

/// The memory of all BPF maps of a process, as the kernel accounts it (`memlock`).
fn map_bytes(pid: u32) -> Result<u64> {
    let mut maps = BTreeMap::new();
    for info in descriptors(pid)? {
        let (Some(_), Some(id), Some(bytes)) =
            (field(&info, "map_type"), field(&info, "map_id"), field(&info, "memlock"))
        else {
            continue;
        };
        let bytes: u64 = bytes.parse().with_context(|| format!("memlock of map {id} is {bytes:?}"))?;
        // A map may have several descriptors.
        maps.insert(id.to_owned(), bytes);
    }
    ensure!(!maps.is_empty(), "process {pid} has no BPF maps");
    Ok(maps.values().sum())
}
