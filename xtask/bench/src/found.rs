//! The programs that the preparing half passes to the measuring half, by name, or the reasons for missing ones.

use anyhow::Result;
use clap::Args;
use std::{path::PathBuf, process::Command};

/// Passed on the command line, because the halves are two processes.
#[derive(Args)]
pub(crate) struct Found {
    /// A program and where it is
    #[arg(long, value_name = "NAME=PATH")]
    found: Vec<String>,
    /// A program and why it is not there
    #[arg(long, value_name = "NAME=WHY")]
    missing: Vec<String>,
}

impl Found {
    /// Adds a program to the command line of the measuring half.
    pub(super) fn tell(measure: &mut Command, name: &str, program: &Result<PathBuf>) {
        match program {
            Ok(path) => measure.arg("--found").arg(format!("{name}={}", path.display())),
            Err(error) => measure.arg("--missing").arg(format!("{name}={error:#}")),
        };
    }

    /// The path of a program, or the reason for its absence.
    pub(super) fn path(&self, name: &str) -> Result<PathBuf, String> {
        match (value(&self.found, name), value(&self.missing, name)) {
            (Some(path), _) => Ok(path.into()),
            (None, Some(why)) => Err(why.to_owned()),
            (None, None) => Err(format!("{name} was not looked for")),
        }
    }
}

fn value<'a>(pairs: &'a [String], name: &str) -> Option<&'a str> {
    pairs.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Half {
        #[command(flatten)]
        found: Found,
    }

    #[test]
    fn what_is_told_is_found() {
        let mut measure = Command::new("measure");
        Found::tell(&mut measure, "here", &Ok("/with spaces/and=equals".into()));
        Found::tell(&mut measure, "gone", &Err(anyhow::anyhow!("no network").context("not fetched")));
        let arguments = std::iter::once(measure.get_program()).chain(measure.get_args());
        let Half { found } = Half::parse_from(arguments);
        assert_eq!(found.path("here"), Ok("/with spaces/and=equals".into()));
        assert_eq!(found.path("gone"), Err("not fetched: no network".to_owned()));
        assert_eq!(found.path("her"), Err("her was not looked for".to_owned()));
    }
}
