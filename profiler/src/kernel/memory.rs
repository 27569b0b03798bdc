//! Slots and bucket pages, mapped read-only: the only place that reads memory the kernel writes.

use anyhow::{Context, Result};
use aya::maps::MapData;
use memmap2::{MmapOptions, MmapRaw};
use profiler_ebpf::layout::{BucketPage, Slot};
use std::marker::PhantomData;
use std::os::fd::{AsFd as _, AsRawFd as _};

/// Types that may be read from mapped memory: any bytes are a valid value.
///
/// # Safety
/// The type must consist of integers only, without padding.
pub(super) unsafe trait Plain: Copy {}

// SAFETY: integers only; the size is asserted beside the definition.
unsafe impl Plain for Slot {}
// SAFETY: as above.
unsafe impl Plain for BucketPage {}

/// A mapped BPF array.
pub(super) struct MappedArray<T: Plain> {
    memory: MmapRaw,
    len: usize,
    elements: PhantomData<T>,
}

impl<T: Plain> MappedArray<T> {
    /// Maps an array of `len` elements.
    pub(super) fn new(map: &MapData, len: u32) -> Result<Self> {
        let len = len as usize;
        let memory = MmapOptions::new()
            .len(len * size_of::<T>())
            .map_raw_read_only(map.fd().as_fd().as_raw_fd())
            .context("cannot map the memory that the programs write to")?;
        Ok(Self { memory, len, elements: PhantomData })
    }

    /// A copy of one element; `None` beyond the end.
    pub(super) fn read(&self, index: u32) -> Option<T> {
        let index = index as usize;
        if index >= self.len {
            return None;
        }
        let element = self.memory.as_ptr().cast::<T>().wrapping_add(index);
        // SAFETY: within the mapping, which is page-aligned and lives as long as `self`. Volatile, because the
        // kernel writes to it; `T` is plain, so that any bytes read are a value of it.
        Some(unsafe { element.read_volatile() })
    }
}
