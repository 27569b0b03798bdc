//! Tries the packages as their users do.

use super::{
    Made,
    content::{Content, FILE_PAGES},
    deb::{CONFIG, DOCUMENTATION, PROGRAMS, man_page},
    third_party,
};
use anyhow::{Context as _, Result, ensure};
use std::{
    collections::HashSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use xtask::{command::Run as _, privilege::Privilege};

/// Checks them; `root` is a folder that the package is installed in, as if it were a machine of its own.
pub(super) fn check(content: &Content, made: &Made, again: &Made, root: &Path) -> Result<()> {
    for (one, other) in [(&made.tarball, &again.tarball), (&made.deb, &again.deb)] {
        ensure!(fs::read(one)? == fs::read(other)?, "packing {} again gives other bytes", one.display());
    }
    println!("packed twice, the same bytes");
    let mut lintian = Command::new("lintian");
    lintian.args(["--fail-on", "error,warning", "--tag-display-limit=0"]).arg(&made.deb);
    lintian.run().context("what lintian says")?;
    println!("lintian: no errors, no warnings");
    let machine = Machine::new(root)?;
    machine.installs(content, &made.deb)?;
    delivers_licences(content, &made.tarball, &root.join(DOCUMENTATION))?;
    machine.is_left_as_it_was(&made.deb)?;
    println!("the package installs, runs, keeps a changed configuration, and is removed without a trace");
    Ok(())
}

/// In the tarball and in the documentation's folder of the installed package.
fn delivers_licences(content: &Content, tarball: &Path, documentation: &Path) -> Result<()> {
    let mut in_tarball = Command::new("tar");
    in_tarball.args([
        "--extract",
        "--to-stdout",
        "--wildcards",
        &format!("*/licences/{}", third_party::NAME),
    ]);
    let in_tarball = in_tarball.arg("--file").arg(tarball).read()?;
    let mut in_package = Command::new("gzip");
    let in_package = in_package.args(["--decompress", "--stdout"]);
    let in_package = in_package.arg(documentation.join(format!("{}.gz", third_party::NAME))).read()?;
    ensure!(in_tarball == in_package, "the two packages don't name the same licences");
    let lines: HashSet<&str> = in_package.lines().collect();
    for one in &content.crates {
        let heading = third_party::heading(one)?;
        ensure!(lines.contains(heading.as_str()), "the packages don't name the licence of {}", one.name);
        let folder = one.folder()?.to_string_lossy();
        ensure!(
            !in_package.contains(folder.as_ref()),
            "the packages name a folder of this machine: {folder}"
        );
    }
    let listed: HashSet<String> =
        content.crates.iter().map(|one| format!("{}-{}", one.name, one.version)).collect();
    for program in &content.programs {
        let bytes = String::from_utf8_lossy(&program.bytes);
        let missing = sources(&bytes).find(|name| !listed.contains(*name));
        ensure!(missing.is_none(), "{} holds {missing:?}, whose licence is not named", program.name);
    }
    println!("{} crates, each with its licence in both packages", content.crates.len());
    Ok(())
}

/// The crates whose sources a program names, which it does where they may panic.
fn sources(program: &str) -> impl Iterator<Item = &str> {
    program.split("/registry/src/").skip(1).filter_map(|path| path.split('/').nth(1))
}

/// A folder with a record of installed packages.
struct Machine {
    root: PathBuf,
    privilege: Privilege,
}

impl Machine {
    fn new(root: &Path) -> Result<Self> {
        let privilege = Privilege::find("`cargo xtask dist --check`")?;
        privilege.command(Path::new("rm"), &[]).arg("-rf").arg(root).run()?;
        for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers"] {
            let folder = root.join(folder);
            fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        }
        fs::write(root.join("var/lib/dpkg/status"), "")?;
        Ok(Self { root: root.to_owned(), privilege })
    }

    /// Its scripts run outside, and leave alone what is there: they have to heed `DPKG_ROOT`.
    fn dpkg(&self, action: &[&OsStr]) -> Result<()> {
        let mut dpkg = self.privilege.command(Path::new("dpkg"), &[]);
        dpkg.arg("--root").arg(&self.root).args([
            "--force-script-chrootless",
            "--force-depends",
            "--force-confold",
        ]);
        dpkg.args(action).read().map(|_| ())
    }

    fn installs(&self, content: &Content, deb: &Path) -> Result<()> {
        self.dpkg(&["--install".as_ref(), deb.as_os_str()])?;
        let installed = fs::read(self.root.join(CONFIG)).context("the configuration is not there")?;
        ensure!(installed == content.config.bytes, "the configuration is not the default one");
        let unit = String::from_utf8_lossy(&content.unit.bytes);
        ensure!(unit.contains(&format!("/{CONFIG}")), "the unit names another configuration than /{CONFIG}");
        let profiler = self.root.join("usr/bin/profiler");
        let version = Command::new(&profiler).arg("--version").read()?;
        ensure!(version.trim().ends_with(super::VERSION), "the profiler says that it is {version}");
        self.privilege
            .command(&profiler, &[])
            .arg("doctor")
            .run()
            .context("the doctor of the installed profiler")?;
        for program in super::content::PROGRAMS {
            ensure!(self.root.join(PROGRAMS).join(program).is_file(), "{program} is not there");
        }
        for page in FILE_PAGES {
            let place = format!("{}.gz", man_page(page)?);
            ensure!(self.root.join(&place).is_file(), "{place} is not there");
        }
        Ok(())
    }

    /// Also by an upgrade, which keeps what the administrator changed.
    fn is_left_as_it_was(&self, deb: &Path) -> Result<()> {
        const CHANGED: &str = "# changed\n";
        let config = self.root.join(CONFIG);
        let mut change = self.privilege.command(Path::new("sh"), &[("CONFIG", config.as_os_str())]);
        change.args(["-c", &format!("printf '{CHANGED}' > \"$CONFIG\"")]).run()?;
        self.dpkg(&["--install".as_ref(), deb.as_os_str()])?;
        ensure!(fs::read_to_string(&config)? == CHANGED, "an upgrade does not keep the configuration");
        let recorded = self.root.join("var/lib/profiler/date=2026-11-27");
        self.privilege.command(Path::new("mkdir"), &[]).arg("-p").arg(&recorded).run()?;
        self.dpkg(&["--remove".as_ref(), "profiler".as_ref()])?;
        ensure!(!self.root.join(PROGRAMS).exists(), "the programs are still there after --remove");
        ensure!(config.exists() && recorded.exists(), "--remove took more than the programs");
        self.dpkg(&["--purge".as_ref(), "profiler".as_ref()])?;
        let left = Command::new("find")
            .current_dir(&self.root)
            .args([".", "-path", "./var/lib/dpkg", "-prune", "-o", "-type", "f", "-print"])
            .read()?;
        ensure!(left.is_empty(), "after --purge there is still {left}");
        let status = fs::read_to_string(self.root.join("var/lib/dpkg/status"))?;
        ensure!(!status.contains("profiler"), "dpkg still knows the package");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_found_by_the_paths_in_a_program() {
        let program = "\0/some/registry/src/index-1/aya-0.14.0/src/maps.rs\0\u{fffd}/registry/src/index-1/tar-0.4.1/a.rs";
        assert_eq!(sources(program).collect::<Vec<_>>(), ["aya-0.14.0", "tar-0.4.1"]);
        assert_eq!(sources("registry").count(), 0);
    }
}
