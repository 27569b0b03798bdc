//! Threads on one CPU that wake each other in turn: each pass of the token is one wait, one wake and one switch,
//! and every thread is as long away from the CPU as all others together are on it.

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

/// A place in the ring.
struct Place {
    /// Known once the thread runs.
    thread: OnceLock<Thread>,
    has_token: AtomicBool,
}

struct Ring {
    places: Vec<Place>,
    over: AtomicBool,
}

impl Ring {
    /// Puts the token where the next one finds it.
    fn pass_on(&self, place: usize) {
        let next = &self.places[(place + 1) % self.places.len()];
        next.has_token.store(true, Ordering::Release);
        if let Some(thread) = next.thread.get() {
            thread.unpark();
        }
    }

    fn wait(&self, place: usize) {
        while !self.places[place].has_token.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }

    /// From the first place round to it again.
    fn lap(&self) {
        self.pass_on(0);
        self.wait(0);
    }

    /// The work of a thread that is not the first.
    fn take_part(&self, place: usize) {
        let mut over = false;
        while !over {
            self.wait(place);
            // Read while this thread has the token: in the last lap every thread sees it, and none before.
            over = self.over.load(Ordering::Acquire);
            self.pass_on(place);
        }
    }
}

/// The nanoseconds of one pass in a ring of this thread and `count` further ones.
pub(crate) fn ring(count: usize, passes: u32, gate: &Gate) -> Result<f64> {
    cpu::pin()?;
    let places =
        (0..=count).map(|_| Place { thread: OnceLock::new(), has_token: AtomicBool::new(false) }).collect();
    let ring = Arc::new(Ring { places, over: AtomicBool::new(false) });
    // Nobody else fills this place.
    let _set = ring.places[0].thread.set(thread::current());
    let mut threads = Vec::with_capacity(count);
    for place in 1..=count {
        let shared = Arc::clone(&ring);
        let thread = Builder::new()
            .stack_size(STACK_BYTES)
            .spawn(move || shared.take_part(place))
            .with_context(|| format!("only {} of {count} threads could be started", place - 1))?;
        let _set = ring.places[place].thread.set(thread.thread().clone());
        threads.push(thread);
    }
    // Every thread has then slept once, and knows the way.
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

/// In whole laps: at least one in each part.
fn timed_laps(ring: &Ring, passes: u32) -> Result<f64> {
    let members = u32::try_from(ring.places.len()).context("too many threads")?;
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
