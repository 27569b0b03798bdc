//! Offsets of the fields that the programs read in the running kernel, from its own type information (BTF).

use anyhow::{Context, Result, bail};
use btf_rs::{Backend, Btf, BtfType, Struct, Type};
use model::outside_text::excerpt;
use nix::sys::memfd::{MFdFlags, memfd_create};
use profiler_ebpf::layout::{Offsets, Throttling};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::AsRawFd as _;
use std::path::Path;

/// The file of the kernel's type information (`CONFIG_DEBUG_INFO_BTF`).
pub const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Unnamed structs and unions inside each other; the kernel has 3 such levels in `task_struct`.
const MOST_LEVELS: u32 = 16;

/// Opens type information, after a look at whether the parts that its header names lie in the file: `btf-rs` takes
/// their places on trust, and panics or does not come to an end where they are wrong.
///
/// # Errors
/// If the file can't be read or is not type information.
pub(crate) fn open(path: &Path, backend: Backend) -> Result<Btf> {
    let cannot = || format!("cannot read the kernel's type information {}", path.display());
    let file = File::open(path).with_context(cannot)?;
    let length = file.metadata().with_context(cannot)?.len();
    let mut header = Vec::new();
    file.take(HEADER_BYTES).read_to_end(&mut header).with_context(cannot)?;
    check_header(&header, length).with_context(cannot)?;
    Btf::from_file_with_backend(path, backend).with_context(cannot)
}

/// The size of `struct btf_header` (include/uapi/linux/btf.h).
const HEADER_BYTES: u64 = 24;

/// A header, as a little-endian machine writes it, of a file of this length.
fn check_header(header: &[u8], length: u64) -> Result<()> {
    const MAGIC: [u8; 2] = 0xeb9f_u16.to_le_bytes();
    /// The offsets of its figures: its own length, then place and length of the types and of the names.
    const FIELDS: [usize; 5] = [4, 8, 12, 16, 20];
    if !header.starts_with(&MAGIC) {
        bail!("it is of another format");
    }
    let field =
        |at: usize| header.get(at..)?.first_chunk().map(|field| u64::from(u32::from_le_bytes(*field)));
    let [Some(own), Some(types), Some(types_length), Some(names), Some(names_length)] = FIELDS.map(field)
    else {
        bail!("it is cut off");
    };
    if own + types + types_length > length || own + names + names_length > length {
        bail!("it is cut off");
    }
    Ok(())
}

/// Resolves every field in [`Offsets`].
///
/// # Errors
/// If the type information can't be read, or a field is not where this program expects it.
pub fn resolve(path: &Path) -> Result<Offsets> {
    resolve_in(&open_quickly(path)?)
}

fn resolve_in(btf: &Btf) -> Result<Offsets> {
    let task = find_struct(btf, "task_struct")?;
    let entity = find_struct(btf, "sched_entity")?;
    let registers = find_struct(btf, "pt_regs")?;
    let signal = find_struct(btf, "signal_struct")?;
    let number = find_struct(btf, "pid")?;
    let thread_info = find_struct(btf, "thread_info")?;
    let se = offset(btf, &task, "se")?;
    Ok(Offsets {
        pid: offset(btf, &task, "pid")?,
        tgid: offset(btf, &task, "tgid")?,
        flags: offset(btf, &task, "flags")?,
        comm: offset(btf, &task, "comm")?,
        start_time: offset(btf, &task, "start_time")?,
        nvcsw: offset(btf, &task, "nvcsw")?,
        nivcsw: offset(btf, &task, "nivcsw")?,
        min_flt: offset(btf, &task, "min_flt")?,
        maj_flt: offset(btf, &task, "maj_flt")?,
        sum_exec_runtime: inside(se, offset(btf, &entity, "sum_exec_runtime")?)?,
        nr_migrations: inside(se, offset(btf, &entity, "nr_migrations")?)?,
        orig_ax: offset(btf, &registers, "orig_ax")?,
        run_state: offset(btf, &task, "__state")?,
        on_cpu: offset(btf, &task, "on_cpu")?,
        start_boottime: offset(btf, &task, "start_boottime")?,
        group_leader: offset(btf, &task, "group_leader")?,
        signal: offset(btf, &task, "signal")?,
        thread_pid: offset(btf, &task, "thread_pid")?,
        signal_pids: offset(btf, &signal, "pids")?,
        pid_level: offset(btf, &number, "level")?,
        pid_numbers: offset(btf, &number, "numbers")?,
        thread_status: inside(offset(btf, &task, "thread_info")?, offset(btf, &thread_info, "status")?)?,
        throttling: throttling(btf)?,
    })
}

/// Fields that depend on the kernel's version and configuration.
fn throttling(btf: &Btf) -> Result<Throttling> {
    let in_task = |field| optional(btf, "task_struct", field);
    // It tells which of the others holds.
    let Some(prio) = in_task("prio")? else { return Ok(Throttling::default()) };
    let nested = |outer: Option<u32>, of, field| match (outer, optional(btf, of, field)?) {
        (Some(outer), Some(inner)) => inside(outer, inner).map(Some),
        _ => Ok(None),
    };
    let bytes = |bits: Option<u32>| bits.map_or(0, |bits| bits / 8);
    let cfs_rq = nested(in_task("se")?, "sched_entity", "cfs_rq")?;
    // Without its run queue nothing can be read of that.
    let of_cfs_rq = |field| Ok::<_, anyhow::Error>(cfs_rq.and(optional(btf, "cfs_rq", field)?));
    let dl_throttled = nested(in_task("dl")?, "sched_dl_entity", "dl_throttled")?;
    let cfs_rq_rq = of_cfs_rq("rq")?;
    Ok(Throttling {
        prio: prio / 8,
        task: bytes(in_task("throttled")?),
        cfs_rq: bytes(cfs_rq),
        throttle_count: bytes(of_cfs_rq("throttle_count")?),
        throttled_time: bytes(of_cfs_rq("throttled_clock_pelt_time")?),
        cfs_rq_rq: bytes(cfs_rq_rq),
        rq_rt_throttled: bytes(cfs_rq_rq.and(nested(optional(btf, "rq", "rt")?, "rt_rq", "rt_throttled")?)),
        rt_rq: bytes(nested(in_task("rt")?, "sched_rt_entity", "rt_rq")?),
        rt_throttled: bytes(optional(btf, "rt_rq", "rt_throttled")?),
        dl_throttled: bytes(dl_throttled),
        dl_throttled_mask: dl_throttled.map_or(0, |bits| 1 << (bits % 8)),
    })
}

/// The offset of a field in bits, `None` if the kernel has no such struct or it no such field.
fn optional(btf: &Btf, of: &str, field: &str) -> Result<Option<u32>> {
    let Ok(of) = find_struct(btf, of) else { return Ok(None) };
    Search { btf, field, seen: BTreeSet::new() }.find(&of, MOST_LEVELS)
}

/// Opens type information the quick way: mapped, since parsing it as a whole takes 100 ms longer than looking up the
/// few types that are needed. The kernel's own file can be mapped from Linux 6.16 on; before that a copy in memory is,
/// unless no file may grow (RLIMIT_FSIZE).
fn open_quickly(path: &Path) -> Result<Btf> {
    open(path, Backend::Mmap).or_else(|_| open_copy(path)).or_else(|_| open(path, Backend::Cache))
}

fn open_copy(path: &Path) -> Result<Btf> {
    let mut copy = File::from(memfd_create(c"btf", MFdFlags::MFD_CLOEXEC)?);
    io::copy(&mut File::open(path)?, &mut copy)?;
    open(Path::new(&format!("/proc/self/fd/{}", copy.as_raw_fd())), Backend::Mmap)
}

fn find_struct(btf: &Btf, name: &str) -> Result<Struct> {
    let types = btf
        .resolve_types_by_name(name)
        .with_context(|| format!("the kernel's types have no struct {name}"))?;
    types
        .into_iter()
        .find_map(|found| match found {
            Type::Struct(found) => Some(found),
            _ => None,
        })
        .with_context(|| format!("the kernel's types have no struct {name}"))
}

/// The place of a field in a struct that is itself a field.
fn inside(outer: u32, inner: u32) -> Result<u32> {
    outer.checked_add(inner).context("the kernel's types are damaged: a field lies beyond 4 GiB")
}

/// The offset of a field in bytes, found also inside unnamed structs and unions.
fn offset(btf: &Btf, of: &Struct, field: &str) -> Result<u32> {
    let bits = Search { btf, field, seen: BTreeSet::new() }
        .find(of, MOST_LEVELS)?
        .with_context(|| format!("the kernel's {} has no field {field}", name(btf, of)))?;
    if bits % 8 != 0 {
        bail!("the kernel's {}.{field} does not start at a whole byte", name(btf, of));
    }
    Ok(bits / 8)
}

/// The search for a field.
struct Search<'a> {
    btf: &'a Btf,
    field: &'a str,
    /// The unnamed types that do not have it: damaged ones may hold each other, or one a thousand times.
    seen: BTreeSet<u32>,
}

impl Search<'_> {
    /// Bits from the start of the struct.
    fn find(&mut self, of: &Struct, levels: u32) -> Result<Option<u32>> {
        for member in &of.members {
            let member_name = self.btf.resolve_name(member).unwrap_or_default();
            if member_name == self.field {
                return Ok(Some(member.bit_offset()));
            }
            let is_new =
                member_name.is_empty() && member.get_type_id().is_some_and(|id| self.seen.insert(id));
            if is_new
                && levels > 0
                && let Type::Struct(inner) | Type::Union(inner) = self.btf.resolve_chained_type(member)?
                && let Some(bits) = self.find(&inner, levels - 1)?
            {
                return inside(member.bit_offset(), bits).map(Some);
            }
        }
        Ok(None)
    }
}

fn name(btf: &Btf, of: &dyn BtfType) -> String {
    btf.resolve_name(of).map_or_else(|_| "struct".to_owned(), |name| excerpt(&name))
}
