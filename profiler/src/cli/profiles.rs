//! Arguments of the commands that read profiles: `report`, `export` and `plot`.

use super::recording::StyleArgs;
use crate::outside_bytes;
use crate::view::series::{GroupBy, Selection};
use anyhow::{Context as _, Result};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use model::metric::Metric;
use std::ffi::OsString;
use std::path::PathBuf;

pub(super) const EXPORT_EXAMPLES: &str = "\
Examples:
  profiler export RUN.profile.json -o run.csv
      every bucket of every thread, a row each
  profiler export RUN.profile.json -o run.parquet --summary
      count, sum and quantiles of each
  profiler export RUN.profile.json -o run.hlog
      for every HdrHistogram library
  profiler export A.profile.json B.profile.json -f latex
      a table of both; markdown for the web
  profiler export A.profile.json B.profile.json -f pgfplots -o waits.tex";

/// `profiler report`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Profiles; several are shown side by side. - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The style of the report.
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

    /// Overwrite an existing file, whatever is in it: one of the profiles that are read, too
    #[arg(long)]
    pub force: bool,

    /// One row a group and metric, with count, sum and quantiles, instead of every bucket (csv, parquet)
    #[arg(long)]
    pub summary: bool,

    /// The choice of threads and metrics.
    #[command(flatten)]
    pub selection: SelectionArgs,
}

/// A choice of threads and metrics.
#[derive(Debug, Args)]
#[command(next_help_heading = "Selection")]
pub struct SelectionArgs {
    /// Only these metrics [default: all]
    #[arg(long, value_parser = metric(), value_delimiter = ',', value_name = "METRIC")]
    pub metric: Vec<Metric>,

    /// Only threads whose name matches, such as 'pool-worker-*'
    #[arg(long, value_name = "GLOB")]
    pub thread: Option<OsString>,

    /// The rows: threads, or sums of them [default: the format's own]
    #[arg(long, value_enum)]
    pub group_by: Option<GroupBy>,
}

impl SelectionArgs {
    /// The selection, with this grouping if none is given.
    ///
    /// # Errors
    /// If the pattern makes no sense.
    pub fn selection(&self, default: GroupBy) -> Result<Selection> {
        let threads = self.thread.as_deref().map(|bytes| {
            let text = outside_bytes::pattern(bytes);
            glob::Pattern::new(&text)
                .with_context(|| format!("--thread {text:?} is not a pattern such as 'worker-*'"))
        });
        Ok(Selection {
            metrics: self.metric.clone(),
            threads: threads.transpose()?,
            group_by: self.group_by.unwrap_or(default),
        })
    }

    /// The flags that choose among what is in the profiles, of those that were given.
    #[must_use]
    pub fn given(&self) -> Vec<&'static str> {
        let flags = [("--thread", self.thread.is_some()), ("--metric", !self.metric.is_empty())];
        flags.into_iter().filter_map(|(flag, is_given)| is_given.then_some(flag)).collect()
    }
}

/// By the stable names.
fn metric() -> impl TypedValueParser<Value = Metric> {
    PossibleValuesParser::new(Metric::ALL.map(Metric::name)).try_map(|name| {
        Metric::ALL.into_iter().find(|metric| metric.name() == name).ok_or("no metric has this name")
    })
}
