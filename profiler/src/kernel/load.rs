//! Loads the BPF object: the offsets of this kernel, the user's settings, the sizes of the maps.

use super::offsets::{self, KERNEL_BTF};
use crate::clock;
use crate::remedy;
use anyhow::{Context, Result};
use aya::{Btf, Ebpf, EbpfLoader, include_bytes_aligned};
use model::profile::units::Bytes;
use profiler_ebpf::layout::{BucketPage, Exited, FAMILIES, Place, Settings, Slot};
use std::path::Path;

/// The programs, built by this package's `build.rs` or taken from `profiler-ebpf/prebuilt`.
static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/profiler-ebpf.o"));

/// Bytes of the kernel's header of a message in the ring buffer (kernel/bpf/ringbuf.c).
const MESSAGE_HEADER_BYTES: u32 = 8;

/// The smallest ring buffer the kernel makes.
const PAGE_BYTES: u32 = 4096;

/// How much room a recording has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads recorded at the same time.
    pub max_threads: u32,
    /// Memory for buckets, in bytes.
    pub histogram_memory: u64,
}

impl Limits {
    /// Threads that fit with default settings. Their maps take 46.9 MiB.
    pub const DEFAULT_MAX_THREADS: u32 = 4096;

    /// Bucket memory a thread gets by default: 19 pages, what fits beside the slots into 48 MiB. 4 000 threads that
    /// start, wait on a barrier and exit lose nothing with it (`cargo xtask bench --only memory`).
    const HISTOGRAM_BYTES_PER_THREAD: u64 = 19 * size_of::<BucketPage>() as u64;

    /// What the page numbers of a slot can address, and more than any machine should be asked for.
    pub const MOST_HISTOGRAM_MEMORY: u64 = 1 << 40;

    /// Room for a number of threads, with the bucket memory that goes with it.
    #[must_use]
    pub fn for_threads(max_threads: u32) -> Self {
        // A few threads can touch every octave of every metric.
        let histogram_memory = u64::from(max_threads.max(64)) * Self::HISTOGRAM_BYTES_PER_THREAD;
        Self { max_threads, histogram_memory }
    }

    /// What the maps of such a recording take.
    #[must_use]
    pub fn map_bytes(self) -> Bytes {
        // The queue of free slots holds one number more than it has, that of free pages likewise.
        let slots = (u64::from(self.max_threads) + 1) * (size_of::<Slot>() + size_of::<u32>()) as u64;
        let pages = (u64::from(self.pages()) + 1) * (size_of::<BucketPage>() + size_of::<u32>()) as u64;
        let places = (size_of::<Place>() as u64) << self.places_log2();
        Bytes(slots + pages + places + u64::from(self.ring_bytes()))
    }

    fn pages(self) -> u32 {
        let pages = self.histogram_memory / size_of::<BucketPage>() as u64;
        // Page 0 is never handed out.
        u32::try_from(pages).unwrap_or(u32::MAX - 1).max(1) + 1
    }

    /// At most half of the table of states is in use, so that few threads find their place taken.
    fn places_log2(self) -> u32 {
        self.max_threads.clamp(1, 1 << 29).next_power_of_two().ilog2() + 1
    }

    /// One message a slot fits; the kernel wants a power of two of at least a page.
    fn ring_bytes(self) -> u32 {
        let message = MESSAGE_HEADER_BYTES + size_of::<Exited>() as u32;
        self.max_threads.saturating_mul(message).max(PAGE_BYTES).next_power_of_two()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::for_threads(Self::DEFAULT_MAX_THREADS)
    }
}

/// Whom to record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The process whose next exec makes it the target, as this process sees its number; 0 for none.
    pub pid: u32,
    /// Processes that live already, whose threads join.
    pub living: &'a [Living],
    /// Whether its child processes join.
    pub follow_children: bool,
}

/// A process that lives already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Living {
    /// Its number, as this process sees it.
    pub pid: u32,
    /// When it was started, in clock ticks since boot: tells it from another one that has its number later.
    pub start_ticks: u64,
}

/// The object in the kernel: maps made, programs not yet verified.
pub(super) struct Loaded {
    pub(super) ebpf: Ebpf,
    pub(super) slots: u32,
    pub(super) pages: u32,
    /// True if the kernel throttles a run queue as a whole, and not one thread after another.
    pub(super) throttles_queues: bool,
}

/// Processes that can be chosen before they have joined, where they join all the time.
pub(super) const CHOSEN_AT_ONCE: usize = 1024;

/// Room for 1 638 execs, each 32 bytes and 8 of header: in the 10 ms between two looks 160 000 a second would have to come. What
/// does not fit while the daemon is kept from looking is found by a look through all processes.
const EXECS_BYTES: u32 = 1 << 16;

/// `watches` if processes join and leave all the time.
pub(super) fn load(limits: Limits, target: Target<'_>, watches: bool, btf: &Btf) -> Result<Loaded> {
    let offsets = offsets::resolve(Path::new(KERNEL_BTF))?;
    let (namespace_device, namespace_inode) = own_pid_namespace()?;
    let settings = Settings {
        namespace_device,
        namespace_inode,
        boottime_offset_ns: clock::offsets()?.boottime_ns.cast_unsigned(),
        target_pid: target.pid,
        follow_children: u32::from(target.follow_children),
        slots: limits.max_threads,
        pages: limits.pages(),
        place_shift: u32::BITS - limits.places_log2(),
        joins: u32::from(watches || !target.living.is_empty()),
        watches: u32::from(watches),
        reserved: 0,
    };
    let chosen = if watches { CHOSEN_AT_ONCE } else { target.living.len() };
    let families = if watches { FAMILIES } else { 1 };
    let ebpf = EbpfLoader::new()
        .btf(Some(btf))
        .override_global("OFFSETS", &offsets, true)
        .override_global("SETTINGS", &settings, true)
        .map_max_entries("PLACES", 1 << limits.places_log2())
        .map_max_entries("SLOTS", settings.slots)
        .map_max_entries("FREE_SLOTS", settings.slots)
        .map_max_entries("PAGES", settings.pages)
        .map_max_entries("FREE_PAGES", settings.pages)
        .map_max_entries("EXITS", limits.ring_bytes())
        .map_max_entries("CHOSEN", u32::try_from(chosen)?.max(1))
        .map_max_entries("FAMILIES", families)
        .map_max_entries("RULES", families)
        .map_max_entries("EXECS", if watches { EXECS_BYTES } else { PAGE_BYTES })
        // Task storage, which aya 0.14 makes but has no type for.
        .allow_unsupported_maps()
        .load(OBJECT)
        .context("the kernel did not take the BPF object")?;
    Ok(Loaded {
        ebpf,
        slots: settings.slots,
        pages: settings.pages,
        throttles_queues: offsets.throttling.is_by_run_queue(),
    })
}

/// Device and inode of the namespace in which this process's numbers hold. The device is as the kernel wants
/// it in `bpf_get_ns_current_pid_tgid` (kernel/bpf/helpers.c): a `dev_t` as user space sees it.
fn own_pid_namespace() -> Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    const FILE: &str = "/proc/self/ns/pid";
    let namespace = std::fs::metadata(FILE).map_err(|error| remedy::unreadable(FILE, error))?;
    Ok((namespace.dev(), namespace.ino()))
}
