//! Loads the BPF object: the offsets of this kernel, the user's settings, the sizes of the maps.

use super::offsets::{self, KERNEL_BTF};
use super::probes::{self, Wanted};
use crate::clock;
use crate::remedy;
use crate::settings::limits::{BUCKET_PAGE_BYTES, Limits};
use anyhow::{Context, Result};
use aya::{Btf, Ebpf, EbpfLoader, include_bytes_aligned};
use model::profile::units::Bytes;
use profiler_ebpf::layout::{BucketPage, Exited, Place, Settings, Slot};
use std::path::Path;

/// The programs, built by this package's `build.rs` or taken from `profiler-ebpf/prebuilt`.
static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/profiler-ebpf.o"));

/// Bytes of the kernel's header of a message in the ring buffer (kernel/bpf/ringbuf.c).
const MESSAGE_HEADER_BYTES: u32 = 8;

/// The smallest ring buffer the kernel makes.
pub(super) const PAGE_BYTES: u32 = 4096;

const _: () = assert!(BUCKET_PAGE_BYTES == size_of::<BucketPage>() as u64);

impl Limits {
    /// The size of the maps of such a recording.
    #[must_use]
    pub(crate) fn map_bytes(self) -> Bytes {
        // The queue of free slots holds one number more than it has, that of free pages likewise.
        let slots = (u64::from(self.max_threads) + 1) * (size_of::<Slot>() + size_of::<u32>()) as u64;
        let pages = (u64::from(self.pages()) + 1) * (size_of::<BucketPage>() + size_of::<u32>()) as u64;
        let places = (size_of::<Place>() as u64) << self.places_log2();
        Bytes(slots + pages + places + u64::from(self.ring_bytes()))
    }

    pub(super) fn pages(self) -> u32 {
        let pages = self.histogram_memory / size_of::<BucketPage>() as u64;
        // Page 0 is never allocated.
        u32::try_from(pages).unwrap_or(u32::MAX - 1).max(1) + 1
    }

    /// At most half of the table of states is in use, so that few threads collide.
    pub(super) fn places_log2(self) -> u32 {
        self.max_threads.clamp(1, 1 << 29).next_power_of_two().ilog2() + 1
    }

    /// One message a slot fits; the kernel wants a power of two of at least a page.
    pub(super) fn ring_bytes(self) -> u32 {
        let message = MESSAGE_HEADER_BYTES + size_of::<Exited>() as u32;
        self.max_threads.saturating_mul(message).max(PAGE_BYTES).next_power_of_two()
    }
}

/// The processes to record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target<'a> {
    /// The process whose next exec makes it the target, as this process sees its number; 0 for none.
    pub pid: u32,
    /// Processes that live already, whose threads join.
    pub living: &'a [Living],
}

/// A process that lives already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Living {
    /// Its number, as this process sees it.
    pub pid: u32,
    /// The start, in clock ticks since boot: tells it from another one that has its number later.
    pub start_ticks: u64,
}

/// The object in the kernel: maps made, programs not yet verified.
pub(super) struct Loaded {
    pub(super) ebpf: Ebpf,
    /// With what is known of the kernel.
    pub(super) wanted: Wanted,
}

/// Makes the maps for what is wanted, but for what the kernel's own fields say. Returns that too.
pub(super) fn load(target: Target<'_>, wanted: Wanted, btf: &Btf) -> Result<Loaded> {
    let offsets = offsets::resolve(Path::new(KERNEL_BTF))?;
    let wanted = Wanted { throttles_queues: offsets.throttling.is_by_run_queue(), ..wanted };
    let settings = settings(target, &wanted)?;
    let mut loader = EbpfLoader::new();
    loader
        .btf(Some(btf))
        .override_global("OFFSETS", &offsets, true)
        .override_global("SETTINGS", &settings, true)
        // Task storage, which aya 0.14 makes but has no type for.
        .allow_unsupported_maps();
    for (name, entries) in probes::map_sizes(&probes::ALL, &wanted) {
        loader.map_max_entries(name, entries);
    }
    let ebpf = loader.load(OBJECT).context("the kernel did not take the BPF object")?;
    Ok(Loaded { ebpf, wanted })
}

fn settings(target: Target<'_>, wanted: &Wanted) -> Result<Settings> {
    let (namespace_device, namespace_inode) = own_pid_namespace()?;
    Ok(Settings {
        namespace_device,
        namespace_inode,
        boottime_offset_ns: clock::offsets()?.boottime_ns.cast_unsigned(),
        target_pid: target.pid,
        follow_children: u32::from(wanted.follow),
        slots: wanted.limits.max_threads,
        pages: wanted.limits.pages(),
        place_shift: u32::BITS - wanted.limits.places_log2(),
        joins: u32::from(wanted.joins()),
        watches: u32::from(wanted.watches),
        reserved: 0,
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
