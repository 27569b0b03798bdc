//! Slots and bucket pages, mapped: the only place that reads memory the kernel writes. What is taken out of it is taken
//! in one step, so that nothing a program adds meanwhile is lost; for that alone it is mapped to be written.

use crate::record::pages::Page;
use anyhow::{Context, Result, ensure};
use aya::maps::MapData;
use memmap2::{MmapOptions, MmapRaw};
use model::buckets::{self, PAGE_BUCKETS};
use model::metric::Metric;
use profiler_ebpf::layout::{BucketPage, MetricSlot, Slot};
use std::cell::OnceCell;
use std::marker::PhantomData;
use std::mem::offset_of;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes that are mapped at a time, at most, once something in them is read: the kernel counts every mapped page as
/// memory of this process, and most arrays are never full.
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

/// The access to mapped memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It is read.
    Read,
    /// It is read, and things are taken out of it.
    Take,
}

/// A BPF array, mapped piece by piece.
pub(super) struct MappedArray<T: Plain> {
    map: OwnedFd,
    access: Access,
    pieces: Vec<OnceCell<MmapRaw>>,
    len: usize,
    elements: PhantomData<T>,
}

impl<T: Plain> MappedArray<T> {
    /// Elements in a piece: as many as begin and end at a page. None lies in two.
    const IN_PIECE: usize = {
        /// So many elements of whole cache lines take whole pages.
        const TOGETHER: usize = 4096 / 64;
        assert!(size_of::<T>().is_multiple_of(64));
        PIECE / size_of::<T>() / TOGETHER * TOGETHER
    };

    /// Bytes of a piece.
    const PIECE_BYTES: usize = Self::IN_PIECE * size_of::<T>();

    /// An array of `len` elements.
    pub(super) fn new(map: &MapData, len: u32, access: Access) -> Result<Self> {
        let len = len as usize;
        let map = map.fd().as_fd().try_clone_to_owned().context("cannot keep the programs' memory open")?;
        let pieces = (0..len.div_ceil(Self::IN_PIECE)).map(|_| OnceCell::new()).collect();
        Ok(Self { map, access, pieces, len, elements: PhantomData })
    }

    /// The number of elements.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// A copy of one element.
    pub(super) fn read(&self, index: u32) -> Result<T> {
        let element = self.element(index)?;
        // SAFETY: `element` is within a mapping, which is page-aligned and lives as long as `self`. Volatile, because
        // the kernel writes to it; `T` is plain, so that any bytes read are a value of it.
        Ok(unsafe { element.read_volatile() })
    }

    /// The address of an element.
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
        let mut options = MmapOptions::new();
        options.offset((piece * Self::PIECE_BYTES) as u64).len(elements * size_of::<T>());
        let mapped = match self.access {
            Access::Read => options.map_raw_read_only(self.map.as_raw_fd()),
            Access::Take => options.map_raw(self.map.as_raw_fd()),
        };
        mapped.context("cannot map the memory that the programs write to")
    }

    /// The address of an element that is to be changed.
    fn changeable(&self, index: u32) -> Result<*mut T> {
        ensure!(self.access == Access::Take, "nothing may be taken out of memory that is mapped to be read");
        self.element(index).map(<*const T>::cast_mut)
    }
}

impl MappedArray<BucketPage> {
    /// Takes out what is counted in a page; `None` if nothing is. The programs add to a counter in one step.
    pub(super) fn take(&self, index: u32) -> Result<Option<Box<Page<u32>>>> {
        let first = self.changeable(index)?.cast::<u32>();
        let mut taken: Option<Box<Page<u32>>> = None;
        // Most counters of a page are 0, and an exchange takes much longer than a read.
        for (cell, counted) in self.read(index)?.counts.into_iter().enumerate() {
            if counted != 0 {
                // SAFETY: as in `read`, and mapped to be written; a page is `PAGE_BUCKETS` aligned counters, which are
                // changed in one step by everybody while user space takes out of them.
                let counter = unsafe { AtomicU32::from_ptr(first.wrapping_add(cell)) };
                let taken = taken.get_or_insert_with(|| Box::new([0; PAGE_BUCKETS]));
                taken[cell] = counter.swap(0, Ordering::Relaxed);
            }
        }
        Ok(taken)
    }
}

impl MappedArray<Slot> {
    /// Takes a page away from a slot, which will be given another one if it needs one. Returns whether the slot had it.
    pub(super) fn take_page(&self, index: u32, metric: Metric, number: usize, page: u32) -> Result<bool> {
        let metrics =
            self.changeable(index)?.wrapping_byte_add(offset_of!(Slot, metrics)).cast::<MetricSlot>();
        let pages = metrics.wrapping_add(metric.index()).wrapping_byte_add(offset_of!(MetricSlot, pages));
        ensure!(number < buckets::PAGES, "a metric has no page {number}");
        // SAFETY: as in `read`, and mapped to be written: one aligned field of the slot. A program writes to it only
        // where it has read 0, user space only where it has read another number.
        let place = unsafe { AtomicU32::from_ptr(pages.cast::<u32>().wrapping_add(number)) };
        Ok(place.compare_exchange(page, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok())
    }

    /// The phase of a slot.
    pub(super) fn phase(&self, index: u32) -> Result<u32> {
        let phase = self.element(index)?.wrapping_byte_add(offset_of!(Slot, phase)).cast::<u32>();
        // SAFETY: as in `read`, of one field.
        Ok(unsafe { phase.read_volatile() })
    }

    /// The number of samples of each metric in a slot.
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
