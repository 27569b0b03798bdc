//! Two processes on one CPU that wake each other through two pipes. A round trip is two waits, two wakes, two
//! switches, and little else.

use crate::{cpu, gate::Gate, parts};
use anyhow::{Context as _, Result, ensure};
use std::{
    env,
    fs::File,
    hint,
    io::{self, Read, Write},
    os::fd::AsFd as _,
    process::{Command, Stdio},
    time::Instant,
};

/// Round trips before timing starts, for both processes to touch their memory.
const WARM_UP: u32 = 1_000;

/// Nanoseconds of one round trip, with `work` multiplications before each.
pub(crate) fn ping_pong(trips: u32, work: u32, gate: &Gate) -> Result<f64> {
    cpu::pin()?;
    let mut other = Command::new(env::current_exe().context("cannot find this program's own file")?)
        .arg("echo")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the other process")?;
    let mut there = other.stdin.take().context("the other process has no standard input")?;
    let mut back = other.stdout.take().context("the other process has no standard output")?;
    play(&mut there, &mut back, WARM_UP, work)?;
    gate.pass()?;
    let each = parts::nanoseconds_each(trips, |trips| {
        let begun = Instant::now();
        play(&mut there, &mut back, trips, work)?;
        Ok(begun.elapsed())
    })?;
    drop(there);
    let status = other.wait().context("cannot wait for the other process")?;
    ensure!(status.success(), "the other process failed: {status}");
    Ok(each)
}

fn play(there: &mut impl Write, back: &mut impl Read, trips: u32, work: u32) -> Result<()> {
    let mut ball = [0];
    for _ in 0..trips {
        multiply(work);
        there.write_all(&ball).context("cannot write to the other process")?;
        back.read_exact(&mut ball).context("cannot read from the other process")?;
    }
    Ok(())
}

/// Uses a fixed amount of CPU time, independent of a profiler: a chain of dependent multiplications.
fn multiply(times: u32) {
    let mut product = hint::black_box(3_u32);
    for _ in 0..times {
        product = hint::black_box(product.wrapping_mul(5));
    }
}

/// Echoes every byte until the end of input.
pub(crate) fn echo() -> Result<()> {
    // Plain files: buffers and locks of the standard streams would be measured too.
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned().context("cannot read from a pipe")?);
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned().context("cannot write to a pipe")?);
    let mut ball = [0];
    while input.read(&mut ball).context("cannot read from the first process")? == 1 {
        output.write_all(&ball).context("cannot write to the first process")?;
    }
    Ok(())
}
