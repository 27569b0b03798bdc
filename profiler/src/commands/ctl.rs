//! `profiler ctl`: asks a daemon.

use crate::cli::{CtlArgs, CtlCommand};
use crate::control::client;
use crate::control::protocol::{Answer, Request};
use crate::control::show;
use crate::watch::config::SelectorConfig;
use anyhow::{Context as _, Result, bail};
use std::io::Write;

/// Asks, and prints the answer.
///
/// # Errors
/// If the daemon can't be reached or refuses.
pub fn ctl(args: &CtlArgs, mut to: impl Write) -> Result<()> {
    let answer = client::ask(&args.socket, &request(&args.command))?;
    let text = if args.json {
        format!("{}\n", serde_json::to_string(&answer).context("cannot print the answer")?)
    } else {
        match answer {
            Answer::Status(status) => show::status(&status),
            Answer::Interval(interval) => show::interval(&interval),
            Answer::Changed { processes: 0 } if matches!(args.command, CtlCommand::Attach(_)) => {
                "0 processes now (profiler ctl status says why, if something is wrong with the selector)\n"
                    .to_owned()
            }
            Answer::Changed { processes } => format!("{processes} processes\n"),
            Answer::Refused { reason } => bail!("{reason}"),
            Answer::Frame(_) => bail!("the daemon answers with a frame, which was not asked for"),
        }
    };
    to.write_all(text.as_bytes()).context("cannot print the answer")
}

fn request(command: &CtlCommand) -> Request {
    match command {
        CtlCommand::Status => Request::Status,
        CtlCommand::Attach(args) => {
            let keys = SelectorConfig::of(args.label.clone(), &args.choice.selector());
            Request::Attach { selector: Box::new(keys) }
        }
        CtlCommand::Detach { label } => Request::Detach { label: label.clone() },
        CtlCommand::Snapshot => Request::Snapshot,
        CtlCommand::Flush => Request::Flush,
    }
}
