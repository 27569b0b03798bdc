//! Writes the man pages and the completions for shells: `documents FOLDER`.
//!
//! An example of this package rather than a part of the program, which does not need them; `cargo xtask dist` builds and
//! starts it.

use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use clap_complete::{Shell, generate_to};
use profiler::cli::Cli;
use std::path::Path;

fn main() -> Result<()> {
    let folder = std::env::args().nth(1).context("documents FOLDER")?;
    let folder = Path::new(&folder);
    let mut command = Cli::command();
    clap_mangen::generate_to(command.clone(), folder).context("cannot write the man pages")?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command, "profiler", folder)
            .with_context(|| format!("cannot write the completions for {shell}"))?;
    }
    Ok(())
}
