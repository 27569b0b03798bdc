//! The programs that read exports and metrics: Debian's packages, and Python's in a folder of their own.

use crate::{command::Run as _, privilege::Privilege, workspace::write_if_changed};
use anyhow::{Context as _, Result};
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Packages, each with a command that succeeds where it is installed, whoever installed it.
const PACKAGES: [(&str, &[&str]); 6] = [
    ("poppler-utils", &["pdffonts", "-v"]),
    // With promtool. Where systemd runs, the package also starts a Prometheus of its own, which is not asked.
    ("prometheus", &["prometheus", "--version"]),
    ("python3-venv", &["python3", "-c", "import venv, ensurepip"]),
    ("texlive-latex-base", &["pdflatex", "--version"]),
    ("texlive-latex-recommended", &["kpsewhich", "booktabs.sty"]),
    ("texlive-pictures", &["kpsewhich", "pgfplots.sty"]),
];

/// Installs Debian's packages that are missing.
pub(super) fn packages(privilege: Privilege) -> Result<()> {
    let missing: Vec<&str> =
        PACKAGES.into_iter().filter(|(_, proof)| !succeeds(proof)).map(|(package, _)| package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("installing {}", missing.join(", "));
    let apt =
        || privilege.command(Path::new("apt-get"), &[("DEBIAN_FRONTEND", OsStr::new("noninteractive"))]);
    apt().args(["update", "-qq"]).run()?;
    apt().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&missing).run()
}

fn succeeds(command: &[&str]) -> bool {
    let [program, arguments @ ..] = command else { return false };
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

/// Makes a virtual environment with exactly these packages, unless there is one. Returns its interpreter.
pub(super) fn python(folder: &Path, requirements: &Path) -> Result<PathBuf> {
    let python = folder.join("bin/python");
    let installed = folder.join("requirements.txt");
    let wanted = fs::read(requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    if fs::read(&installed).is_ok_and(|present| present == wanted) {
        return Ok(python);
    }
    println!("installing the Python packages of {}", requirements.display());
    Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder).run()?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--only-binary", ":all:", "--requirement"]);
    pip.arg(requirements).run()?;
    // Last, so that what was installed in part is never taken for whole.
    write_if_changed(&installed, &wanted)?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_or_is_not_there_is_missing() {
        assert!(succeeds(&["true"]));
        assert!(!succeeds(&["false"]));
        assert!(!succeeds(&["/no/such/program"]));
        assert!(!succeeds(&[]));
    }
}
