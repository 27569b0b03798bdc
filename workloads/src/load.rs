//! The memory and the CPU that a task can be made to use.

use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, Result};
use memmap2::{Advice, MmapMut};
use nix::time::{ClockId, clock_gettime};

/// The distance between two writes, in bytes: the smallest page of every machine Linux runs on.
pub const PAGE_BYTES: usize = 4096;

/// Rounds between two looks at the clock, about 4 µs. The kernel answers for a thread's CPU time only by a
/// system call (about 0.4 µs), which would otherwise make most of the time burnt system time.
const SPIN_ROUNDS: u32 = 4096;

/// Maps `bytes` of fresh memory and writes to each page of it, so that each page faults; `None` for 0 bytes.
///
/// It is a mapping of its own because an allocator would hand the next task the pages of the last one, which
/// are present already. The memory goes back when the result is dropped.
///
/// # Errors
/// If the kernel refuses the mapping.
pub fn touch(bytes: usize) -> Result<Option<MmapMut>> {
    if bytes == 0 {
        return Ok(None);
    }
    let mut memory = MmapMut::map_anon(bytes)
        .with_context(|| format!("cannot map {bytes} bytes for a task: choose a smaller --touch"))?;
    // A huge page would answer 512 writes with one fault. A kernel built without huge pages refuses the
    // advice (EINVAL) and does not need it.
    memory.advise(Advice::NoHugePage).ok();
    for first in memory.iter_mut().step_by(PAGE_BYTES) {
        *first = 1;
    }
    Ok(Some(black_box(memory)))
}

/// Burns at least `time` of the calling thread's CPU time, in user mode but for the looks at the clock.
///
/// # Errors
/// If the kernel does not tell the thread's CPU time.
pub fn spin(time: Duration) -> Result<()> {
    if time.is_zero() {
        return Ok(());
    }
    let end = thread_cpu_time()?.saturating_add(time);
    let mut state = 1_u64;
    while thread_cpu_time()? < end {
        for _ in 0..SPIN_ROUNDS {
            state = black_box(state.rotate_left(5).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        }
    }
    Ok(())
}

/// The CPU time that the calling thread has used, user and system.
fn thread_cpu_time() -> Result<Duration> {
    let now = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    Ok(now.context("cannot read the thread's CPU time: run without --spin")?.into())
}

#[cfg(test)]
mod tests {
    use nix::sys::resource::{UsageWho, getrusage};

    use super::*;

    fn minor_faults() -> i64 {
        getrusage(UsageWho::RUSAGE_THREAD).unwrap().minor_page_faults()
    }

    #[test]
    fn each_page_faults_each_time() {
        const PAGES: usize = 1024; // 4 MiB: two huge pages, if they were allowed
        for _ in 0..3 {
            let before = minor_faults();
            let memory = touch(PAGES * PAGE_BYTES).unwrap();
            assert_eq!(memory.map(|memory| memory.len()), Some(PAGES * PAGE_BYTES));
            assert!(minor_faults() - before >= PAGES as i64);
        }
    }

    #[test]
    fn the_first_byte_of_each_page_is_written() {
        let memory = touch(2 * PAGE_BYTES + 1).unwrap().unwrap();
        let written: Vec<usize> = (0..memory.len()).filter(|&place| memory[place] != 0).collect();
        assert_eq!(written, [0, PAGE_BYTES, 2 * PAGE_BYTES]);
    }

    #[test]
    fn nothing_is_mapped_for_no_bytes() {
        assert!(touch(0).unwrap().is_none());
    }

    #[test]
    fn too_much_memory_is_an_error_that_names_the_flag() {
        let error = touch(usize::MAX / 4).unwrap_err();
        assert!(format!("{error:#}").contains("choose a smaller --touch"), "{error:#}");
    }

    #[test]
    fn spinning_burns_at_least_the_time_asked_for() {
        let time = Duration::from_millis(5);
        let before = thread_cpu_time().unwrap();
        spin(time).unwrap();
        assert!(thread_cpu_time().unwrap() - before >= time);
    }
}
