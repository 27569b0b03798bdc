//! The user that the command runs as and that owns the written files.

use anyhow::{Context, Result};
use nix::unistd::{Gid, Uid, User};
use std::fs::File;
use std::path::PathBuf;

/// The user who called sudo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoker {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// The user's name and home, if the system knows the user.
    pub known: Option<(String, PathBuf)>,
}

impl Invoker {
    /// The user in SUDO_UID and SUDO_GID; `None` unless this is root called through sudo by somebody else.
    ///
    /// # Errors
    /// If the variables are damaged: better no run than one as the wrong user.
    pub fn detect() -> Result<Option<Self>> {
        let (Ok(uid), Ok(gid)) = (std::env::var("SUDO_UID"), std::env::var("SUDO_GID")) else {
            return Ok(None);
        };
        let (uid, gid) = (id("SUDO_UID", &uid)?, id("SUDO_GID", &gid)?);
        if !Uid::effective().is_root() || uid == 0 {
            return Ok(None);
        }
        let known = User::from_uid(Uid::from_raw(uid))
            .with_context(|| format!("cannot look up user {uid} (SUDO_UID)"))?
            .map(|user| (user.name, user.dir));
        Ok(Some(Self { uid, gid, known }))
    }

    /// Makes the user the owner of a file.
    ///
    /// # Errors
    /// If the file's owner can't be changed.
    pub fn own(&self, file: &File) -> Result<()> {
        nix::unistd::fchown(file, Some(Uid::from_raw(self.uid)), Some(Gid::from_raw(self.gid)))
            .context("cannot give the file to the user who called sudo")
    }
}

/// The number in a variable that sudo sets.
fn id(variable: &str, text: &str) -> Result<u32> {
    // The largest stands for no user at all (setresuid(2)).
    let id = text.parse().ok().filter(|&id| id != u32::MAX);
    id.with_context(|| format!("{variable} is {text:?}, which no user has; unset it or use --as-root"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_id_is_refused_with_the_way_out_last() {
        assert_eq!(id("SUDO_UID", "65534").unwrap(), 65534);
        for text in ["", "abc", "-1", "4294967295", "4294967296"] {
            let message = format!("{:#}", id("SUDO_UID", text).unwrap_err());
            assert!(message.starts_with(&format!("SUDO_UID is {text:?}")), "{message}");
            assert!(message.ends_with("unset it or use --as-root"), "{message}");
        }
    }
}
