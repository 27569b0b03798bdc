//! Writes the man pages and the completions for shells: `documents FOLDER`.
//!
//! An example of this package rather than a part of the program, which does not need them; `cargo xtask dist` builds and
//! starts it. `config` and `profile` are the pages of section 5, `page` what they are made of; `roff` makes man pages of
//! it, and `markdown` pages for `docs/`, which a test compares or writes.

mod config;
#[cfg(test)]
mod markdown;
mod page;
mod profile;
mod roff;
mod types;

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_complete::{Shell, generate_to};
use page::Page;
use profiler::cli::Cli;
use std::{fs, path::Path};

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).context("documents FOLDER")?;
    let folder = Path::new(&folder);
    let mut command = Cli::command();
    clap_mangen::generate_to(command.clone(), folder).context("cannot write the man pages of commands")?;
    for page in file_pages()? {
        let path = folder.join(page.file_name());
        fs::write(&path, roff::render(&page)).with_context(|| format!("cannot write {}", path.display()))?;
    }
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, "profiler", folder)
            .with_context(|| format!("cannot write the completions for {shell}"))?;
    }
    Ok(())
}

/// The man pages about files.
fn file_pages() -> Result<[Page; 2]> {
    Ok([config::page(), profile::page()?])
}
