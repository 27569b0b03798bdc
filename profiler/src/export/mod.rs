//! Exports of profiles for programs, papers and people. Each format is one file with one function from a
//! [`Subject`] to bytes; nothing here writes files.

mod csv;
mod hdr;
mod hgrm;
mod hlog;
mod intervals;
mod json;
mod latex;
mod markdown;
mod names;
mod paper;
#[cfg(feature = "store")]
mod parquet;
mod pgfplots;
mod summary;
mod tex;
mod tidy;

#[cfg(feature = "store")]
pub(crate) use names::escaped;

#[cfg(feature = "figures")]
use crate::plot::{self, Figure};
use crate::view::Subject;
use crate::view::series::GroupBy;
use anyhow::Result;

/// A format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Every bucket of every group, a row each; with --summary one row a group and metric
    Csv,
    /// Every bucket of every group, with what is known of the machine and the run
    Json,
    /// The tables of CSV with types, for DuckDB, pandas, R
    #[cfg(feature = "store")]
    Parquet,
    /// HdrHistogram's interval log, lossless; a tag for each group and metric
    Hlog,
    /// HdrHistogram's percentiles, for its plotter; a file for each group and metric
    Hgrm,
    /// A table: one row a group and metric, with count, quantiles and maximum
    Markdown,
    /// The same table for LaTeX with booktabs
    Latex,
    /// A figure for LaTeX with pgfplots: for each metric the share of samples that last at least so long
    Pgfplots,
    /// A figure of percentiles; every kind of figure with profiler plot
    #[cfg(feature = "figures")]
    Svg,
    /// The same figure with its font embedded, for LaTeX
    #[cfg(feature = "figures")]
    Pdf,
    /// The same figure as pixels
    #[cfg(feature = "figures")]
    Png,
}

/// One file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Suffix of the requested file name, before its extension; empty for the main file.
    pub suffix: String,
    /// The extension, if it differs from the main file's.
    pub extension: Option<&'static str>,
    /// The content.
    pub bytes: Vec<u8>,
}

impl Artifact {
    /// The main file.
    #[must_use]
    pub fn main(bytes: Vec<u8>) -> Self {
        Self { suffix: String::new(), extension: None, bytes }
    }
}

impl Format {
    /// The formats of this build.
    pub const ALL: &'static [Self] = &[
        Self::Csv,
        Self::Json,
        #[cfg(feature = "store")]
        Self::Parquet,
        Self::Hlog,
        Self::Hgrm,
        Self::Markdown,
        Self::Latex,
        Self::Pgfplots,
        #[cfg(feature = "figures")]
        Self::Svg,
        #[cfg(feature = "figures")]
        Self::Pdf,
        #[cfg(feature = "figures")]
        Self::Png,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            #[cfg(feature = "store")]
            Self::Parquet => "parquet",
            Self::Hlog => "hlog",
            Self::Hgrm => "hgrm",
            Self::Markdown => "markdown",
            Self::Latex => "latex",
            Self::Pgfplots => "pgfplots",
            #[cfg(feature = "figures")]
            Self::Svg => "svg",
            #[cfg(feature = "figures")]
            Self::Pdf => "pdf",
            #[cfg(feature = "figures")]
            Self::Png => "png",
        }
    }

    /// The file extension, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Latex | Self::Pgfplots => "tex",
            named_alike => named_alike.name(),
        }
    }

    /// True if the format has a summary form: one row a group and metric instead of every bucket.
    #[must_use]
    pub fn has_summary(self) -> bool {
        match self {
            Self::Csv => true,
            #[cfg(feature = "store")]
            Self::Parquet => true,
            _ => false,
        }
    }

    /// True if the format is binary and not for a terminal.
    #[must_use]
    pub fn is_binary(self) -> bool {
        match self {
            #[cfg(feature = "store")]
            Self::Parquet => true,
            #[cfg(feature = "figures")]
            Self::Pdf | Self::Png => true,
            _ => false,
        }
    }

    /// The default grouping.
    #[must_use]
    pub fn group_by(self) -> GroupBy {
        match self {
            Self::Csv | Self::Json | Self::Hlog => GroupBy::Thread,
            #[cfg(feature = "store")]
            Self::Parquet => GroupBy::Thread,
            Self::Hgrm | Self::Markdown | Self::Latex | Self::Pgfplots => GroupBy::Run,
            #[cfg(feature = "figures")]
            Self::Svg | Self::Pdf | Self::Png => FIGURE.group_by(),
        }
    }

    /// The formats of a file extension.
    pub fn of_extension(extension: &str) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |format| format.extension() == extension)
    }

    /// Makes the files of the export; the first is the main one.
    ///
    /// # Errors
    /// If the format can't represent the selection.
    pub fn make(self, subject: &Subject<'_>) -> Result<Vec<Artifact>> {
        let one = |bytes| vec![Artifact::main(bytes)];
        match self {
            Self::Csv => csv::csv(subject).map(one),
            Self::Json => json::json(subject).map(one),
            #[cfg(feature = "store")]
            Self::Parquet => parquet::parquet(subject).map(one),
            Self::Hlog => hlog::hlog(subject).map(one),
            Self::Hgrm => hgrm::hgrm(subject),
            Self::Markdown => Ok(one(markdown::markdown(subject))),
            Self::Latex => Ok(one(latex::latex(subject))),
            Self::Pgfplots => pgfplots::pgfplots(subject),
            #[cfg(feature = "figures")]
            Self::Svg => figure(subject).bytes(plot::Format::Svg).map(one),
            #[cfg(feature = "figures")]
            Self::Pdf => figure(subject).bytes(plot::Format::Pdf).map(one),
            #[cfg(feature = "figures")]
            Self::Png => figure(subject).bytes(plot::Format::Png).map(one),
        }
    }
}

/// The kind of figure that an export draws.
#[cfg(feature = "figures")]
const FIGURE: plot::Kind = plot::Kind::Percentiles;

#[cfg(feature = "figures")]
fn figure<'a>(subject: &'a Subject<'a>) -> Figure<'a> {
    Figure { subject, kind: FIGURE, size: plot::Size::Column, each_run: false, anonymous: false }
}
