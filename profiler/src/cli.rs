//! What can be typed. Only clap types: every command turns them into checked settings before anything runs.

mod attach;
mod daemon;
mod top;

pub use attach::{AttachArgs, ChoiceArgs};
pub use daemon::{CtlArgs, CtlAttachArgs, CtlCommand, DaemonArgs};
pub use top::TopArgs;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use profiler_ebpf::metric::Metric;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Shows what getrusage hides: who waited, for what, how long, and what the kernel charged for it.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads a command line, the program's name included.
    ///
    /// # Errors
    /// What clap refuses, and `run --` without a command: it comes of `run -- $COMMAND` with nothing in the variable, and
    /// must not start the comparison.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let cli = Self::try_parse_from(&arguments)?;
        let ends_the_flags = arguments.last().is_some_and(|last| last == "--");
        match &cli.command {
            Command::Run(run) if run.command.is_empty() && ends_the_flags => Err(Self::command().error(
                ErrorKind::MissingRequiredArgument,
                "the command after -- is missing; profiler run without -- compares the sample workloads",
            )),
            _ => Ok(cli),
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Profile a command and its children; without a command, compare the two sample workloads
    #[command(after_help = RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Profile processes that run already, and their children from then on; they are left as they are
    #[command(after_help = attach::EXAMPLES)]
    Attach(Box<AttachArgs>),
    /// Show live what the threads of processes that run already do; they are left as they are
    #[command(after_help = top::EXAMPLES)]
    Top(Box<TopArgs>),
    /// Watch processes all the time, also those that are started later, as a configuration says
    #[command(after_help = daemon::DAEMON_EXAMPLES)]
    Daemon(DaemonArgs),
    /// Talk to a daemon: who is watched, what was added, watch more or less
    #[command(after_help = daemon::CTL_EXAMPLES)]
    Ctl(CtlArgs),
    /// Print the report of profiles that were recorded before (needs no root)
    Report(ReportArgs),
    /// Turn profiles into what other programs, papers and people read (needs no root)
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Draw a figure of profiles for a paper (needs no root)
    #[command(after_help = PLOT_EXAMPLES)]
    Plot(PlotArgs),
    /// Say whether this machine can be profiled, and how to mend what is missing
    Doctor(DoctorArgs),
    /// Print the JSON Schema of the profile file
    Schema,
    /// Hold until told to execute a command: the target's first moment, used by `run`
    #[command(name = crate::target::hold::COMMAND, hide = true)]
    Hold(HoldArgs),
}

const RUN_EXAMPLES: &str = "\
Examples:
  sudo profiler run                          the tokio and the thread-pool workload, side by side
  sudo profiler run --python                 with Python's asyncio and ThreadPoolExecutor beside them
  sudo profiler run --article                the published case: 1000 tasks of 3 s (takes minutes)
  sudo profiler run -- ./server --flag       any command and its children
  sudo profiler run --duration 10s -- top    stop it after 10 s";

const PLOT_EXAMPLES: &str = "\
Examples:
  profiler plot a.profile.json b.profile.json --kind ccdf --metric runqueue_wait -o tail.pdf
  profiler plot runs/*.profile.json --kind percentiles -o runs.svg     repeated runs as one line with a band";

const EXPORT_EXAMPLES: &str = "\
Examples:
  profiler export RUN.profile.json -o run.csv                    every bucket of every thread, a row each
  profiler export RUN.profile.json -o run.parquet --summary      count, sum and quantiles of each
  profiler export RUN.profile.json -o run.hlog                   for every HdrHistogram library
  profiler export A.profile.json B.profile.json -f latex         a table of both; markdown for the web
  profiler export A.profile.json B.profile.json -f pgfplots -o waits.tex --metric runqueue_wait,blocked";

/// `profiler run`
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The command to profile, with its arguments
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,

    /// Write the profile to this file; - is standard output [default: COMMAND.profile.json]
    #[arg(short, long, value_name = "FILE", requires = "command")]
    pub output: Option<PathBuf>,

    /// Stop the command after this time: SIGTERM, and SIGKILL two seconds later (10s, 1m30s)
    #[arg(long, value_parser = duration, value_name = "TIME")]
    pub duration: Option<Duration>,

    /// Profile only the command's own process, not its children
    #[arg(long)]
    pub no_follow: bool,

    /// Under sudo, run the command as root and not as the user who called sudo
    #[arg(long)]
    pub as_root: bool,

    /// What `attach` has too.
    #[command(flatten)]
    pub recording: RecordingArgs,

    /// What is compared without a command.
    #[command(flatten)]
    pub comparison: ComparisonArgs,
}

/// How anything is recorded and shown.
#[derive(Debug, Args)]
pub struct RecordingArgs {
    /// Print the profile instead of the report (only with --output -)
    #[arg(long, requires = "output")]
    pub json: bool,

    /// Overwrite an existing file, whatever is in it
    #[arg(long)]
    pub force: bool,

    /// Also record in intervals of this time, at least 1ms: what happened when. They add up to the whole (1s, 100ms)
    #[arg(long, value_parser = interval, value_name = "TIME")]
    pub interval: Option<Duration>,

    /// Measure what the recording itself costs: time and runs of the BPF programs, CPU and memory of the profiler.
    /// The kernel's statistics that this needs make every BPF program of the machine a little slower meanwhile
    #[arg(long)]
    pub measure_self: bool,

    /// How much room the recording has.
    #[command(flatten)]
    pub limits: LimitArgs,

    /// How the report looks.
    #[command(flatten)]
    pub report: StyleArgs,
}

/// How much room a recording has.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Threads that are recorded at the same time; those beyond are only summed
    #[arg(long, default_value_t = crate::kernel::load::Limits::DEFAULT_MAX_THREADS,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000), value_name = "N")]
    pub max_threads: u32,

    /// Memory for histogram buckets, such as 64MiB [default: 9.5 KiB for each of --max-threads]
    #[arg(long, value_parser = memory, value_name = "SIZE")]
    pub histogram_memory: Option<u64>,
}

/// How a report looks.
#[derive(Debug, Args)]
#[command(next_help_heading = "Report")]
pub struct StyleArgs {
    /// Show threads one by one up to this many, grouped by name beyond
    #[arg(long, default_value_t = crate::report::Style::DEFAULT_THREADS, value_name = "N")]
    pub threads: usize,
}

/// What `run` compares without a command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Comparison (without a command)")]
pub struct ComparisonArgs {
    /// Tasks of each workload
    #[arg(long, value_parser = workloads::args::tasks(), conflicts_with = "command", value_name = "N")]
    pub tasks: Option<u32>,

    /// How long each task waits
    #[arg(long, value_parser = duration, conflicts_with = "command", value_name = "TIME")]
    pub fetch: Option<Duration>,

    /// Threads of the thread pool [default: CPUs + 4, at most 32]
    #[arg(long, value_parser = workloads::args::workers(), conflicts_with = "command", value_name = "N")]
    pub workers: Option<usize>,

    /// Add the Python pair: asyncio and ThreadPoolExecutor
    #[arg(long, conflicts_with = "command")]
    pub python: bool,

    /// The published case: 1000 tasks of 3 s, its published figures shown beside
    #[arg(long, conflicts_with_all = ["command", "tasks", "fetch"])]
    pub article: bool,

    /// The folder for one profile a workload [default: profiles]
    #[arg(long, conflicts_with = "command", value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `profiler report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Profiles; several are shown side by side. - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// How the report looks.
    #[command(flatten)]
    pub report: StyleArgs,
}

/// `profiler export`
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Profiles; several go into the same file. - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The format [default: that of the output's extension]
    #[arg(short, long, value_enum)]
    pub format: Option<crate::export::Format>,

    /// The file to write; companions are named after it [default: standard output]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,

    /// One row a group and metric, with count, sum and quantiles, instead of every bucket (csv, parquet)
    #[arg(long)]
    pub summary: bool,

    /// What is exported.
    #[command(flatten)]
    pub selection: SelectionArgs,
}

/// `profiler plot`
#[derive(Debug, Args)]
pub struct PlotArgs {
    /// Profiles; several go into the same figure, three or more of the same command on the same machine as repeated
    /// runs. - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// What is drawn
    #[arg(short, long, value_enum)]
    pub kind: crate::plot::Kind,

    /// The file to write [default: standard output]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,

    /// The format [default: that of the output's extension]
    #[arg(short, long, value_enum)]
    pub format: Option<crate::plot::Format>,

    /// How wide the figure is
    #[arg(long, value_enum, default_value_t = crate::plot::Size::Column)]
    pub size: crate::plot::Size,

    /// Draw each run by itself, where three or more are repetitions
    #[arg(long)]
    pub each_run: bool,

    /// Leave out of the file's data the machine, the command line and the date, for double-blind review
    #[arg(long)]
    pub anonymous: bool,

    /// What is drawn.
    #[command(flatten)]
    pub selection: SelectionArgs,
}

/// What is chosen of profiles.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectionArgs {
    /// Only these metrics [default: all]
    #[arg(long, value_parser = metric(), value_delimiter = ',', value_name = "METRIC")]
    pub metric: Vec<Metric>,

    /// Only threads whose name matches, such as 'pool-worker-*'
    #[arg(long, value_name = "GLOB")]
    pub thread: Option<String>,

    /// What is added up [default: what suits the format]
    #[arg(long, value_enum)]
    pub group_by: Option<crate::series::GroupBy>,
}

/// `profiler doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Load every program and say what the kernel makes of it: type, instructions the verifier processed, bytes of
    /// machine code, time to load
    #[arg(long)]
    pub programs: bool,

    /// Print that as JSON
    #[arg(long, requires = "programs")]
    pub json: bool,
}

/// `profiler __hold`
#[derive(Debug, Args)]
pub struct HoldArgs {
    /// The descriptor on which the release comes.
    #[arg(long)]
    pub release: i32,
    /// The descriptor that takes the error if the command can't be executed.
    #[arg(long)]
    pub failure: i32,
    /// A signal that is blocked until the release.
    #[arg(long)]
    pub withheld: Vec<i32>,
    /// The user to become.
    #[arg(long, requires = "gid")]
    pub uid: Option<u32>,
    /// The group to become.
    #[arg(long, requires = "uid")]
    pub gid: Option<u32>,
    /// The command.
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

/// By the stable names.
fn metric() -> impl TypedValueParser<Value = Metric> {
    PossibleValuesParser::new(Metric::ALL.map(Metric::name)).try_map(|name| {
        Metric::ALL.into_iter().find(|metric| metric.name() == name).ok_or("no metric has this name")
    })
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => Err("it must be longer than nothing".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; write it like 500ms, 10s or 1m30s")),
    }
}

/// The shortest interval: a snapshot takes some 50 µs, and shorter ones would record little but that.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

fn interval(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        short if short < SHORTEST_INTERVAL => Err("it must be at least 1ms, such as 10ms or 1s".to_owned()),
        interval => Ok(interval),
    }
}

pub(crate) fn memory(text: &str) -> Result<u64, String> {
    let size = text.parse::<bytesize::ByteSize>().map_err(|error| format!("{error}; write it like 64MiB"))?;
    if size.as_u64() < 4096 {
        return Err("at least 4KiB are needed".to_owned());
    }
    Ok(size.as_u64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        Cli::read(line.split(' ').map(OsString::from))
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
    fn an_interval_is_at_least_a_millisecond() {
        assert_eq!(interval("1ms"), Ok(Duration::from_millis(1)));
        for short in ["1ns", "999us", "0s"] {
            assert!(interval(short).is_err(), "{short}");
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }
}
