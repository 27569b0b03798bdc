//! Mounted file systems.

use procfs_core::FromBufRead as _;
use procfs_core::process::{MountInfo, MountInfos};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

/// The mounts that this process sees; none if the kernel does not tell. Read below `root`: `/`, or a copy in tests.
pub(crate) fn mounts(root: &Path) -> Vec<MountInfo> {
    File::open(root.join("proc/self/mountinfo"))
        .ok()
        .and_then(|file| MountInfos::from_buf_read(BufReader::new(file)).ok())
        .map_or_else(Vec::new, |MountInfos(mounts)| mounts)
}
