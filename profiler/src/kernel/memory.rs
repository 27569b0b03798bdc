//! Slots and bucket pages, mapped read-only: the only place that reads memory the kernel writes.

use anyhow::{Context, Result};
use aya::maps::MapData;
use memmap2::{MmapOptions, MmapRaw};
use profiler_ebpf::layout::{BucketPage, MetricSlot, Slot};
use profiler_ebpf::metric::Metric;
use std::cell::OnceCell;
use std::marker::PhantomData;
use std::mem::offset_of;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};

/// Bytes that are mapped at a time, once something in them is read: the kernel counts every mapped page as memory of this
/// process, and most arrays are never full.
const PIECE: usize = 1 << 20;

/// Types that may be read from mapped memory: any bytes are a valid value.
///
/// # Safety
/// The type must consist of integers only, without padding.
pub(super) unsafe trait Plain: Copy {}

// SAFETY: integers only; the size is asserted beside the definition.
unsafe impl Plain for Slot {}
// SAFETY: as above.
unsafe impl Plain for BucketPage {}

/// A BPF array, mapped piece by piece.
pub(super) struct MappedArray<T: Plain> {
    map: OwnedFd,
    pieces: Vec<OnceCell<MmapRaw>>,
    len: usize,
    elements: PhantomData<T>,
}

impl<T: Plain> MappedArray<T> {
    /// Elements in a piece. None lies in two.
    const IN_PIECE: usize = {
        assert!(PIECE.is_multiple_of(size_of::<T>()));
        PIECE / size_of::<T>()
    };

    /// An array of `len` elements.
    pub(super) fn new(map: &MapData, len: u32) -> Result<Self> {
        let len = len as usize;
        let map = map.fd().as_fd().try_clone_to_owned().context("cannot keep the programs' memory open")?;
        let pieces = (0..len.div_ceil(Self::IN_PIECE)).map(|_| OnceCell::new()).collect();
        Ok(Self { map, pieces, len, elements: PhantomData })
    }

    /// A copy of one element.
    pub(super) fn read(&self, index: u32) -> Result<T> {
        let element = self.element(index)?;
        // SAFETY: `element` is within a mapping, which is page-aligned and lives as long as `self`. Volatile, because
        // the kernel writes to it; `T` is plain, so that any bytes read are a value of it.
        Ok(unsafe { element.read_volatile() })
    }

    /// Where an element is mapped.
    fn element(&self, index: u32) -> Result<*const T> {
        let index = index as usize;
        let piece = self.pieces.get(index / Self::IN_PIECE).filter(|_| index < self.len);
        let piece =
            piece.with_context(|| format!("the programs' memory has {} elements, no {index}", self.len))?;
        let mapped = match piece.get() {
            Some(mapped) => mapped,
            None => {
                let mapped = self.mapped(index / Self::IN_PIECE)?;
                piece.get_or_init(|| mapped)
            }
        };
        Ok(mapped.as_ptr().cast::<T>().wrapping_add(index % Self::IN_PIECE))
    }

    fn mapped(&self, piece: usize) -> Result<MmapRaw> {
        let elements = Self::IN_PIECE.min(self.len - piece * Self::IN_PIECE);
        MmapOptions::new()
            .offset((piece * PIECE) as u64)
            .len(elements * size_of::<T>())
            .map_raw_read_only(self.map.as_raw_fd())
            .context("cannot map the memory that the programs write to")
    }
}

impl MappedArray<Slot> {
    /// The phase of a slot.
    pub(super) fn phase(&self, index: u32) -> Result<u32> {
        let phase = self.element(index)?.wrapping_byte_add(offset_of!(Slot, phase)).cast::<u32>();
        // SAFETY: as in `read`, of one field.
        Ok(unsafe { phase.read_volatile() })
    }

    /// How many samples of each metric are in a slot.
    pub(super) fn counts(&self, index: u32) -> Result<[u64; Metric::COUNT]> {
        let first = self.element(index)?.wrapping_byte_add(offset_of!(Slot, metrics)).cast::<MetricSlot>();
        Ok(std::array::from_fn(|metric| {
            let metric = first.wrapping_add(metric);
            let count = metric.wrapping_byte_add(offset_of!(MetricSlot, totals.count)).cast::<u64>();
            // SAFETY: as in `read`, of one field: a slot has `Metric::COUNT` metrics.
            unsafe { count.read_volatile() }
        }))
    }
}
