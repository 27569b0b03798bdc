//! A page toucher: one minor fault for each page of fresh memory.

use crate::{cpu, gate::Gate, parts};
use anyhow::{Context as _, Result};
use memmap2::{Advice, MmapMut};
use std::time::{Duration, Instant};

/// Bytes of a page on x86-64, the only machine the profiler knows.
const PAGE_BYTES: usize = 4096;

/// The nanoseconds of one fault. In a virtual machine the first parts include faults of the host; memory that
/// was used a moment ago is there already.
pub(crate) fn touch(pages: u32, gate: &Gate) -> Result<f64> {
    cpu::pin()?;
    gate.pass()?;
    parts::nanoseconds_each(pages, touch_fresh)
}

fn touch_fresh(pages: u32) -> Result<Duration> {
    let mut memory = MmapMut::map_anon(pages as usize * PAGE_BYTES).context("cannot map memory")?;
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
