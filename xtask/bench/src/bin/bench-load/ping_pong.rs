//! Two processes on one CPU that wake each other through two pipes: a round trip is two waits, two wakes and
//! two switches, and nearly nothing else.

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

/// Round trips before the clock starts: both processes have then touched what they need.
const WARM_UP: u32 = 1_000;

/// The nanoseconds of one round trip, with so much work before each.
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

/// Takes a fixed amount of CPU time that does not depend on what a profiler does meanwhile: multiplications, each
/// of the result before.
fn multiply(times: u32) {
    let mut product = hint::black_box(3_u32);
    for _ in 0..times {
        product = hint::black_box(product.wrapping_mul(5));
    }
}

/// Sends back every byte, until none comes.
pub(crate) fn echo() -> Result<()> {
    // Files rather than the standard streams, whose buffers and locks would be measured too.
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned().context("cannot read from a pipe")?);
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned().context("cannot write to a pipe")?);
    let mut ball = [0];
    while input.read(&mut ball).context("cannot read from the first process")? == 1 {
        output.write_all(&ball).context("cannot write to the first process")?;
    }
    Ok(())
}
