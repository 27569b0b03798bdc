//! Programs of the host that a run needs, each with the package that has it.

use anyhow::{Context as _, Result};
use std::{
    env,
    path::{Path, PathBuf},
};

/// What boots the guests.
pub(super) const QEMU: &str = "qemu-system-x86_64";
pub(super) const QEMU_PACKAGE: &str = "qemu-system-x86";

/// Everything that is called.
const NEEDED: [(&str, &str); 7] = [
    (QEMU, QEMU_PACKAGE),
    ("mke2fs", "e2fsprogs"),
    ("xz", "xz-utils"),
    ("apt-get", "apt"),
    ("apt-cache", "apt"),
    ("dpkg", "dpkg"),
    ("sha256sum", "coreutils"),
];

/// Where system programs are, which not every user's PATH names.
const SYSTEM_PROGRAMS: [&str; 2] = ["/usr/sbin", "/sbin"];

/// Fails with the first that is missing.
pub(super) fn require_all() -> Result<()> {
    NEEDED.iter().try_for_each(|(program, package)| find(program, package).map(|_path| ()))
}

/// Where a program is.
pub(super) fn find(program: &str, package: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(SYSTEM_PROGRAMS.map(|folder| Path::new(folder).to_path_buf()))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .with_context(|| {
            format!("{program} is missing: install the package {package} (apt install {package})")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_named_with_its_package() {
        let error = find("no-such-program", "no-such-package").unwrap_err().to_string();
        assert_eq!(
            error,
            "no-such-program is missing: install the package no-such-package (apt install no-such-package)"
        );
        assert!(find("sh", "dash").unwrap().is_file());
    }
}
