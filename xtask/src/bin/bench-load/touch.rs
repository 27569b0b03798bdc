//! A page toucher: one minor fault for each page of fresh memory.

use crate::cpu;
use anyhow::{Context as _, Result, ensure};
use memmap2::{Advice, MmapMut};
use std::time::{Duration, Instant};

/// Bytes of a page on x86-64, the only machine the profiler knows.
const PAGE_BYTES: usize = 4096;

/// The nanoseconds of one fault.
pub(crate) fn touch(pages: usize) -> Result<f64> {
    ensure!(pages > 0, "--pages must be at least 1");
    cpu::pin()?;
    // In a virtual machine the host's own faults come first: memory that was used a moment ago is there already.
    touch_fresh(pages)?;
    Ok(touch_fresh(pages)?.as_nanos() as f64 / pages as f64)
}

fn touch_fresh(pages: usize) -> Result<Duration> {
    let mut memory = MmapMut::map_anon(pages * PAGE_BYTES).context("cannot map memory")?;
    // A kernel without huge pages refuses the advice, and needs none.
    let _no_huge_pages = memory.advise(Advice::NoHugePage);
    let begun = Instant::now();
    for page in memory.chunks_mut(PAGE_BYTES) {
        if let Some(byte) = page.first_mut() {
            *byte = 1;
        }
    }
    Ok(begun.elapsed())
}
