//! Limits of a recording. The sizes of the kernel's maps that follow from them are in `kernel::load`.

/// Limits of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads recorded at the same time.
    pub max_threads: u32,
    /// Memory for buckets, in bytes.
    pub histogram_memory: u64,
}

/// Bytes of a page of buckets; `kernel::load` holds it against the programs' own.
pub(crate) const BUCKET_PAGE_BYTES: u64 = 512;

impl Limits {
    /// Threads that fit with default settings. Their maps take 46.9 MiB.
    pub const DEFAULT_MAX_THREADS: u32 = 4096;

    /// Bucket memory a thread gets by default: 19 pages, what fits beside the slots into 48 MiB. 4 000 threads that
    /// start, wait on a barrier and exit lose nothing with it (`cargo xtask bench --only memory`).
    const HISTOGRAM_BYTES_PER_THREAD: u64 = 19 * BUCKET_PAGE_BYTES;

    /// The most that the page numbers of a slot can address, and more than any machine should be asked for.
    pub const MOST_HISTOGRAM_MEMORY: u64 = 1 << 40;

    /// Room for a number of threads, with the bucket memory that goes with it.
    #[must_use]
    pub fn for_threads(max_threads: u32) -> Self {
        // A few threads can touch every octave of every metric.
        let histogram_memory = u64::from(max_threads.max(64)) * Self::HISTOGRAM_BYTES_PER_THREAD;
        Self { max_threads, histogram_memory }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::for_threads(Self::DEFAULT_MAX_THREADS)
    }
}
