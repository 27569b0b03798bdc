//! The folder that the profiles of a comparison are written to.

use crate::target::user::Invoker;
use anyhow::{Context, Result, bail};
use nix::fcntl::OFlag;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Makes a folder and those that it is in, as far as they are missing; the owner gets each that is made.
///
/// # Errors
/// If one can't be made or be handed to its owner.
pub fn make(folder: &Path, owner: Option<&Invoker>) -> Result<()> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|ancestor| *ancestor != Path::new("") && !ancestor.exists()).collect();
    for ancestor in missing.into_iter().rev() {
        make_one(ancestor, owner).with_context(|| {
            format!("cannot make the folder {}; name another one with --out", ancestor.display())
        })?;
    }
    if !folder.is_dir() {
        bail!("{} is not a folder; name another one with --out", folder.display());
    }
    Ok(())
}

fn make_one(folder: &Path, owner: Option<&Invoker>) -> Result<()> {
    match fs::create_dir(folder) {
        // Somebody else was faster, or it is the `..` of one that was made just now.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    }
    if let Some(owner) = owner {
        let made = OpenOptions::new()
            .read(true)
            .custom_flags((OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW).bits())
            .open(folder)?;
        owner.own(&made)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_folders_are_made() {
        let within = tempfile::tempdir().unwrap();
        let folder = within.path().join("a/../b/c");
        for _ in 0..2 {
            make(&folder, None).unwrap();
            assert!(within.path().join("b/c").is_dir());
        }
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
