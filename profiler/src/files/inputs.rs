//! Files that a command reads and must not overwrite. They are compared by device and inode, not by path, since
//! one file may have several names, links and open descriptors.

use super::output_target::OutputTarget;
use anyhow::{Context as _, Result, bail};
use model::profile::file;
use std::fs::{File, Metadata};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Identity of a file: device and inode number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Regular files only: a terminal may be read and written at once.
    fn of(metadata: &Metadata) -> Option<Self> {
        metadata.is_file().then(|| Self { device: metadata.dev(), inode: metadata.ino() })
    }

    fn at(path: &Path) -> Option<Self> {
        Self::of(&std::fs::metadata(path).ok()?)
    }

    fn open(file: impl AsFd) -> Option<Self> {
        let file = File::from(file.as_fd().try_clone_to_owned().ok()?);
        Self::of(&file.metadata().ok()?)
    }
}

/// The profiles that a command reads.
#[derive(Clone, Debug)]
pub struct Inputs(Vec<Identity>);

impl Inputs {
    /// Collects the identities of these paths; `-` is standard input.
    #[must_use]
    pub fn of(files: &[PathBuf]) -> Self {
        let identity = |path: &PathBuf| match path.as_path() {
            path if path == Path::new("-") => Identity::open(std::io::stdin()),
            path => Identity::at(path),
        };
        Self(files.iter().filter_map(identity).collect())
    }

    /// Checks that a path may be written to: it is none of the inputs, and no profile at all.
    ///
    /// # Errors
    /// If it is one of them, or can't be written.
    pub fn check(&self, path: &Path) -> Result<()> {
        let shown = path.display();
        let target = OutputTarget::of(path)
            .with_context(|| format!("cannot write {shown}; name another place with --output"))?;
        let there = match &target {
            OutputTarget::Stdout => return self.check_stdout(),
            OutputTarget::File { path, .. } => Identity::at(path),
            OutputTarget::Stream => Identity::at(path),
        };
        let what = match target {
            _ if there.is_some_and(|there| self.0.contains(&there)) => "is one of the profiles that are read",
            OutputTarget::File { exists: true, path } if file::is_one(&path) => "is a profile",
            _ => return Ok(()),
        };
        bail!("{shown} {what}; name another place with --output, or overwrite it with --force")
    }

    /// Checks that standard output is none of the inputs, as `>>` or `1<>` in a shell makes it.
    ///
    /// # Errors
    /// If it is.
    pub fn check_stdout(&self) -> Result<()> {
        if Identity::open(std::io::stdout()).is_some_and(|there| self.0.contains(&there)) {
            bail!("standard output goes to one of the profiles that are read; write to another file");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::fixture;
    use std::fs::{self, hard_link};
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::symlink;

    fn refused(inputs: &Inputs, path: &Path) -> String {
        inputs.check(path).unwrap_err().to_string()
    }

    #[test]
    fn what_is_read_is_known_by_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        // Not a profile, so only its being an input protects it.
        fs::write(at("input"), "{}").unwrap();
        symlink("input", at("link")).unwrap();
        hard_link(at("input"), at("second")).unwrap();
        fs::create_dir(at("below")).unwrap();
        let open = fs::OpenOptions::new().append(true).open(at("input")).unwrap();
        let by_descriptor = PathBuf::from(format!("/dev/fd/{}", open.as_raw_fd()));
        let names = [at("input"), at("link"), at("second"), at("below/../input"), by_descriptor];
        for read in [at("input"), at("link"), at("second")] {
            let inputs = Inputs::of(&[read]);
            for name in &names {
                assert!(refused(&inputs, name).contains("are read"), "{}", name.display());
            }
            assert!(inputs.check(&at("new")).is_ok() && inputs.check(Path::new("/dev/null")).is_ok());
        }
    }

    #[test]
    fn a_profile_is_not_written_over_and_another_file_is() {
        let folder = tempfile::tempdir().unwrap();
        let [profile, table] = ["a.json", "b.csv"].map(|name| folder.path().join(name));
        file::write(&fixture::of_command(&["ls"]), File::create(&profile).unwrap()).unwrap();
        fs::write(&table, "earlier").unwrap();
        let inputs = Inputs::of(&[]);
        let said = refused(&inputs, &profile);
        assert!(said.contains("is a profile") && said.contains("--force"), "{said}");
        assert!(inputs.check(&table).is_ok());
    }
}
