//! The cost of the recording itself: the kernel's statistics of the BPF programs, the memory of the maps, and the
//! kernel's account of this process.

use super::hooks;
use super::session::Session;
use anyhow::{Context, Result, bail};
use aya::Ebpf;
use aya::sys::{Stats, enable_stats};
use model::profile::self_cost::{ProgramCost, SelfCost};
use model::profile::units::{Bytes, Nanos};
use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::collections::BTreeMap;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Says whether the kernel keeps the statistics for everyone, whoever asked for it.
const SYSCTL: &str = "proc/sys/kernel/bpf_stats_enabled";

/// Bytes of a kibibyte, in which the kernel tells the resident set.
const KIB: u64 = 1024;

/// A measurement under way. The kernel keeps the statistics as long as it lives.
pub struct Measurement {
    _statistics: Option<OwnedFd>,
    before: Usage,
}

/// The kernel's figures of the programs and the maps.
pub struct KernelCost {
    programs: Vec<ProgramCost>,
    map_bytes: Bytes,
}

impl Measurement {
    /// Starts it. Programs that are loaded later are counted from their first run.
    ///
    /// # Errors
    /// If the kernel refuses the statistics.
    pub fn start() -> Result<Self> {
        Ok(Self { _statistics: statistics(Path::new("/"))?, before: own_usage()? })
    }

    /// Ends it.
    ///
    /// # Errors
    /// If the kernel doesn't tell this process's usage.
    pub fn finish(self, kernel: KernelCost) -> Result<SelfCost> {
        let after = own_usage()?;
        let grown = |time: fn(&Usage) -> nix::sys::time::TimeVal| {
            Nanos(u64::try_from((time(&after) - time(&self.before)).num_nanoseconds()).unwrap_or(0))
        };
        Ok(SelfCost {
            programs: kernel.programs,
            user_ns: grown(Usage::user_time),
            system_ns: grown(Usage::system_time),
            max_rss_bytes: Bytes(u64::try_from(after.max_rss()).unwrap_or(0) * KIB),
            map_bytes: kernel.map_bytes,
        })
    }
}

fn own_usage() -> Result<Usage> {
    getrusage(UsageWho::RUSAGE_SELF).context("cannot read this process's usage")
}

/// Asks for the statistics; `None` if they are kept already and this process may not ask.
fn statistics(root: &Path) -> Result<Option<OwnedFd>> {
    match enable_stats(Stats::RunTime) {
        Ok(statistics) => Ok(Some(statistics)),
        Err(_) if kept_for_everyone(root) => Ok(None),
        Err(error) => bail!(
            "--measure-self: the kernel does not let this process ask for statistics of BPF programs ({error}); \
             call it with CAP_SYS_ADMIN, or have them kept for everyone: sysctl kernel.bpf_stats_enabled=1"
        ),
    }
}

fn kept_for_everyone(root: &Path) -> bool {
    fs::read_to_string(root.join(SYSCTL)).is_ok_and(|value| value.trim() == "1")
}

impl KernelCost {
    /// Reads it while the programs are loaded. What closes the records at the end is not in it: that counts as CPU
    /// time of this process.
    ///
    /// # Errors
    /// If the kernel doesn't tell it.
    pub fn read(session: &Session) -> Result<Self> {
        Ok(Self { programs: programs(session.ebpf())?, map_bytes: map_bytes(Path::new("/"))? })
    }
}

/// The programs that ran, by name.
fn programs(ebpf: &Ebpf) -> Result<Vec<ProgramCost>> {
    let mut costs = Vec::new();
    for (name, program) in hooks::loaded(ebpf) {
        let info =
            program.info().with_context(|| format!("cannot read the statistics of the program {name}"))?;
        let run_time_ns = Nanos(u64::try_from(info.run_time().as_nanos()).unwrap_or(u64::MAX));
        costs.push(ProgramCost { name: name.to_owned(), runs: info.run_count(), run_time_ns });
    }
    costs.retain(|cost| cost.runs > 0);
    costs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(costs)
}

/// The `memlock` of every BPF map that this process holds (kernel/bpf/syscall.c `bpf_map_show_fdinfo`).
fn map_bytes(root: &Path) -> Result<Bytes> {
    let folder = root.join("proc/self/fdinfo");
    let mut maps = BTreeMap::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry.with_context(|| format!("cannot read {}", folder.display()))?.path();
        // The descriptor that reads the folder is closed by now.
        let Ok(info) = fs::read_to_string(path) else { continue };
        let field = |name| info.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        // A map may have several descriptors.
        if let (Some(id), Some(bytes)) = (field("map_id:"), field("memlock:")) {
            let parsed: u64 =
                bytes.parse().with_context(|| format!("the memory of map {id} is {bytes:?}"))?;
            maps.insert(id.to_owned(), parsed);
        }
    }
    Ok(Bytes(maps.values().sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statistics_may_be_kept_already() {
        let root = tempfile::tempdir().unwrap();
        assert!(!kept_for_everyone(root.path()), "a kernel that does not say");
        let file = root.path().join(SYSCTL);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "0\n").unwrap();
        assert!(!kept_for_everyone(root.path()));
        fs::write(&file, "1\n").unwrap();
        assert!(kept_for_everyone(root.path()));
    }

    #[test]
    fn each_map_counts_once() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("proc/self/fdinfo");
        fs::create_dir_all(&folder).unwrap();
        for (fd, info) in [
            ("3", "pos:\t0\nmap_type:\t2\nmemlock:\t4096\nmap_id:\t7\n"),
            ("4", "pos:\t0\nmap_type:\t2\nmemlock:\t4096\nmap_id:\t7\n"),
            ("5", "pos:\t0\nmap_type:\t6\nmemlock:\t100\nmap_id:\t8\n"),
            ("6", "pos:\t0\nprog_id:\t9\nmemlock:\t8192\n"),
        ] {
            fs::write(folder.join(fd), info).unwrap();
        }
        assert_eq!(map_bytes(root.path()).unwrap(), Bytes(4196));
    }
}
