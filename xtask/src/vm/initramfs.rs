//! The guest's first files: a shell with its tools, the modules, and the script that does the rest.

use super::{kernels::Kernel, modules};
use anyhow::{Context as _, Result};
use cpio::newc::{Builder, ModeFileType, trailer};
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

const INIT: &str = include_str!("guest/init.sh");

/// Writes the archive that the kernel unpacks into its first file system.
pub(super) fn write(kernel: &Kernel, path: &Path) -> Result<()> {
    let busybox =
        fs::read(&kernel.busybox).with_context(|| format!("cannot read {}", kernel.busybox.display()))?;
    let modules = match &kernel.modules {
        Some(folder) => modules::in_order(folder, &modules::NEEDED)?,
        None => Vec::new(),
    };
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut archive = Archive(BufWriter::new(file));
    let written = (|| {
        archive.folder("bin")?;
        archive.program("bin/busybox", &busybox)?;
        archive.program("init", INIT.as_bytes())?;
        archive.folder("modules")?;
        for (number, module) in modules.iter().enumerate() {
            // The script loads them in the order of their names.
            archive.program(&format!("modules/{number:02}-{}.ko", module.name), &module.bytes)?;
        }
        trailer(&mut archive.0)?.flush()
    })();
    written.with_context(|| format!("cannot write {}", path.display()))
}

struct Archive<W: Write>(W);

impl<W: Write> Archive<W> {
    fn folder(&mut self, name: &str) -> std::io::Result<()> {
        entry(name).set_mode_file_type(ModeFileType::Directory).write(&mut self.0, 0).finish()?;
        Ok(())
    }

    fn program(&mut self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        let size = u32::try_from(bytes.len()).map_err(std::io::Error::other)?;
        let mut file = entry(name).set_mode_file_type(ModeFileType::Regular).write(&mut self.0, size);
        file.write_all(bytes)?;
        file.finish()?;
        Ok(())
    }
}

fn entry(name: &str) -> Builder {
    Builder::new(name).mode(0o755)
}
