//! Paths in the checkout.

use anyhow::{Context as _, Result};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The checkout that `cargo xtask` was called in.
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds it through the variable that `cargo run` sets, so that a checkout may be moved.
    pub fn find() -> Result<Self> {
        let package =
            env::var_os("CARGO_MANIFEST_DIR").context("CARGO_MANIFEST_DIR is not set: call `cargo xtask`")?;
        let root = Path::new(&package).ancestors().find(|folder| folder.join("Cargo.lock").is_file());
        let root = root.context("no folder above CARGO_MANIFEST_DIR has a Cargo.lock")?;
        Ok(Self { root: root.to_path_buf() })
    }

    /// The top folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The committed BPF object.
    pub fn prebuilt(&self) -> PathBuf {
        self.root.join("profiler-ebpf/prebuilt/profiler-ebpf.o")
    }

    /// The folder that cargo builds in.
    pub fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// The folder of the release binaries.
    pub fn release(&self) -> PathBuf {
        self.target().join("release")
    }

    /// The folder that cargo builds for BPF in: its own, because its compiler and flags are its own.
    pub fn bpf_target(&self) -> PathBuf {
        self.target().join("bpf")
    }

    /// The folder of the programs that `cargo xtask setup` installs.
    pub fn tools(&self) -> PathBuf {
        self.target().join("tools")
    }

    /// The cargo that started us.
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.root).env("CARGO_TARGET_DIR", self.target());
        cargo
    }
}

/// Writes a file whole or not at all, and leaves it untouched when it has these bytes already: a new time of
/// change would make cargo build what embeds it again. Says whether it wrote.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(false);
    }
    let folder = path.parent().with_context(|| format!("{} has no parent folder", path.display()))?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let partial = path.with_extension("partial");
    fs::write(&partial, bytes).with_context(|| format!("cannot write {}", partial.display()))?;
    fs::rename(&partial, path).with_context(|| format!("cannot replace {}", path.display()))?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_when_its_bytes_differ() {
        let folder = env::temp_dir().join(format!("xtask-write-{}", std::process::id()));
        let path = folder.join("made/file.o");
        assert!(write_if_changed(&path, b"one").unwrap());
        assert!(!write_if_changed(&path, b"one").unwrap());
        assert!(write_if_changed(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing partial is left");
        fs::remove_dir_all(folder).unwrap();
    }
}
