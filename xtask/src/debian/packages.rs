//! Packages that are kept: fetched once, compared with the signed lists whenever they are used, and unpacked.

use super::apt::Apt;
use crate::command::Run as _;
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The packages of one release in a folder of their own.
pub struct Packages {
    apt: Apt,
    folder: PathBuf,
}

/// The entry of a package in the lists.
#[derive(Debug, PartialEq)]
pub struct Package {
    name: String,
    version: String,
    /// The name of its file in the archive.
    file: String,
    sha256: String,
    /// Of alternatives the first.
    depends: Vec<String>,
}

impl Packages {
    /// With the lists that were fetched before, unless there are none or `update` asks for new ones.
    pub fn open(folder: &Path, suite: &str, update: bool) -> Result<Self> {
        let apt = Apt::new(folder, suite)?;
        if update || !apt.has_lists() {
            println!("Debian {suite}: fetching its lists of packages");
            apt.update().with_context(|| format!("the lists of packages of Debian {suite}"))?;
        }
        Ok(Self { apt, folder: folder.to_path_buf() })
    }

    /// A package, and of those it depends on the ones that are `followed`, and so on.
    pub fn with_dependencies(&self, name: &str, followed: &[&str]) -> Result<Vec<Package>> {
        let mut found: Vec<Package> = Vec::new();
        let mut wanted = VecDeque::from([name.to_owned()]);
        while let Some(name) = wanted.pop_front() {
            if found.iter().any(|package| package.name == name) {
                continue;
            }
            let package = self.find(&name)?;
            let is_followed = |name: &&String| followed.iter().any(|prefix| name.starts_with(prefix));
            wanted.extend(package.depends.iter().filter(is_followed).cloned());
            found.push(package);
        }
        Ok(found)
    }

    /// A package by itself.
    pub fn find(&self, name: &str) -> Result<Package> {
        let stanza = self.apt.cache().args(["show", "--no-all-versions", name]).read()?;
        Package::read(&stanza).with_context(|| format!("the package list's words on {name}"))
    }

    /// Unpacks exactly these packages. Returns the folder with their files.
    pub fn unpack(&self, packages: &[Package]) -> Result<PathBuf> {
        let files: Vec<PathBuf> =
            packages.iter().map(|package| self.fetched(package)).collect::<Result<_>>()?;
        let (root, contents) = (self.folder.join("root"), self.folder.join("root.contents"));
        let wanted: String =
            packages.iter().map(|package| format!("{} {}\n", package.sha256, package.file)).collect();
        if root.is_dir() && fs::read_to_string(&contents).is_ok_and(|present| present == wanted) {
            return Ok(root);
        }
        remove(&root)?;
        for file in files {
            Command::new("dpkg").arg("--extract").arg(file).arg(&root).run()?;
        }
        // Last, so that a folder that was unpacked in part is never taken for whole.
        fs::write(&contents, wanted).with_context(|| format!("cannot write {}", contents.display()))?;
        Ok(root)
    }

    /// The package's file, with the checksum of the signed lists.
    fn fetched(&self, package: &Package) -> Result<PathBuf> {
        let folder = self.folder.join("packages");
        let file = folder.join(&package.file);
        if file.is_file() && sha256(&file)? == package.sha256 {
            return Ok(file);
        }
        println!("fetching {}", package.file);
        let partial = folder.join("partial");
        remove(&partial)?;
        fs::create_dir_all(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
        let version = format!("{}={}", package.name, package.version);
        self.apt.get().current_dir(&partial).args(["download", &version]).run().with_context(|| {
            format!(
                "{version} could not be fetched; if the archive has a newer one by now, --update finds it"
            )
        })?;
        let downloaded = only_file(&partial)?;
        let found = sha256(&downloaded)?;
        ensure!(
            found == package.sha256,
            "{} has the SHA-256 {found}, but the signed lists say {}",
            package.file,
            package.sha256
        );
        fs::rename(&downloaded, &file).with_context(|| format!("cannot make {}", file.display()))?;
        Ok(file)
    }
}

impl Package {
    /// Reads a stanza of a package list (deb-control(5)).
    fn read(stanza: &str) -> Result<Self> {
        let field = |name: &str| {
            stanza
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
                .with_context(|| format!("there is no field {name}"))
        };
        let path = field("Filename")?;
        let file = path.rsplit('/').next().filter(|file| !file.is_empty());
        Ok(Self {
            name: field("Package")?.to_owned(),
            version: field("Version")?.to_owned(),
            file: file.with_context(|| format!("{path:?} is no file"))?.to_owned(),
            sha256: field("SHA256")?.to_owned(),
            depends: field("Depends").map_or_else(|_none| Vec::new(), dependencies),
        })
    }
}

fn dependencies(field: &str) -> Vec<String> {
    let name = |dependency: &str| dependency.split([' ', '(', ':', '|']).next().map(str::to_owned);
    field.split(", ").filter_map(name).collect()
}

fn sha256(file: &Path) -> Result<String> {
    let printed = Command::new("sha256sum").arg(file).read()?;
    let sum = printed.split_whitespace().next().context("sha256sum printed nothing")?;
    // It marks a name that it had to escape.
    Ok(sum.trim_start_matches('\\').to_owned())
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    match entries.flatten().map(|entry| entry.path()).collect::<Vec<_>>().as_slice() {
        [file] => Ok(file.clone()),
        others => bail!("apt-get left {} files in {}", others.len(), folder.display()),
    }
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stanza_of_the_lists_is_read() {
        let stanza = "Package: linux-image-7.2-amd64\nSource: linux-signed (7.2)\nVersion: 1:7.2-1\n\
                      Depends: dracut | initramfs-tools (>= 0.1), linux-base, linux-modules-7.2-amd64 (= 7.2-1)\n\
                      Filename: pool/main/l/linux/linux-image-7.2-amd64_7.2-1_amd64.deb\nSize: 3\nSHA256: 12ab\n";
        let package = Package::read(stanza).unwrap();
        assert_eq!(package.name, "linux-image-7.2-amd64");
        assert_eq!(package.version, "1:7.2-1");
        assert_eq!(package.file, "linux-image-7.2-amd64_7.2-1_amd64.deb");
        assert_eq!(package.sha256, "12ab");
        assert_eq!(package.depends, ["dracut", "linux-base", "linux-modules-7.2-amd64"]);
    }

    #[test]
    fn a_package_may_depend_on_nothing_but_has_a_checksum() {
        let stanza = "Package: a\nVersion: 1\nFilename: pool/a_1.deb\n";
        assert_eq!(Package::read(stanza).unwrap_err().to_string(), "there is no field SHA256");
        assert_eq!(Package::read(&format!("{stanza}SHA256: 0\n")).unwrap().depends, [""; 0]);
    }

    #[test]
    fn the_checksum_is_that_of_the_bytes() {
        let file = std::env::temp_dir().join(format!("xtask-sha256-{}", std::process::id()));
        fs::write(&file, "abc").unwrap();
        let sum = sha256(&file).unwrap();
        fs::remove_file(&file).unwrap();
        // FIPS 180-2, appendix B.1.
        assert_eq!(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
