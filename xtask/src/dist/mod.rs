//! Packages for users: a tarball, and a package for Debian. The same checkout gives the same bytes.
//!
//! [`content`] says what goes in, [`third_party`] the licences that belong to it, [`tarball`] and [`deb`] how it is packed,
//! [`check`] tries what came of it.

mod check;
mod content;
mod deb;
mod tarball;
mod third_party;
mod tree;

use anyhow::{Context as _, Result};
use clap::Args;
use content::Content;
use std::{fs, path::PathBuf, process::Command};
use xtask::{
    build::build,
    command::Run as _,
    packages::{self, Consent},
    workspace::Workspace,
};

/// `cargo xtask dist`
#[derive(Args)]
pub(crate) struct DistArgs {
    /// Also check both: that packing again gives the same bytes, that the licences of all that is in them are there, and that
    /// the package installs, runs, keeps what was changed in its configuration and is removed without a trace (as root, in a
    /// folder)
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    consent: Consent,
}

/// The version of this package, which is that of the whole workspace.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Both files.
struct Made {
    tarball: PathBuf,
    deb: PathBuf,
}

/// Leaves both in target/dist/.
pub(crate) fn dist(workspace: &Workspace, args: &DistArgs) -> Result<()> {
    let needs = packages::DIST.into_iter().chain(packages::DIST_CHECK.into_iter().filter(|_| args.check));
    let task = if args.check { "`cargo xtask dist --check`" } else { "`cargo xtask dist`" };
    packages::bring(task, needs, &args.consent)?;
    build(workspace)?;
    let folder = workspace.target().join("dist");
    let content = Content::gather(workspace, &folder.join("documents"))?;
    let made = pack(&content, folder.clone())?;
    if args.check {
        let again = pack(&content, folder.join("again"))?;
        check::check(&content, &made, &again, &folder.join("root"))?;
    }
    println!("{}\n{}", made.tarball.display(), made.deb.display());
    Ok(())
}

fn pack(content: &Content, folder: PathBuf) -> Result<Made> {
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(Made { tarball: tarball::pack(content, &folder)?, deb: deb::pack(content, &folder)? })
}

/// The time that everything in the packages has, in seconds since the epoch: that of the commit, or what the variable says
/// that is meant for it (https://reproducible-builds.org/specs/source-date-epoch/).
fn epoch(workspace: &Workspace) -> Result<u64> {
    const VARIABLE: &str = "SOURCE_DATE_EPOCH";
    let text = match std::env::var(VARIABLE) {
        Ok(text) => text,
        Err(_) => {
            Command::new("git").current_dir(workspace.root()).args(["log", "-1", "--format=%ct"]).read()?
        }
    };
    text.trim().parse().with_context(|| format!("{VARIABLE} is not a number of seconds: {text}"))
}
