//! External programs: each fails with its own name and its own text.

use anyhow::{Context as _, Result, bail};
use std::process::{Command, ExitStatus};

/// Runs a command to its end.
pub trait Run {
    /// Its output goes where ours goes.
    fn run(&mut self) -> Result<()>;

    /// Returns what it wrote to its standard output; what it wrote to its standard error becomes the error.
    fn read(&mut self) -> Result<String>;

    /// The same for what is not text.
    fn read_bytes(&mut self) -> Result<Vec<u8>>;
}

impl Run for Command {
    fn run(&mut self) -> Result<()> {
        let status = self.status().with_context(|| cannot_start(self))?;
        succeeded(self, status, "")
    }

    fn read(&mut self) -> Result<String> {
        let output = self.read_bytes()?;
        String::from_utf8(output).with_context(|| format!("what `{}` printed", line(self)))
    }

    fn read_bytes(&mut self) -> Result<Vec<u8>> {
        let output = self.output().with_context(|| cannot_start(self))?;
        succeeded(self, output.status, &String::from_utf8_lossy(&output.stderr))?;
        Ok(output.stdout)
    }
}

/// The message for a program that could not even be started.
pub fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", line(command))
}

fn succeeded(command: &Command, status: ExitStatus, stderr: &str) -> Result<()> {
    if status.success() {
        return Ok(());
    }
    match stderr.trim() {
        "" => bail!("`{}` failed: {status}", line(command)),
        text => bail!("`{}` failed: {status}: {text}", line(command)),
    }
}

/// The command as a person would type it.
fn line(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command_its_status_and_its_text() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo out; echo why >&2; exit 3"]);
        let error = command.read().unwrap_err().to_string();
        assert_eq!(error, "`sh -c echo out; echo why >&2; exit 3` failed: exit status: 3: why");
        assert_eq!(Command::new("false").run().unwrap_err().to_string(), "`false` failed: exit status: 1");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = format!("{:#}", Command::new("/no/such/program").arg("-v").run().unwrap_err());
        assert!(error.starts_with("cannot start `/no/such/program -v`: No such file"), "{error}");
    }

    #[test]
    fn what_a_command_prints_is_returned() {
        assert_eq!(Command::new("printf").arg("text").read().unwrap(), "text");
    }
}
