//! Kernel modules, each after those that it depends on.

use anyhow::{Context as _, Result};
use object::{Object as _, ObjectSection as _};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use xtask::command::Run as _;

/// The modules that the guest needs to reach the host's files and its disk. One that a kernel does not have as a module
/// is built into it; if it is not, the guest says what it cannot mount.
pub(super) const NEEDED: [&str; 8] = [
    "virtio_pci",
    "virtio_blk",
    // ext4 asks for this checksum by the name of the algorithm, which is no dependency that a module states.
    "crc32c_intel",
    "crc32c_generic",
    "9pnet_virtio",
    "9p",
    "overlay",
    "ext4",
];

/// A module, decompressed.
pub(super) struct Module {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// The modules with these names that are below the folder, and what they depend on, in the order of loading.
pub(super) fn in_order(folder: &Path, names: &[&str]) -> Result<Vec<Module>> {
    let mut files = BTreeMap::new();
    find(folder, &mut files)?;
    let mut order = Order { files, visited: BTreeSet::new(), modules: Vec::new() };
    for name in names {
        order.add(name)?;
    }
    Ok(order.modules)
}

struct Order {
    files: BTreeMap<String, PathBuf>,
    visited: BTreeSet<String>,
    modules: Vec<Module>,
}

impl Order {
    fn add(&mut self, name: &str) -> Result<()> {
        let Some(file) = self.files.get(name).cloned() else { return Ok(()) };
        if !self.visited.insert(name.to_owned()) {
            return Ok(());
        }
        let bytes = decompressed(&file)?;
        for dependency in
            dependencies(&bytes).with_context(|| format!("cannot read the module {}", file.display()))?
        {
            self.add(&dependency)?;
        }
        self.modules.push(Module { name: name.to_owned(), bytes });
        Ok(())
    }
}

fn find(folder: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", folder.display()))?;
        let path = entry.path();
        // Links lead to the sources that the kernel was built from.
        let kind = entry.file_type().with_context(|| format!("cannot look at {}", path.display()))?;
        if kind.is_dir() {
            find(&path, files)?;
        } else if let Some((name, _)) = entry.file_name().to_string_lossy().split_once(".ko") {
            files.insert(canonical(name), path);
        }
    }
    Ok(())
}

/// A file may have either of the two in its name where a dependency has the other.
fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

fn decompressed(file: &Path) -> Result<Vec<u8>> {
    let program = match file.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => "xz",
        Some("gz") => "gzip",
        Some("zst") => "zstd",
        _ => return fs::read(file).with_context(|| format!("cannot read {}", file.display())),
    };
    Command::new(program).args(["--decompress", "--stdout"]).arg(file).read_bytes()
}

/// The fields of its `.modinfo`: strings with a NUL at the end, one of them `depends=a,b`.
fn dependencies(module: &[u8]) -> Result<Vec<String>> {
    let file = object::File::parse(module)?;
    let section = file.section_by_name(".modinfo").context("it has no section .modinfo")?;
    Ok(listed(section.data()?))
}

fn listed(modinfo: &[u8]) -> Vec<String> {
    let depends = modinfo.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"depends="));
    let names = String::from_utf8_lossy(depends.unwrap_or_default());
    names.split(',').filter(|name| !name.is_empty()).map(canonical).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_from_modinfo() {
        let modinfo = b"license=GPL\0depends=netfs,9pnet\0retpoline=Y\0softdepends=no\0";
        assert_eq!(listed(modinfo), ["netfs", "9pnet"]);
        assert_eq!(listed(b"depends=\0license=GPL\0"), [""; 0]);
        assert_eq!(listed(b"depends=crc-itu-t\0"), ["crc_itu_t"]);
        assert_eq!(listed(b"license=GPL\0"), [""; 0]);
    }
}
