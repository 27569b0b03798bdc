//! The BPF toolchain: a pinned nightly compiler, the sources of its core library, and bpf-linker. Everything
//! else builds with stable Rust.

use crate::{
    command::Run as _,
    packages::{self, Consent},
    workspace::Workspace,
};
use anyhow::{Context as _, Result, ensure};
use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The nightly by rustup's name. It is the last on which aya-ebpf 0.2 and bpf-linker's LLVM 22 were tried.
const NIGHTLY: &str = "nightly-2026-05-20";

/// The day of that nightly's last commit, as `rustc -vV` tells it: a toolchain of another name is as good.
const NIGHTLY_COMMIT_DATE: &str = "2026-05-19";

/// Names under which the nightly may be installed.
const NIGHTLY_NAMES: [&str; 2] = [NIGHTLY, "nightly"];

const LINKER_VERSION: &str = "0.10.4";

/// Makes bpf-linker use the LLVM inside the Rust toolchain, so that no LLVM package is needed.
const LINKER_FEATURE: &str = "rust-llvm-22";

/// Names an archive of the library sources, for a machine where rustup has no network.
const SOURCES_ARCHIVE: &str = "RUST_SRC_ARCHIVE";

/// Set by `cargo run`, rustup or the user for the stable toolchain; the nightly must not inherit them. bpf-linker
/// loads the first LLVM that it finds along `LD_LIBRARY_PATH`, to which rustup adds that of the nightly.
const FOREIGN_VARIABLES: [&str; 6] =
    ["CARGO", "RUSTC", "RUSTC_WORKSPACE_WRAPPER", "RUSTUP_TOOLCHAIN", "CARGO_TARGET_DIR", "LD_LIBRARY_PATH"];

/// The BPF toolchain, complete.
pub struct Toolchain {
    nightly: Nightly,
    linker: PathBuf,
}

impl Toolchain {
    /// Finds it, or says what is missing.
    pub fn find(workspace: &Workspace) -> Result<Self, Incomplete> {
        let nightly = Nightly::find();
        let linker = find_linker(workspace);
        let sources = nightly.as_ref().is_some_and(Nightly::has_sources);
        match (nightly, linker) {
            (Some(nightly), Some(linker)) if sources => Ok(Self { nightly, linker }),
            (nightly, linker) => {
                Err(Incomplete { nightly: nightly.is_none(), sources: !sources, linker: linker.is_none() })
            }
        }
    }

    /// The nightly's cargo.
    pub fn cargo(&self) -> Command {
        self.nightly.command("cargo")
    }

    /// bpf-linker.
    pub fn linker(&self) -> &Path {
        &self.linker
    }
}

/// The missing parts of the BPF toolchain.
#[derive(Debug)]
pub struct Incomplete {
    nightly: bool,
    sources: bool,
    linker: bool,
}

impl fmt::Display for Incomplete {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let linker = format!("bpf-linker {LINKER_VERSION}");
        let parts = [(self.nightly, NIGHTLY), (self.sources, "its rust-src"), (self.linker, &linker)];
        let missing: Vec<&str> =
            parts.iter().filter(|(missing, _)| *missing).map(|(_, part)| *part).collect();
        write!(out, "the BPF toolchain lacks {}: `cargo xtask setup` installs it", missing.join(", "))
    }
}

impl std::error::Error for Incomplete {}

/// Installs what is missing, and says what that was.
pub fn setup(workspace: &Workspace, consent: &Consent) -> Result<()> {
    if env::var_os(SOURCES_ARCHIVE).is_some() {
        packages::bring("`cargo xtask setup`", packages::ARCHIVE, consent)?;
    }
    let nightly = match Nightly::find() {
        Some(nightly) => {
            println!("{}: already there", nightly.name);
            nightly
        }
        None => install_nightly()?,
    };
    if nightly.has_sources() {
        println!("rust-src: already there");
    } else {
        install_sources(&nightly)?;
    }
    if find_linker(workspace).is_some() {
        println!("bpf-linker: already there");
    } else {
        install_linker(workspace, &nightly)?;
    }
    println!("The BPF toolchain is complete.");
    Ok(())
}

/// The pinned nightly, installed.
struct Nightly {
    name: String,
    sysroot: PathBuf,
}

impl Nightly {
    /// Any trouble in asking means that there is none; [`setup`] then meets the same trouble and tells it.
    fn find() -> Option<Self> {
        NIGHTLY_NAMES.into_iter().find_map(|name| {
            let version = nightly_command(name, "rustc").arg("-vV").read().ok()?;
            if version_field(&version, "commit-date") != Some(NIGHTLY_COMMIT_DATE) {
                return None;
            }
            let sysroot = nightly_command(name, "rustc").args(["--print", "sysroot"]).read().ok()?;
            Some(Self { name: name.to_owned(), sysroot: PathBuf::from(sysroot.trim_end()) })
        })
    }

    fn command(&self, program: &str) -> Command {
        nightly_command(&self.name, program)
    }

    fn has_sources(&self) -> bool {
        has_library(&sources(&self.sysroot))
    }
}

/// A program that is to find the nightly's cargo and compiler.
pub fn with_nightly(program: &Path) -> Result<Command> {
    let nightly =
        Nightly::find().with_context(|| format!("{NIGHTLY} is missing: `cargo xtask setup` installs it"))?;
    let mut command = nightly.command("env");
    command.arg(program);
    Ok(command)
}

/// A program of a toolchain. Asking for one that is not installed must not install it.
fn nightly_command(toolchain: &str, program: &str) -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", toolchain, program]).env("RUSTUP_AUTO_INSTALL", "0");
    for variable in FOREIGN_VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// A line `name: value` of `rustc -vV`.
fn version_field<'a>(version: &'a str, name: &str) -> Option<&'a str> {
    version.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The folder in which `-Z build-std` looks for the folder `library`.
fn sources(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust")
}

fn has_library(sources: &Path) -> bool {
    sources.join("library/Cargo.lock").is_file()
}

fn install_nightly() -> Result<Nightly> {
    println!("{NIGHTLY}: installing");
    Command::new("rustup")
        .args(["toolchain", "install", NIGHTLY, "--profile", "minimal", "--no-self-update"])
        .args(["--component", "rust-src", "--component", "clippy"])
        .run()
        .context("the BPF half needs a nightly compiler, which rustup installs")?;
    Nightly::find()
        .with_context(|| format!("{NIGHTLY} is installed, but its commit date is not {NIGHTLY_COMMIT_DATE}"))
}

fn install_sources(nightly: &Nightly) -> Result<()> {
    if let Some(archive) = env::var_os(SOURCES_ARCHIVE) {
        println!("rust-src: unpacking {}", archive.display());
        return unpack_sources(Path::new(&archive), &sources(&nightly.sysroot));
    }
    println!("rust-src: installing");
    Command::new("rustup")
        .args(["component", "add", "rust-src", "--toolchain", &nightly.name])
        .run()
        .with_context(|| {
            format!("without network, let {SOURCES_ARCHIVE} name an archive of the library sources")
        })
}

/// Unpacks beside the final place and moves the folder there in one step, so that a half is never taken for it.
fn unpack_sources(archive: &Path, sources: &Path) -> Result<()> {
    let partial = sources.join("library.partial");
    if partial.exists() {
        fs::remove_dir_all(&partial).with_context(|| format!("cannot remove {}", partial.display()))?;
    }
    fs::create_dir_all(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
    Command::new("tar")
        .args(["--extract", "--strip-components=1", "--file"])
        .args([archive, Path::new("--directory"), &partial])
        .run()?;
    ensure!(has_library(&partial), "{} holds no rust-src: no library/Cargo.lock in it", archive.display());
    let library = sources.join("library");
    fs::rename(partial.join("library"), &library)
        .with_context(|| format!("cannot move the sources to {}", library.display()))?;
    fs::remove_dir_all(&partial).with_context(|| format!("cannot remove {}", partial.display()))
}

fn find_linker(workspace: &Workspace) -> Option<PathBuf> {
    let linker = workspace.tools().join("bin/bpf-linker");
    let version = Command::new(&linker).arg("--version").read().ok()?;
    (version.trim_end() == format!("bpf-linker {LINKER_VERSION}")).then_some(linker)
}

fn install_linker(workspace: &Workspace, nightly: &Nightly) -> Result<()> {
    println!("bpf-linker: installing {LINKER_VERSION} into {}", workspace.tools().display());
    nightly
        .command("cargo")
        .args(["install", "bpf-linker", "--version", LINKER_VERSION, "--locked", "--force"])
        .args(["--no-default-features", "--features", LINKER_FEATURE, "--root"])
        .arg(workspace.tools())
        .run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commit_date_is_read_from_what_rustc_prints() {
        let version = "rustc 1.97.0-nightly (e50aa6fba 2026-05-19)\nbinary: rustc\ncommit-hash: e50a\n\
                       commit-date: 2026-05-19\nrelease: 1.97.0-nightly\n";
        assert_eq!(version_field(version, "commit-date"), Some("2026-05-19"));
        assert_eq!(version_field(version, "commit"), None);
    }

    #[test]
    fn only_what_is_missing_is_named() {
        let all = Incomplete { nightly: true, sources: true, linker: true };
        let expected = "the BPF toolchain lacks nightly-2026-05-20, its rust-src, bpf-linker 0.10.4: \
                        `cargo xtask setup` installs it";
        assert_eq!(all.to_string(), expected);
        let linker = Incomplete { nightly: false, sources: false, linker: true };
        assert!(linker.to_string().starts_with("the BPF toolchain lacks bpf-linker 0.10.4: "));
    }

    #[test]
    fn the_nightly_inherits_nothing_of_the_stable_toolchain() {
        let command = nightly_command("nightly", "cargo");
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(arguments, ["run", "nightly", "cargo"]);
        for variable in FOREIGN_VARIABLES {
            assert!(
                command.get_envs().any(|(name, value)| name == variable && value.is_none()),
                "{variable}"
            );
        }
    }

    /// An archive with `files` (path and text), in a folder of its own.
    fn archive(folder: &Path, files: &[&str]) -> PathBuf {
        let archive = folder.join("sources.tar");
        for file in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        Command::new("tar")
            .current_dir(folder)
            .args(["--create", "--file"])
            .arg(&archive)
            .arg("top")
            .run()
            .unwrap();
        archive
    }

    #[test]
    fn sources_are_unpacked_whole_or_not_at_all() {
        let folder = env::temp_dir().join(format!("xtask-sources-{}", std::process::id()));
        let sources = sources(&folder);
        fs::create_dir_all(sources.join("library.partial/left over")).unwrap();
        let wrong = archive(&folder, &["top/README"]);
        assert!(unpack_sources(&wrong, &sources).unwrap_err().to_string().contains("holds no rust-src"));
        assert!(!has_library(&sources));
        let right = archive(&folder, &["top/library/Cargo.lock", "top/library/core/src/lib.rs"]);
        unpack_sources(&right, &sources).unwrap();
        assert!(has_library(&sources));
        assert!(sources.join("library/core/src/lib.rs").is_file());
        assert!(!sources.join("library.partial").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
