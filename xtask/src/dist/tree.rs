//! A folder that is laid out for a package.

use anyhow::{Context as _, Result};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};
use xtask::command::Run as _;

/// For programs and folders, and for all else.
pub(super) const PROGRAM: u32 = 0o755;
pub(super) const FILE: u32 = 0o644;

/// The folder.
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// An empty one, whatever was there.
    pub(super) fn new(root: PathBuf) -> Result<Self> {
        if root.exists() {
            fs::remove_dir_all(&root).with_context(|| format!("cannot remove {}", root.display()))?;
        }
        let tree = Self { root };
        tree.folder(Path::new(""))?;
        Ok(tree)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Folders have the same mode whatever the umask is.
    fn folder(&self, path: &Path) -> Result<()> {
        let folder = self.root.join(path);
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        for folder in path.ancestors().map(|ancestor| self.root.join(ancestor)) {
            fs::set_permissions(&folder, Permissions::from_mode(PROGRAM))?;
        }
        Ok(())
    }

    pub(super) fn put(&self, path: &str, bytes: &[u8], mode: u32) -> Result<()> {
        self.make_way(path)?;
        let file = self.root.join(path);
        fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
        fs::set_permissions(&file, Permissions::from_mode(mode))?;
        Ok(())
    }

    /// As Debian has it for documentation; without the time, so that the same text gives the same bytes.
    pub(super) fn put_compressed(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.put(path, bytes, FILE)?;
        Command::new("gzip").args(["--no-name", "--best", "--force"]).arg(self.root.join(path)).run()
    }

    pub(super) fn link(&self, path: &str, to: &str) -> Result<()> {
        self.make_way(path)?;
        symlink(to, self.root.join(path)).with_context(|| format!("cannot make the link {path}"))
    }

    fn make_way(&self, path: &str) -> Result<()> {
        Path::new(path).parent().map_or(Ok(()), |folder| self.folder(folder))
    }

    /// The files, by path.
    pub(super) fn files(&self) -> Result<Vec<String>> {
        let list = Command::new("find")
            .current_dir(&self.root)
            .args([".", "-type", "f", "-printf", "%P\\n"])
            .read()?;
        let mut files: Vec<String> = list.lines().map(ToOwned::to_owned).collect();
        files.sort();
        Ok(files)
    }
}
