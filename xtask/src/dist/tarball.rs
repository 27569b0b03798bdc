//! The tarball: one folder with all that is needed, to be unpacked anywhere.

use super::{
    VERSION,
    content::{Content, Document},
    tree::{FILE, PROGRAM, Tree},
};
use anyhow::Result;
use std::{
    env::consts::{ARCH, OS},
    path::{Path, PathBuf},
    process::Command,
};
use xtask::command::Run as _;

/// Packs it into a folder.
pub(super) fn pack(content: &Content, folder: &Path) -> Result<PathBuf> {
    let name = format!("profiler-{VERSION}-{ARCH}-{OS}");
    let tree = Tree::new(folder.join("tarball"))?;
    let put = |below: &str, documents: &[Document], mode| {
        documents
            .iter()
            .try_for_each(|one| tree.put(&format!("{name}/{below}{}", one.name), &one.bytes, mode))
    };
    put("", &content.programs, PROGRAM)?;
    put("man/", &content.man_pages, FILE)?;
    put("completions/", &content.completions, FILE)?;
    put("licences/", &content.licences, FILE)?;
    put("", &content.pages, FILE)?;
    for one in [&content.unit, &content.config, &content.readme] {
        tree.put(&format!("{name}/{}", one.name), &one.bytes, FILE)?;
    }
    let tarball = folder.join(format!("{name}.tar.xz"));
    let mut tar = Command::new("tar");
    // One thread: how xz cuts its blocks depends on their number.
    tar.args(["--create", "--use-compress-program=xz --threads=1", "--format=gnu", "--sort=name"]);
    tar.args(["--owner=0", "--group=0", "--numeric-owner", &format!("--mtime=@{}", content.epoch)]);
    tar.arg("--file").arg(&tarball).arg("--directory").arg(tree.root()).arg(&name).run()?;
    Ok(tarball)
}
