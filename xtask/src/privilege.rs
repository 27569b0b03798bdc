//! The way to root, for the one program that needs it.

use anyhow::{Result, bail};
use nix::unistd::geteuid;
use std::{
    env,
    ffi::{OsStr, OsString},
    path::Path,
    process::Command,
};

/// The way in which a program is started as root.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Privilege {
    /// We are root.
    Root,
    /// `sudo` may ask for a password.
    Sudo,
}

impl Privilege {
    /// Fails, naming what for, when there is no way to root.
    pub fn find(what_for: &str) -> Result<Self> {
        if geteuid().is_root() {
            return Ok(Self::Root);
        }
        let path = env::var_os("PATH").unwrap_or_default();
        if env::split_paths(&path).any(|folder| folder.join("sudo").is_file()) {
            return Ok(Self::Sudo);
        }
        bail!(
            "{what_for} needs root: this is not root, and sudo is not installed; call it as root, or install sudo"
        )
    }

    /// A command that runs `program` as root. The variables are passed through `env`, since sudo drops those
    /// that it was not configured to keep.
    pub fn command(self, program: &Path, variables: &[(&str, &OsStr)]) -> Command {
        match self {
            Self::Root => {
                let mut command = Command::new(program);
                command.envs(variables.iter().copied());
                command
            }
            Self::Sudo => {
                let mut command = Command::new("sudo");
                command.arg("--");
                if !variables.is_empty() {
                    command.arg("env").args(variables.iter().map(|(name, value)| assignment(name, value)));
                }
                command.arg(program);
                command
            }
        }
    }
}

fn assignment(name: &str, value: &OsStr) -> OsString {
    let mut assignment = OsString::from(name);
    assignment.push("=");
    assignment.push(value);
    assignment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(command: &Command) -> Vec<&OsStr> {
        command.get_args().collect()
    }

    #[test]
    fn root_starts_the_program_itself() {
        let command = Privilege::Root.command(Path::new("/x/live"), &[("A", OsStr::new("1"))]);
        assert_eq!(command.get_program(), "/x/live");
        assert!(arguments(&command).is_empty());
        assert_eq!(command.get_envs().collect::<Vec<_>>(), [(OsStr::new("A"), Some(OsStr::new("1")))]);
    }

    #[test]
    fn sudo_gets_the_variables_as_arguments() {
        let variables = [("A", OsStr::new("1")), ("B", OsStr::new("two words"))];
        let command = Privilege::Sudo.command(Path::new("/x/live"), &variables);
        assert_eq!(command.get_program(), "sudo");
        assert_eq!(arguments(&command), ["--", "env", "A=1", "B=two words", "/x/live"]);
    }

    #[test]
    fn sudo_without_variables_needs_no_env() {
        let command = Privilege::Sudo.command(Path::new("/x/profiler"), &[]);
        assert_eq!(arguments(&command), ["--", "/x/profiler"]);
    }
}
