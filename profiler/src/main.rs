//! The `profiler` command: parse, dispatch, print what went wrong once, choose the exit code.

use profiler::cli::{Cli, Command, usage};
#[cfg(feature = "figures")]
use profiler::commands::plot;
#[cfg(feature = "top")]
use profiler::commands::top;
use profiler::commands::{attach, doctor, export, report, run, schema};
#[cfg(feature = "daemon")]
use profiler::commands::{ctl, daemon};
use profiler::files::messages;
use profiler::files::standard::{self, NotRead};
use profiler::privilege;
use profiler::target::hold;
use profiler::target::inherited::Inherited;
use profiler::target::launch::ExecFailed;
use profiler::target::signals::{self, Interrupted};
use std::process::ExitCode;

/// Exit code of a request that can't be met: a requirement, a file or a limit is in the way.
const FAILURE: u8 = 1;

/// Whoever read the output wants no more: the code of a program that SIGPIPE ended, as most are.
const NOT_READ: u8 = 128 + 13;

fn main() -> ExitCode {
    let done = match Cli::read(std::env::args_os()) {
        Ok(cli) => dispatch(&cli),
        Err(refused) => usage::print(&refused).map(|()| refused.exit_code().try_into().unwrap_or(FAILURE)),
    };
    // Lost output is no success; another code says more.
    let done = done.and_then(|code| if code == 0 { standard::check_written().map(|()| 0) } else { Ok(code) });
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) if NotRead::caused(&error) => ExitCode::from(NOT_READ),
        Err(error) => {
            messages::complain(&error);
            ExitCode::from(code_of(&error))
        }
    }
}

fn code_of(error: &anyhow::Error) -> u8 {
    if let Some(failed) = error.downcast_ref::<ExecFailed>() {
        failed.code
    } else if let Some(Interrupted(signal)) = error.downcast_ref() {
        signals::exit_code(*signal)
    } else {
        FAILURE
    }
}

fn dispatch(cli: &Cli) -> anyhow::Result<u8> {
    // The child that is held needs its capabilities to take on the caller's identity, and does little else.
    let inherited = match cli.command {
        Command::Hold(_) => Inherited::default(),
        _ => {
            privilege::lower()?;
            Inherited::take()?
        }
    };
    match &cli.command {
        Command::Run(args) => run::run(&args.settings()?, inherited),
        Command::Attach(args) => attach::attach(&args.settings()?, &inherited),
        #[cfg(feature = "top")]
        Command::Top(args) => top::top(args.settings()?).map(|()| 0),
        #[cfg(feature = "daemon")]
        Command::Daemon(args) => daemon::daemon(args, &inherited, standard::output()).map(|()| 0),
        #[cfg(feature = "daemon")]
        Command::Ctl(args) => ctl::ctl(args, standard::output()).map(|()| 0),
        Command::Report(args) => report::report(args, standard::output()).map(|()| 0),
        Command::Export(args) => export::export(args).map(|()| 0),
        #[cfg(feature = "figures")]
        Command::Plot(args) => plot::plot(args).map(|()| 0),
        Command::Doctor(args) => {
            doctor::doctor(args, standard::output()).map(|ready| if ready { 0 } else { FAILURE })
        }
        Command::Schema => schema::schema(standard::output()).map(|()| 0),
        Command::Hold(args) => hold::hold(&args.into()),
    }
}
