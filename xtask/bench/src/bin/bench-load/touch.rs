//! A page toucher: one minor fault for each page of fresh memory.

use crate::{cpu, gate::Gate, parts};
use anyhow::{Context as _, Result};
use memmap2::{Advice, MmapMut};
use std::time::{Duration, Instant};

/// Page size on x86-64, the only supported architecture.
const PAGE_BYTES: usize = 4096;

/// Nanoseconds of one fault. In a virtual machine the first parts include faults of the host; memory used a
/// moment ago is already backed.
pub(crate) fn touch(pages: u32, gate: &Gate) -> Result<f64> {
    cpu::pin()?;
    gate.pass()?;
    parts::nanoseconds_each(pages, touch_fresh)
}

fn touch_fresh(pages: u32) -> Result<Duration> {
    let mut memory = MmapMut::map_anon(pages as usize * PAGE_BYTES).context("cannot map memory")?;
    // A kernel without huge pages rejects the advice and does not need it.
    let _no_huge_pages = memory.advise(Advice::NoHugePage);
    let begun = Instant::now();
    for page in memory.chunks_mut(PAGE_BYTES) {
        if let Some(byte) = page.first_mut() {
            *byte = 1;
        }
    }
    Ok(begun.elapsed())
}
