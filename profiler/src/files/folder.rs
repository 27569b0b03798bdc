//! The folder that the profiles of a comparison are written to.

use crate::target::user::Invoker;
use anyhow::{Context, Result, bail};
use nix::fcntl::OFlag;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Folders that this process created. Dropping it removes those that are still empty.
#[derive(Debug, Default)]
pub struct Made(Vec<PathBuf>);

impl Drop for Made {
    fn drop(&mut self) {
        for folder in self.0.iter().rev() {
            // A folder that is not empty stays; a failed removal is no reason to fail.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Creates a folder and its missing parents, each owned by `owner`.
///
/// # Errors
/// If a folder can't be created, or its owner can't be set.
pub fn make(folder: &Path, owner: Option<&Invoker>) -> Result<Made> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|ancestor| *ancestor != Path::new("") && !ancestor.exists()).collect();
    let mut made = Made::default();
    for ancestor in missing.into_iter().rev() {
        let is_new = make_one(ancestor, owner).with_context(|| {
            format!("cannot make the folder {}; name another one with --out", ancestor.display())
        })?;
        made.0.extend(is_new.then(|| ancestor.to_owned()));
    }
    if !folder.is_dir() {
        bail!("{} is not a folder; name another one with --out", folder.display());
    }
    Ok(made)
}

/// Creates one folder. Returns false if it exists already.
fn make_one(folder: &Path, owner: Option<&Invoker>) -> Result<bool> {
    match fs::create_dir(folder) {
        // Another process was faster, or the path ends in the `..` of a folder created just now.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        made => made?,
    }
    if let Some(owner) = owner {
        let made = OpenOptions::new()
            .read(true)
            .custom_flags((OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits())
            .open(folder)?;
        owner.own(&made)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_folders_are_made() {
        let within = tempfile::tempdir().unwrap();
        let folder = within.path().join("a/../b/c");
        let first = make(&folder, None).unwrap();
        assert!(within.path().join("b/c").is_dir());
        drop(make(&folder, None).unwrap());
        assert!(within.path().join("b/c").is_dir(), "it was there before");
        drop(first);
    }

    #[test]
    fn of_folders_that_were_made_only_those_with_something_in_them_stay() {
        let within = tempfile::tempdir().unwrap();
        let (empty, full) = (within.path().join("a/b"), within.path().join("c/d"));
        let made = [make(&empty, None).unwrap(), make(&full, None).unwrap()];
        fs::write(full.join("file"), "").unwrap();
        drop(made);
        assert!(!within.path().join("a").exists());
        assert!(full.join("file").exists());
    }

    #[test]
    fn a_file_is_no_folder() {
        let within = tempfile::tempdir().unwrap();
        let file = within.path().join("file");
        fs::write(&file, "").unwrap();
        for folder in [&file, &file.join("folder")] {
            let refused = make(folder, None).unwrap_err().to_string();
            assert!(refused.contains("--out"), "{refused}");
        }
    }
}
