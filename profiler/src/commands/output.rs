//! Where a profile is written: found to be writable before anything runs, written beside its place and renamed
//! into it, never over somebody else's file.

use crate::profile::{Profile, file};
use crate::target::user::Invoker;
use anyhow::{Context, Result, bail};
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::{Builder, NamedTempFile};

/// Readable by everyone, less what the umask takes away.
const FILE_MODE: u32 = 0o666;

/// A profile's place.
pub enum Output {
    /// Standard output.
    Stdout,
    /// A file; the temporary one stands beside it already.
    File {
        /// The place.
        path: PathBuf,
        /// What is renamed into it.
        beside: NamedTempFile,
    },
}

impl Output {
    /// The file that a command's profile goes to by default.
    #[must_use]
    pub fn default_path(command: &str) -> PathBuf {
        let name =
            Path::new(command).file_name().map_or_else(|| command.into(), |name| name.to_string_lossy());
        PathBuf::from(format!("{name}{}", file::EXTENSION))
    }

    /// Prepares the place.
    ///
    /// # Errors
    /// If its folder is not writable, or something other than a profile of the same command is there.
    pub fn prepare(path: &Path, command: &str, force: bool, owner: Option<&Invoker>) -> Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout);
        }
        if !force {
            refuse_to_overwrite(path, command)?;
        }
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let beside = Builder::new()
            .prefix(".profile-")
            .suffix(".tmp")
            .permissions(Permissions::from_mode(FILE_MODE))
            .tempfile_in(folder)
            .with_context(|| {
                format!("cannot write to the folder of {}; name another place with --output", path.display())
            })?;
        if let Some(owner) = owner {
            owner.own(beside.as_file())?;
        }
        Ok(Self::File { path: path.to_owned(), beside })
    }

    /// Writes the profile. Returns the file it is in, if it is in one.
    ///
    /// # Errors
    /// If it can't be written; the place is then as it was before.
    pub fn write(self, profile: &Profile) -> Result<Option<PathBuf>> {
        match self {
            Self::Stdout => {
                file::write(profile, std::io::stdout().lock())?;
                Ok(None)
            }
            Self::File { path, mut beside } => {
                file::write(profile, &mut beside)?;
                beside
                    .flush()
                    .and_then(|()| beside.as_file().sync_all())
                    .context("cannot write the profile")?;
                beside
                    .persist(&path)
                    .with_context(|| format!("cannot put the profile at {}", path.display()))?;
                Ok(Some(path))
            }
        }
    }
}

/// A profile may only replace an earlier one of the same command.
fn refuse_to_overwrite(path: &Path, command: &str) -> Result<()> {
    if !path.try_exists().with_context(|| format!("cannot look at {}", path.display()))? {
        return Ok(());
    }
    let shown = path.display();
    let Ok(existing) = file::read(path) else {
        bail!(
            "{shown} exists and is not a profile; name another file with --output, or overwrite it with --force"
        );
    };
    let name = |command: &str| Path::new(command).file_name().map(std::ffi::OsStr::to_owned);
    let other = existing.run.command.first().map_or("", String::as_str);
    if name(other) != name(command) {
        bail!(
            "{shown} is a profile of {other}; name another file with --output, or overwrite it with --force"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_name_is_the_commands() {
        assert_eq!(Output::default_path("/usr/bin/git"), PathBuf::from("git.profile.json"));
        assert_eq!(Output::default_path("ls"), PathBuf::from("ls.profile.json"));
    }

    #[test]
    fn a_foreign_file_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "mine").unwrap();
        let refused = Output::prepare(&path, "ls", false, None).err().unwrap();
        assert!(refused.to_string().contains("--force"), "{refused}");
        assert!(Output::prepare(&path, "ls", true, None).is_ok());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_missing_folder_is_found_before_anything_runs() {
        let error = Output::prepare(Path::new("/nonexistent/x.json"), "ls", false, None).err().unwrap();
        assert!(error.to_string().contains("--output"), "{error}");
    }
}
