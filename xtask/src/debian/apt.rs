//! An apt that has its own sources, lists, cache and record of what is installed (nothing).

use super::mirror;
use crate::{command::Run as _, packages::KEYRINGS};
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The private apt of one folder and one release.
pub struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// Writes its configuration; needs no network.
    pub fn new(folder: &Path, suite: &str) -> Result<Self> {
        let keyring = KEYRINGS
            .into_iter()
            .find(|keyring| Path::new(keyring).is_file())
            .with_context(|| format!("there is no {}: install debian-archive-keyring", KEYRINGS[0]))?;
        let mirror = mirror::find()?;
        for needed in [folder.join("state/lists/partial"), folder.join("cache/archives/partial")] {
            fs::create_dir_all(&needed).with_context(|| format!("cannot create {}", needed.display()))?;
        }
        write(&folder.join("state/status"), "")?;
        write(&folder.join("sources.list"), &format!("deb [signed-by={keyring}] {mirror} {suite} main\n"))?;
        write(&folder.join("apt.conf"), &configuration(folder))?;
        Ok(Self { folder: folder.to_path_buf() })
    }

    /// Fetches the lists of packages and checks their signature.
    pub fn update(&self) -> Result<()> {
        // Without the option a failure to fetch is a warning, and the old lists are used.
        self.get().args(["--option", "APT::Update::Error-Mode=any", "update"]).run()
    }

    /// True if lists were fetched before.
    pub fn has_lists(&self) -> bool {
        let mut lists = fs::read_dir(self.folder.join("state/lists")).into_iter().flatten().flatten();
        lists.any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
    }

    /// `apt-get`.
    pub fn get(&self) -> Command {
        let mut apt = self.program("apt-get");
        apt.args(["--quiet", "--quiet"]);
        apt
    }

    /// `apt-cache`.
    pub fn cache(&self) -> Command {
        self.program("apt-cache")
    }

    fn program(&self, name: &str) -> Command {
        let mut program = Command::new(name);
        program.arg("--config-file").arg(self.folder.join("apt.conf"));
        program
    }
}

/// Read after the machine's own configuration, whose proxies stay; its hooks, which would work on the machine's
/// own cache, do not.
fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "#clear APT::Update::Pre-Invoke;\n\
         #clear APT::Update::Post-Invoke;\n\
         #clear APT::Update::Post-Invoke-Success;\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::Languages \"none\";\n\
         Dir::State \"{folder}/state\";\n\
         Dir::State::status \"{folder}/state/status\";\n\
         Dir::Cache \"{folder}/cache\";\n\
         Dir::Etc::SourceList \"{folder}/sources.list\";\n\
         Dir::Etc::SourceParts \"-\";\n"
    )
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}
