//! Threads on one CPU that wake each other in turn. Each pass of the token is one wait, one wake and one
//! switch, and every thread is off the CPU for as long as all others run.

use crate::{cpu, gate::Gate, parts, threads::STACK_BYTES};
use anyhow::{Context as _, Result, anyhow};
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Builder, Thread},
    time::{Duration, Instant},
};

/// A member of the ring.
struct Member {
    /// Set once the thread runs.
    thread: OnceLock<Thread>,
    has_token: AtomicBool,
}

struct Ring {
    members: Vec<Member>,
    over: AtomicBool,
}

impl Ring {
    /// Passes the token to the next member.
    fn pass_on(&self, index: usize) {
        let next = &self.members[(index + 1) % self.members.len()];
        next.has_token.store(true, Ordering::Release);
        if let Some(thread) = next.thread.get() {
            thread.unpark();
        }
    }

    fn wait(&self, index: usize) {
        while !self.members[index].has_token.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }

    /// Passes the token once round the ring, from the first member.
    fn lap(&self) {
        self.pass_on(0);
        self.wait(0);
    }

    /// The loop of every member but the first.
    fn take_part(&self, index: usize) {
        let mut over = false;
        while !over {
            self.wait(index);
            // Read while this thread has the token, so that all threads see it in the same lap.
            over = self.over.load(Ordering::Acquire);
            self.pass_on(index);
        }
    }
}

/// Nanoseconds of one pass in a ring of this thread and `count` others.
pub(crate) fn ring(count: usize, passes: u32, gate: &Gate) -> Result<f64> {
    cpu::pin()?;
    let members =
        (0..=count).map(|_| Member { thread: OnceLock::new(), has_token: AtomicBool::new(false) }).collect();
    let ring = Arc::new(Ring { members, over: AtomicBool::new(false) });
    // No other thread sets this cell.
    let _set = ring.members[0].thread.set(thread::current());
    let mut threads = Vec::with_capacity(count);
    for index in 1..=count {
        let shared = Arc::clone(&ring);
        let thread = Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(move || shared.take_part(index))
            .with_context(|| format!("only {} of {count} threads could be started", index - 1))?;
        let _set = ring.members[index].thread.set(thread.thread().clone());
        threads.push(thread);
    }
    // Warm-up: every thread has then slept once.
    ring.lap();
    gate.pass()?;
    let each = timed_laps(&ring, passes)?;
    ring.over.store(true, Ordering::Release);
    ring.lap();
    for thread in threads {
        thread.join().map_err(|_payload| anyhow!("a thread panicked: see above"))?;
    }
    Ok(each)
}

/// Times whole laps, at least one in each part.
fn timed_laps(ring: &Ring, passes: u32) -> Result<f64> {
    let members = u32::try_from(ring.members.len()).context("too many threads")?;
    let lap_ns = parts::nanoseconds_each(passes.div_ceil(members), |laps| {
        let begun = Instant::now();
        (0..laps).for_each(|_| ring.lap());
        Ok::<Duration, anyhow::Error>(begun.elapsed())
    })?;
    Ok(lap_ns / f64::from(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_comes_round_and_the_ring_ends() {
        for count in [1, 7] {
            assert!(ring(count, 50, &Gate::new(false)).unwrap() > 0.0);
        }
    }
}
