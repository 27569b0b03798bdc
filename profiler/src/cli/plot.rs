//! Arguments of `profiler plot`.

use super::SelectionArgs;
use crate::plot::{Format, Kind, Size};
use clap::Args;
use std::path::PathBuf;

pub(super) const PLOT_EXAMPLES: &str = "\
Examples:
  profiler plot a.profile.json b.profile.json --kind ccdf -o tail.pdf
  profiler plot runs/*.profile.json --kind percentiles -o runs.svg
      repeated runs as one line with a band";

/// `profiler plot`
#[derive(Debug, Args)]
pub struct PlotArgs {
    /// Profiles; several go into the same figure, three or more of the same command on the same machine as repeated
    /// runs. - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The kind of figure
    #[arg(short, long, value_enum)]
    pub kind: Kind,

    /// The file to write [default: standard output]
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,

    /// The format [default: that of the output's extension]
    #[arg(short, long, value_enum)]
    pub format: Option<Format>,

    /// Overwrite an existing file, whatever is in it: one of the profiles that are read, too
    #[arg(long)]
    pub force: bool,

    /// The figure's width
    #[arg(long, value_enum, default_value_t = Size::Column)]
    pub size: Size,

    /// Draw each run by itself, where three or more are repetitions
    #[arg(long)]
    pub each_run: bool,

    /// Leave out of the file's data the machine, the command line and the date, for double-blind review
    #[arg(long)]
    pub anonymous: bool,

    /// The choice of threads and metrics.
    #[command(flatten)]
    pub selection: SelectionArgs,
}
