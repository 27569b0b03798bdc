//! The file of a profile. It is opened before anything runs, so that an unwritable path fails at once, and it
//! never replaces another subject's file. If it can't be written after the run (the disk is full), the profile
//! goes to a fallback folder: a run may have taken hours.

use super::atomic_file::{AtomicFile, FILE_MODE};
use super::output_target::OutputTarget;
use super::pieces;
use super::subject::Subject;
use super::{messages, size_limit, standard, stream};
use crate::settings::Destination;
use crate::target::user::Invoker;
use crate::terminal::{Codes, Guarded};
use anyhow::{Context, Error, Result, bail};
use model::outside_text::{excerpt, file_name};
use model::profile::{Profile, file};
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::Builder;

/// Fallback folders, tried after the folder for temporary files (`TMPDIR`, or /tmp): often another disk, and at
/// last memory.
const ELSEWHERE: [&str; 2] = ["/var/tmp", "/dev/shm"];

/// The location of a written profile.
pub enum Kept {
    /// Written to standard output.
    Stdout,
    /// In the requested file.
    InPlace(PathBuf),
    /// In a fallback folder.
    Elsewhere {
        /// A file, or a folder of pieces with the command that joins them.
        place: String,
        /// The error that the requested file gave.
        reason: Error,
    },
}

/// The requested path of a profile.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The file.
    pub path: &'a Path,
    /// The flag that names the file or its folder, for messages.
    pub flag: &'static str,
    /// True if any existing file may be replaced.
    pub force: bool,
}

/// Rule for an existing file of the same name.
#[derive(Clone, Debug)]
pub enum Replaces {
    /// Any file.
    Anything,
    /// Only an earlier profile of the same subject.
    Same {
        /// The subject of the new profile.
        subject: Subject,
        /// The flag that names another path, for messages.
        flag: &'static str,
    },
}

impl Replaces {
    /// Fails if the existing file may not be replaced.
    fn check(&self, path: &Path) -> Result<()> {
        match self {
            Self::Same { subject, flag } if !subject.may_take(path) => refuse_to_overwrite(path, flag),
            Self::Same { .. } | Self::Anything => Ok(()),
        }
    }
}

/// The output of a profile, opened before the run.
pub enum Output {
    /// Standard output.
    Stdout,
    /// A pipe, a terminal or a device: opened for writing, never replaced.
    Stream {
        /// The requested path.
        path: PathBuf,
        /// The open output.
        stream: File,
    },
    /// A regular file, written under no name until it is complete.
    File {
        /// The requested path.
        path: PathBuf,
        /// The open file that will get the requested name.
        file: AtomicFile,
        /// Rule for an existing file of that name.
        replaces: Replaces,
    },
}

impl Output {
    /// Default file name for a command's profile. Characters that are unsafe in a name are replaced: a process
    /// may call itself anything.
    #[must_use]
    pub fn default_path(command: &str) -> PathBuf {
        let name =
            Path::new(command).file_name().map_or_else(|| command.into(), |name| name.to_string_lossy());
        PathBuf::from(file_name(&name) + file::EXTENSION)
    }

    /// Prepares the requested path, or else the first free default name; says so if that is not the usual one.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub fn at(destination: &Destination, subject: &Subject, owner: Option<&Invoker>) -> Result<Self> {
        let Destination { path: named, force } = destination;
        let path = named.clone().unwrap_or_else(|| subject.default_path(*force));
        let output = Self::prepare(Wanted { path: &path, flag: "--output", force: *force }, subject, owner)?;
        let usual = Self::default_path(subject.program());
        if named.is_none() && path != usual {
            messages::tell(&format!(
                "{} is of something else and stays: this profile goes to {} (--output names another place)",
                usual.display(),
                path.display()
            ));
        }
        Ok(output)
    }

    /// Opens the output. Waits for a reader if it is a named pipe.
    ///
    /// # Errors
    /// If its folder is not writable, or an existing file is no profile of the same subject.
    pub fn prepare(wanted: Wanted<'_>, subject: &Subject, owner: Option<&Invoker>) -> Result<Self> {
        let Wanted { path, flag, force } = wanted;
        let cannot =
            |what: &str| format!("cannot write to {what}{}; name another place with {flag}", path.display());
        match OutputTarget::of(path).with_context(|| cannot(""))? {
            OutputTarget::Stdout => {
                standard::check_output().with_context(|| cannot(""))?;
                Ok(Self::Stdout)
            }
            OutputTarget::Stream => {
                let stream = stream::open(path, "anything is recorded").with_context(|| cannot(""))?;
                Ok(Self::Stream { path: path.to_owned(), stream })
            }
            OutputTarget::File { path: target, .. } => {
                let replaces = if force {
                    Replaces::Anything
                } else {
                    Replaces::Same { subject: subject.clone(), flag }
                };
                replaces.check(path)?;
                let file = AtomicFile::open(&target, owner).with_context(|| cannot("the folder of "))?;
                size_limit::warn();
                Ok(Self::File { path: path.to_owned(), file, replaces })
            }
        }
    }

    /// Writes the profile to the requested path, or to a fallback folder if that fails. An existing file at the
    /// requested path is then unchanged.
    ///
    /// # Errors
    /// If it can't be written anywhere.
    pub fn write(self, profile: &Profile, owner: Option<&Invoker>) -> Result<Kept> {
        let written = self.write_in_place(profile).map_err(size_limit::explain);
        written.or_else(|reason| match keep_elsewhere(profile, owner) {
            Some(place) => Ok(Kept::Elsewhere { place, reason }),
            None => Err(reason),
        })
    }

    fn write_in_place(self, profile: &Profile) -> Result<Kept> {
        match self {
            Self::Stdout => {
                file::write(profile, standard::data()).context("standard output")?;
                standard::check_written()?;
                Ok(Kept::Stdout)
            }
            Self::Stream { path, stream } => {
                file::write(profile, Guarded::new(stream, Codes::None))
                    .with_context(|| path.display().to_string())?;
                Ok(Kept::InPlace(path))
            }
            Self::File { path, file, replaces } => {
                write_through(profile, file.file()).with_context(|| path.display().to_string())?;
                // Another recording may have created the file meanwhile.
                replaces.check(&path)?;
                file.persist().with_context(|| format!("cannot put the profile at {}", path.display()))?;
                Ok(Kept::InPlace(path))
            }
        }
    }
}

/// Writes the profile to the first fallback folder that takes it; in pieces only if none takes it whole.
fn keep_elsewhere(profile: &Profile, owner: Option<&Invoker>) -> Option<String> {
    let folders: Vec<PathBuf> =
        std::iter::once(std::env::temp_dir()).chain(ELSEWHERE.map(PathBuf::from)).collect();
    let name = Output::default_path(profile.run.program().unwrap_or_default());
    let name = name.to_string_lossy();
    let stem = name.trim_end_matches(file::EXTENSION);
    // Errors of fallback folders are dropped: the caller reports the original one.
    let whole = folders.iter().find_map(|folder| keep_in(folder, stem, profile, owner).ok());
    whole.map(|path| path.display().to_string()).or_else(|| {
        let most = size_limit::bytes()?;
        let pieces = |folder: &PathBuf| pieces::keep_in(folder, stem, profile, owner, most).ok();
        let folder = folders.iter().find_map(pieces)?;
        let folder = folder.display();
        Some(format!("{folder} in pieces (cat {folder}/* > {name} makes one file of them)"))
    })
}

fn keep_in(folder: &Path, stem: &str, profile: &Profile, owner: Option<&Invoker>) -> Result<PathBuf> {
    let file = Builder::new()
        .prefix(&format!("{stem}-"))
        .suffix(file::EXTENSION)
        .permissions(Permissions::from_mode(FILE_MODE))
        .tempfile_in(folder)?;
    if let Some(owner) = owner {
        owner.own(file.as_file())?;
    }
    write_through(profile, file.as_file())?;
    let (_, path) = file.keep()?;
    Ok(path)
}

/// Writes and syncs: some file systems report a full disk only then.
fn write_through(profile: &Profile, file: &File) -> Result<()> {
    file::write(profile, file)?;
    file.sync_all().context("cannot write the profile")
}

/// Fails if the existing file is anything but a profile of the same subject.
fn refuse_to_overwrite(path: &Path, flag: &str) -> Result<()> {
    let what = match file::read(path) {
        Ok(existing) => format!("is a profile of {}", of_what(&existing)),
        Err(_) if file::is_one(path) => "is a profile that can't be read".to_owned(),
        Err(_) => "exists and is not a profile".to_owned(),
    };
    bail!("{} {what}; name another place with {flag}, or overwrite it with --force", path.display())
}

/// The subject in words. The command is given whole: two that differ may begin alike.
fn of_what(profile: &Profile) -> String {
    let whole = match &profile.run.attached {
        Some(attached) => attached.describe(),
        None => profile.run.command.join(" "),
    };
    excerpt(&whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::fixture;
    use std::ffi::OsString;

    fn wanted(path: &Path) -> Wanted<'_> {
        Wanted { path, flag: "--output", force: false }
    }

    fn of(command: &str) -> Subject {
        let command: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        Subject::of_command(&command)
    }

    fn profile_of(command: &str) -> Profile {
        fixture::of_command(&command.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn a_profile_of_another_command_of_the_same_program_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.profile.json");
        file::write(&profile_of("python3 -c A"), File::create(&path).unwrap()).unwrap();
        assert!(Output::prepare(wanted(&path), &of("python3 -c A"), None).is_ok());
        let refused = Output::prepare(wanted(&path), &of("python3 -c B"), None).err().unwrap().to_string();
        assert!(refused.contains("is a profile of python3 -c A") && refused.contains("--force"), "{refused}");
        assert!(Output::prepare(Wanted { force: true, ..wanted(&path) }, &of("python3 -c B"), None).is_ok());
    }

    #[test]
    fn what_came_into_the_place_meanwhile_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.profile.json");
        let output = Output::prepare(wanted(&path), &of("python3 -c B"), None).unwrap();
        file::write(&profile_of("python3 -c A"), File::create(&path).unwrap()).unwrap();
        let error = output.write_in_place(&profile_of("python3 -c B")).err().unwrap().to_string();
        assert!(error.contains("is a profile of python3 -c A"), "{error}");
        assert_eq!(file::read(&path).unwrap().run.command, ["python3", "-c", "A"]);
    }

    #[test]
    fn the_default_name_is_the_commands() {
        assert_eq!(Output::default_path("/usr/bin/git"), PathBuf::from("git.profile.json"));
        assert_eq!(Output::default_path("ls"), PathBuf::from("ls.profile.json"));
        assert_eq!(Output::default_path("\u{1b}[2J"), PathBuf::from("__2J.profile.json"));
        assert_eq!(Output::default_path("x/.."), PathBuf::from("x_...profile.json"));
    }

    #[test]
    fn a_foreign_file_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        std::fs::write(&path, "mine").unwrap();
        let refused = Output::prepare(wanted(&path), &of("ls"), None).err().unwrap();
        assert!(refused.to_string().contains("--force"), "{refused}");
        assert!(Output::prepare(Wanted { force: true, ..wanted(&path) }, &of("ls"), None).is_ok());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_missing_folder_is_found_before_anything_runs() {
        let error = Output::prepare(wanted(Path::new("/nonexistent/x.json")), &of("ls"), None).err().unwrap();
        assert!(error.to_string().contains("--output"), "{error}");
    }

    #[test]
    fn messages_name_the_flag_that_was_used() {
        let folder = tempfile::tempdir().unwrap();
        let foreign = folder.path().join("notes.txt");
        std::fs::write(&foreign, "mine").unwrap();
        for path in [&foreign, folder.path(), Path::new("/nonexistent/x.json")] {
            let wanted = Wanted { flag: "--out", ..wanted(path) };
            let error = Output::prepare(wanted, &of("ls"), None).err().unwrap().to_string();
            assert!(error.contains("with --out,") || error.ends_with("with --out"), "{error}");
        }
    }
}
