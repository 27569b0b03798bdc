//! Tries the packages as their users do.

use super::{
    Made,
    content::Content,
    deb::{CONFIG, PROGRAMS},
};
use crate::{command::Run as _, privilege::Privilege};
use anyhow::{Context as _, Result, ensure};
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Checks them; `root` is a folder that the package is installed in, as if it were a machine of its own.
pub(super) fn check(content: &Content, made: &Made, again: &Made, root: &Path) -> Result<()> {
    for (one, other) in [(&made.tarball, &again.tarball), (&made.deb, &again.deb)] {
        ensure!(fs::read(one)? == fs::read(other)?, "packing {} again gives other bytes", one.display());
    }
    println!("packed twice, the same bytes");
    let mut lintian = Command::new("lintian");
    lintian.args(["--fail-on", "error,warning", "--tag-display-limit=0"]).arg(&made.deb);
    lintian.run().context("what lintian says (if it is missing: apt install lintian)")?;
    println!("lintian: no errors, no warnings");
    let machine = Machine::new(root)?;
    machine.installs(content, &made.deb)?;
    machine.is_left_as_it_was(&made.deb)?;
    println!("the package installs, runs, keeps a changed configuration, and is removed without a trace");
    Ok(())
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
