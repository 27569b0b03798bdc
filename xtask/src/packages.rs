//! Debian's packages that the commands of this program need, and the one way in which they get onto the machine.
//!
//! Each command looks for all that it needs before it builds anything. Where all is there, nothing is called; else
//! `apt-get` installs what is missing, after a question if somebody is there to answer it.

use crate::{command::Run as _, privilege::Privilege};
use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use std::{
    env,
    ffi::OsStr,
    io::{self, BufRead, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

/// The answer to the question, given beforehand.
#[derive(Args)]
pub struct Consent {
    /// Install what is missing of Debian's packages without asking
    #[arg(long)]
    yes: bool,
}

/// A package, and the proof that what is needed of it is there, whoever installed it.
#[derive(Clone, Copy)]
pub struct Need {
    proof: Proof,
    package: &'static str,
}

#[derive(Clone, Copy)]
enum Proof {
    /// A program on the PATH, or among those of the system.
    Program(&'static str),
    /// A command that succeeds.
    Command(&'static [&'static str]),
    /// One of these files.
    File(&'static [&'static str]),
}

const fn program(program: &'static str, package: &'static str) -> Need {
    Need { proof: Proof::Program(program), package }
}

const fn command(command: &'static [&'static str], package: &'static str) -> Need {
    Need { proof: Proof::Command(command), package }
}

/// The programs that boot the guests.
pub const QEMU: &str = "qemu-system-x86_64";

/// Signs Debian's archive; its name has changed between releases.
pub const KEYRINGS: [&str; 2] =
    ["/usr/share/keyrings/debian-archive-keyring.pgp", "/usr/share/keyrings/debian-archive-keyring.gpg"];

/// `vm`: what fetches kernels and boots them.
pub const VM: [Need; 8] = [
    program(QEMU, "qemu-system-x86"),
    program("mke2fs", "e2fsprogs"),
    program("xz", "xz-utils"),
    program("apt-get", "apt"),
    program("apt-cache", "apt"),
    program("dpkg", "dpkg"),
    program("sha256sum", "coreutils"),
    Need { proof: Proof::File(&KEYRINGS), package: "debian-archive-keyring" },
];

/// `test --consumers`: what reads exports and metrics.
pub const CONSUMERS: [Need; 6] = [
    program("pdffonts", "poppler-utils"),
    // With promtool.
    program("prometheus", "prometheus"),
    command(&["python3", "-c", "import venv, ensurepip"], "python3-venv"),
    program("pdflatex", "texlive-latex-base"),
    command(&["kpsewhich", "booktabs.sty"], "texlive-latex-recommended"),
    command(&["kpsewhich", "pgfplots.sty"], "texlive-pictures"),
];

/// `dist`: what packs.
pub const DIST: [Need; 6] = [
    program("git", "git"),
    program("tar", "tar"),
    program("xz", "xz-utils"),
    program("strip", "binutils"),
    program("dpkg-deb", "dpkg"),
    program("dpkg-shlibdeps", "dpkg-dev"),
];

/// `dist --check`, besides [`DIST`].
pub const DIST_CHECK: [Need; 1] = [program("lintian", "lintian")];

/// `setup` from an archive of the library sources.
pub const ARCHIVE: [Need; 2] = [program("tar", "tar"), program("xz", "xz-utils")];

/// `fuzz`: libFuzzer is compiled from C++.
pub const FUZZ: [Need; 1] = [program("c++", "g++")];

/// `test`: what the live tests start, listed with them, and what reads the man pages.
pub fn test() -> impl Iterator<Item = Need> {
    const PROGRAMS: &str = include_str!("../../profiler/tests/live/programs.txt");
    let lines = PROGRAMS.lines().filter(|line| !line.starts_with('#'));
    let live = lines.filter_map(|line| line.split_once(' ')).map(|(name, package)| program(name, package));
    live.chain([program("groff", "groff-base")])
}

/// Installs what is missing.
pub fn bring(task: &str, needs: impl IntoIterator<Item = Need>, consent: &Consent) -> Result<()> {
    let needs: Vec<Need> = needs.into_iter().collect();
    let missing = missing(&needs);
    if missing.is_empty() {
        return Ok(());
    }
    println!("{task} needs what is not here: {}", described(&missing));
    install(&missing, consent).with_context(|| remedy(task, &missing))?;
    let still = self::missing(&needs);
    ensure!(still.is_empty(), "{}: apt-get has installed it, and it is not found", remedy(task, &still));
    Ok(())
}

fn install(missing: &[Need], consent: &Consent) -> Result<()> {
    ensure!(find("apt-get").is_some(), "there is no apt-get here, so this has to be done by hand");
    let privilege = Privilege::find("apt-get")?;
    if !consent.yes && io::stdin().is_terminal() && io::stdout().is_terminal() {
        ensure!(agrees(&mut io::stdin().lock())?, "nothing was installed");
    }
    let apt =
        || privilege.command(Path::new("apt-get"), &[("DEBIAN_FRONTEND", OsStr::new("noninteractive"))]);
    // The package may still come from another source, or from older lists, where one of the machine's is out of order.
    if let Err(error) = apt().args(["update", "-qq"]).run() {
        eprintln!("warning: {error:#}");
    }
    apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages(missing)).run()
}

/// The answer on the terminal; its end is a no.
fn agrees(answers: &mut impl BufRead) -> Result<bool> {
    print!("Install them with apt-get? [Y/n] ");
    io::stdout().flush().context("cannot ask")?;
    let mut answer = String::new();
    let read = answers.read_line(&mut answer).context("cannot read the answer")?;
    Ok(read > 0 && matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

fn missing(needs: &[Need]) -> Vec<Need> {
    needs.iter().copied().filter(|need| !need.is_there()).collect()
}

/// Each once.
fn packages(needs: &[Need]) -> Vec<&'static str> {
    let mut packages: Vec<&str> = needs.iter().map(|need| need.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn remedy(task: &str, missing: &[Need]) -> String {
    let packages = packages(missing).join(" ");
    format!(
        "{task} needs {}; `apt-get install {packages}`, as root, installs it on Debian",
        described(missing)
    )
}

/// Each with its package, where that has another name.
fn described(missing: &[Need]) -> String {
    let described: Vec<String> = missing
        .iter()
        .map(|need| match need.what() {
            what if what == need.package => what,
            what => format!("{what} ({})", need.package),
        })
        .collect();
    described.join(", ")
}

impl Need {
    fn is_there(self) -> bool {
        match self.proof {
            Proof::Program(program) => find(program).is_some(),
            Proof::Command(command) => succeeds(command),
            Proof::File(files) => files.iter().any(|file| Path::new(file).is_file()),
        }
    }

    fn what(self) -> String {
        match self.proof {
            Proof::Program(program) => program.to_owned(),
            Proof::Command(command) => format!("`{}`", command.join(" ")),
            Proof::File(files) => files[0].to_owned(),
        }
    }
}

fn succeeds(command: &[&str]) -> bool {
    let [program, arguments @ ..] = command else { return false };
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// The folders of system programs, which not every user's PATH names.
const SYSTEM_PROGRAMS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// The path of a program.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SYSTEM_PROGRAMS.map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// The same for one that was brought.
pub fn found(program: &str) -> Result<PathBuf> {
    match find(program) {
        Some(path) => Ok(path),
        None => bail!("{program} has gone since it was found"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GONE: Need = program("no-such-program", "no-such-package");

    #[test]
    fn what_fails_or_is_not_there_is_missing() {
        let there = [program("sh", "dash"), command(&["true"], "a"), FILE];
        const FILE: Need = Need { proof: Proof::File(&["/no/such", "/proc/self/status"]), package: "b" };
        assert!(missing(&there).is_empty());
        let gone = [
            GONE,
            command(&["false"], "a"),
            command(&["/no/such/program"], "b"),
            command(&[], "c"),
            Need { proof: Proof::File(&["/no/such"]), package: "d" },
        ];
        assert_eq!(missing(&gone).len(), gone.len());
    }

    #[test]
    fn all_that_is_missing_is_named_with_its_way_here() {
        let missing =
            [program("b", "two"), program("a", "one"), command(&["c", "-x"], "two"), program("git", "git")];
        assert_eq!(
            remedy("`cargo xtask vm`", &missing),
            "`cargo xtask vm` needs b (two), a (one), `c -x` (two), git; `apt-get install git one two`, as root, installs it \
             on Debian"
        );
    }

    #[test]
    fn only_a_yes_or_an_empty_line_agrees() {
        let says = |text: &str| agrees(&mut text.as_bytes()).unwrap();
        assert!(says("\n") && says("y\n") && says("Yes\n"));
        assert!(!says("n\n") && !says("what?\n") && !says(""));
    }

    #[test]
    fn where_all_is_there_nothing_is_called() {
        // On a machine without apt-get as well, and without root.
        bring("a test", [program("sh", "dash")], &Consent { yes: false }).unwrap();
    }

    #[test]
    fn what_the_live_tests_start_is_listed_in_one_place() {
        let listed: Vec<(String, &str)> = test().map(|need| (need.what(), need.package)).collect();
        for pair in
            [("nginx", "nginx-light"), ("ab", "apache2-utils"), ("git", "git"), ("python3", "python3")]
        {
            assert!(listed.contains(&(pair.0.to_owned(), pair.1)), "{pair:?}: {listed:?}");
        }
    }
}
