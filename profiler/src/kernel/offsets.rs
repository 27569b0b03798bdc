//! Where the running kernel keeps the fields that the programs read, from its own type information (BTF).

use anyhow::{Context, Result, bail};
use btf_rs::{Backend, Btf, BtfType, Struct, Type};
use nix::sys::memfd::{MFdFlags, memfd_create};
use profiler_ebpf::layout::Offsets;
use std::{fs::File, io, os::fd::AsRawFd as _, path::Path};

/// Where the kernel shows its type information (`CONFIG_DEBUG_INFO_BTF`).
pub const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Resolves every field in [`Offsets`].
///
/// # Errors
/// If the type information can't be read, or a field is not where this program expects it.
pub fn resolve(path: &Path) -> Result<Offsets> {
    let btf = read(path)
        .with_context(|| format!("cannot read the kernel's type information {}", path.display()))?;
    let task = find_struct(&btf, "task_struct")?;
    let entity = find_struct(&btf, "sched_entity")?;
    let registers = find_struct(&btf, "pt_regs")?;
    let se = offset(&btf, &task, "se")?;
    Ok(Offsets {
        pid: offset(&btf, &task, "pid")?,
        tgid: offset(&btf, &task, "tgid")?,
        flags: offset(&btf, &task, "flags")?,
        comm: offset(&btf, &task, "comm")?,
        start_time: offset(&btf, &task, "start_time")?,
        nvcsw: offset(&btf, &task, "nvcsw")?,
        nivcsw: offset(&btf, &task, "nivcsw")?,
        min_flt: offset(&btf, &task, "min_flt")?,
        maj_flt: offset(&btf, &task, "maj_flt")?,
        sum_exec_runtime: se + offset(&btf, &entity, "sum_exec_runtime")?,
        nr_migrations: se + offset(&btf, &entity, "nr_migrations")?,
        orig_ax: offset(&btf, &registers, "orig_ax")?,
    })
}

/// Mapped, since parsing it as a whole takes 100 ms longer than looking up the few types that are needed. The kernel's
/// own file can be mapped from Linux 6.16 on; before that a copy in memory is, unless no file may grow (RLIMIT_FSIZE).
fn read(path: &Path) -> Result<Btf> {
    if let Ok(mapped) = Btf::from_file_with_backend(path, Backend::Mmap).or_else(|_| mapped_copy(path)) {
        return Ok(mapped);
    }
    Ok(Btf::from_file_with_backend(path, Backend::Cache)?)
}

fn mapped_copy(path: &Path) -> Result<Btf, btf_rs::Error> {
    let mut copy = File::from(memfd_create(c"btf", MFdFlags::MFD_CLOEXEC).map_err(io::Error::from)?);
    io::copy(&mut File::open(path)?, &mut copy)?;
    Btf::from_file_with_backend(format!("/proc/self/fd/{}", copy.as_raw_fd()), Backend::Mmap)
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

/// The offset of a field in bytes, found also inside unnamed structs and unions.
fn offset(btf: &Btf, of: &Struct, field: &str) -> Result<u32> {
    let bits = find_bits(btf, of, field)?
        .with_context(|| format!("the kernel's {} has no field {field}", name(btf, of)))?;
    if bits % 8 != 0 {
        bail!("the kernel's {}.{field} does not start at a whole byte", name(btf, of));
    }
    Ok(bits / 8)
}

fn find_bits(btf: &Btf, of: &Struct, field: &str) -> Result<Option<u32>> {
    for member in &of.members {
        let member_name = btf.resolve_name(member).unwrap_or_default();
        if member_name == field {
            return Ok(Some(member.bit_offset()));
        }
        if member_name.is_empty()
            && let Type::Struct(inner) | Type::Union(inner) = btf.resolve_chained_type(member)?
            && let Some(bits) = find_bits(btf, &inner, field)?
        {
            return Ok(Some(member.bit_offset() + bits));
        }
    }
    Ok(None)
}

fn name(btf: &Btf, of: &dyn BtfType) -> String {
    btf.resolve_name(of).unwrap_or_else(|_| "struct".to_owned())
}
