//! The command line, as clap types: every command turns them into checked settings before anything runs.

mod attach;
#[cfg(feature = "daemon")]
mod daemon;
#[cfg(feature = "figures")]
mod plot;
mod profiles;
mod recording;
mod run;
#[cfg(feature = "top")]
mod top;
pub mod usage;
mod words;

pub use attach::{AttachArgs, ChoiceArgs};
#[cfg(feature = "daemon")]
pub use daemon::{CtlArgs, CtlAttachArgs, CtlCommand, DaemonArgs};
#[cfg(feature = "figures")]
pub use plot::PlotArgs;
pub use profiles::{ExportArgs, ReportArgs, SelectionArgs};
pub use recording::{LimitArgs, RecordingArgs, StyleArgs};
pub use run::{ComparisonArgs, HoldArgs, RunArgs};
#[cfg(feature = "top")]
pub use top::{DaemonViewArgs, TopArgs};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use model::outside_text::printable;
use std::ffi::OsString;

/// Show what getrusage hides: who waited, for what, and how long.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads a command line, the program's name included.
    ///
    /// # Errors
    /// Everything that clap refuses, and `run --` without a command: it comes of `run -- $COMMAND` with nothing in the
    /// variable, and must not start the comparison.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let cli = Self::try_parse_from(&arguments).map_err(|error| hinted(error, &arguments))?;
        let ends_the_flags = arguments.last().is_some_and(|last| last == "--");
        match &cli.command {
            Command::Run(run) if run.command.is_empty() && ends_the_flags => Err(refused(
                "run",
                ErrorKind::MissingRequiredArgument,
                "the command after -- is missing; profiler run without -- compares the sample workloads",
            )),
            _ => Ok(cli),
        }
    }
}

/// The error, with the hint that a word needs which stands where only flags do.
fn hinted(error: clap::Error, arguments: &[OsString]) -> clap::Error {
    if let Some(feature) = absent(&error) {
        return refused(
            "",
            ErrorKind::InvalidSubcommand,
            &format!("this profiler was built without the cargo feature {feature}"),
        );
    }
    let word = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(word)) if error.kind() == ErrorKind::UnknownArgument => word,
        _ => return error,
    };
    if word.starts_with('-') {
        return error;
    }
    let word = printable(word);
    let Some(command) = arguments.get(1).and_then(|command| command.to_str()) else { return error };
    let hint = match command {
        "run" => format!("the command comes after --, as in: profiler run -- {word}"),
        "attach" | "top" => {
            let flag = if word.parse::<u32>().is_ok() { "--pid" } else { "--name" };
            format!("processes are chosen with flags, as in: profiler {command} {flag} {word}")
        }
        _ => return error,
    };
    refused(command, ErrorKind::UnknownArgument, &format!("unexpected argument '{word}' found; {hint}"))
}

/// The cargo feature that has the command, if this program was built without it.
fn absent(error: &clap::Error) -> Option<&'static str> {
    const OPTIONAL: [(&str, &str, bool); 4] = [
        ("top", "top", cfg!(feature = "top")),
        ("daemon", "daemon", cfg!(feature = "daemon")),
        ("ctl", "daemon", cfg!(feature = "daemon")),
        ("plot", "figures", cfg!(feature = "figures")),
    ];
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else { return None };
    OPTIONAL
        .into_iter()
        .find(|(command, _, is_there)| command == word && !is_there)
        .map(|(_, feature, _)| feature)
}

/// An error with the usage of the command that it is of.
fn refused(command: &str, kind: ErrorKind, message: &str) -> clap::Error {
    let mut cli = Cli::command();
    cli.build();
    match cli.find_subcommand_mut(command) {
        Some(command) => command.error(kind, message),
        None => cli.error(kind, message),
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Profile a command and its children, or compare the sample workloads
    ///
    /// Without a command the two sample workloads are compared.
    #[command(after_help = run::EXAMPLES)]
    Run(Box<RunArgs>),
    /// Profile processes that run already, and children that they start
    ///
    /// The processes are left as they are.
    #[command(after_help = attach::EXAMPLES)]
    Attach(Box<AttachArgs>),
    /// Show live what the threads of running processes do
    ///
    /// Either of chosen processes, which are left as they are, or of all that a daemon watches.
    #[cfg(feature = "top")]
    #[command(after_help = top::EXAMPLES)]
    Top(Box<TopArgs>),
    /// Watch processes all the time, as a configuration says
    ///
    /// That includes processes that are started later.
    #[cfg(feature = "daemon")]
    #[command(after_help = daemon::DAEMON_EXAMPLES)]
    Daemon(DaemonArgs),
    /// Control a daemon: show its state, add and remove selectors
    #[cfg(feature = "daemon")]
    #[command(after_help = daemon::CTL_EXAMPLES)]
    Ctl(CtlArgs),
    /// Print the report of recorded profiles (needs no root)
    Report(ReportArgs),
    /// Convert profiles for other programs and papers (needs no root)
    #[command(after_help = profiles::EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Draw a figure of profiles for a paper (needs no root)
    #[cfg(feature = "figures")]
    #[command(after_help = plot::PLOT_EXAMPLES)]
    Plot(PlotArgs),
    /// Check that this machine can be profiled, and name what is missing
    ///
    /// Each thing that is missing is printed with the way to mend it.
    Doctor(DoctorArgs),
    /// Print the JSON Schema of the profile file
    Schema,
    /// Hold a command until it may start (used by `run`)
    #[command(name = crate::target::hold::COMMAND, hide = true)]
    Hold(HoldArgs),
}

/// `profiler doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Load every program and print what the kernel makes of it: type, instructions the verifier processed, bytes of
    /// machine code, time to load
    #[arg(long)]
    pub programs: bool,

    /// Print that as JSON
    #[arg(long, requires = "programs")]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(line.split(' ').map(OsString::from))
    }

    /// Paragraphs are broken by clap, which knows the terminal's width, and examples are short enough not to be.
    #[test]
    fn no_line_of_help_is_broken_twice() {
        for command in <Cli as clap::CommandFactory>::command().get_subcommands() {
            let below = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let lines: Vec<&str> = below.lines().collect();
            let is_prose = |line: &str| !line.is_empty() && !line.starts_with(' ') && line != "Examples:";
            for pair in lines.windows(2) {
                assert!(!(is_prose(pair[0]) && is_prose(pair[1])), "{}: {pair:?}", command.get_name());
            }
            for line in lines.iter().filter(|line| !is_prose(line)) {
                assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
            }
        }
    }

    #[test]
    fn a_command_that_is_missing_is_not_the_comparison() {
        for line in ["profiler run --", "profiler run --force --"] {
            let error = read(line).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::MissingRequiredArgument, "{error}");
            assert!(error.to_string().contains("the command after -- is missing"), "{error}");
        }
        for line in ["profiler run", "profiler run -- true", "profiler run -- true --", "profiler schema"] {
            assert!(read(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_users_and_the_kernel_name_need_not_be_utf_8() {
        use std::os::unix::ffi::OsStringExt as _;
        let lines: [&[&[u8]]; 5] = [
            &[b"run", b"--", b"caf\xe9", b"\xff"],
            &[b"run", b"-o", b"caf\xe9", b"--", b"true"],
            &[b"attach", b"--name", b"caf\xe9*"],
            &[b"attach", b"--cgroup", b"caf\xe9"],
            &[b"export", b"caf\xe9", b"-f", b"csv", b"--thread", b"caf\xe9*", b"-o", b"caf\xe9.csv"],
        ];
        for line in lines {
            let words = line.iter().map(|word| OsString::from_vec(word.to_vec()));
            let read = Cli::read(std::iter::once("profiler".into()).chain(words));
            assert!(read.is_ok(), "{read:?}");
        }
    }

    #[test]
    fn what_is_asked_for_is_resolved_and_checked() {
        use crate::settings::limits::Limits;
        use crate::settings::run::{Comparison, What};
        let run = |line: &str| match read(line).unwrap().command {
            Command::Run(args) => args.settings().map_err(|error| error.to_string()),
            _ => panic!("{line} is no run"),
        };
        let article = run("profiler run --article --out here").unwrap();
        let What::Comparison(comparison) = article.what else { panic!("{article:?}") };
        assert_eq!(comparison.fetch, Comparison::ARTICLE_FETCH);
        assert_eq!(comparison.tasks, Comparison::DEFAULT_TASKS);
        assert_eq!(article.destination.path.as_deref(), Some("here".as_ref()));
        let one = run("profiler run --max-threads 128 --no-follow -o one.json -- true").unwrap();
        assert_eq!(one.what, What::Command(vec!["true".into()]));
        assert_eq!(one.settings.limits, Limits::for_threads(128));
        assert!(!one.settings.follow);
        assert_eq!(one.destination.path.as_deref(), Some("one.json".as_ref()));
        let elsewhere = run("profiler run --json -o one.json -- true").unwrap_err();
        assert!(elsewhere.contains("--output -"), "{elsewhere}");
        let much = run("profiler run --histogram-memory 2TiB -- true").unwrap_err();
        assert!(much.contains("at most 1.0 TiB"), "{much}");
    }

    #[test]
    fn a_word_among_the_flags_is_told_where_it_belongs() {
        for (line, hint) in [
            ("profiler run ls -la", "profiler run -- ls"),
            ("profiler run --no-follow ls", "profiler run -- ls"),
            ("profiler attach 12", "profiler attach --pid 12"),
            ("profiler top nginx", "profiler top --name nginx"),
        ] {
            let error = read(line).unwrap_err();
            assert!(
                error.kind() == ErrorKind::UnknownArgument && error.to_string().contains(hint),
                "{error}"
            );
        }
        assert!(!read("profiler run --bogus").unwrap_err().to_string().contains("comes after --"));
    }

    /// The line that a list of commands and a man page's name have, and that `--help` begins with.
    #[test]
    fn each_command_is_described_in_one_short_line() {
        const VERBS: [&str; 17] = [
            "Add", "Check", "Control", "Convert", "Draw", "End", "Hold", "List", "Measure", "Print",
            "Profile", "Read", "Record", "Remove", "Show", "Watch", "Write",
        ];
        let mut commands = vec![Cli::command()];
        while let Some(command) = commands.pop() {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            let verb = about.split(' ').next().unwrap_or_default();
            assert!(
                VERBS.contains(&verb),
                "{}: begins with no verb of the list: {about}",
                command.get_name()
            );
            assert!(about.chars().count() <= 72, "{}: too long: {about}", command.get_name());
            commands.extend(command.get_subcommands().cloned());
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
