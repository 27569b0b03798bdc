//! The words that flags take for what `view`, `export` and `plot` can do, with the line of help for each.

use crate::export;
#[cfg(feature = "figures")]
use crate::plot;
use crate::view::series::GroupBy;
use clap::ValueEnum;
use clap::builder::PossibleValue;

/// A word and its line of help.
fn word(name: &'static str, help: &'static str) -> Option<PossibleValue> {
    Some(PossibleValue::new(name).help(help))
}

impl ValueEnum for GroupBy {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Thread => "One for each thread",
            Self::Name => "One for each name that threads have",
            Self::Process => "One for each process",
            Self::Run => "One for each profile",
        };
        word(self.name(), help)
    }
}

impl ValueEnum for export::Format {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Csv => "Every bucket of every group, a row each; with --summary one row a group and metric",
            Self::Json => "Every bucket of every group, with what is known of the machine and the run",
            #[cfg(feature = "store")]
            Self::Parquet => "The tables of CSV with types, for DuckDB, pandas, R",
            Self::Hlog => "HdrHistogram's interval log, lossless; a tag for each group and metric",
            Self::Hgrm => "HdrHistogram's percentiles, for its plotter; a file for each group and metric",
            Self::Markdown => "A table: one row a group and metric, with count, quantiles and maximum",
            Self::Latex => "The same table for LaTeX with booktabs",
            Self::Pgfplots => {
                "A figure for LaTeX with pgfplots: for each metric the share of samples that last at least so long"
            }
            #[cfg(feature = "figures")]
            Self::Svg => "A figure of percentiles; every kind of figure with profiler plot",
            #[cfg(feature = "figures")]
            Self::Pdf => "The same figure with its font embedded, for LaTeX",
            #[cfg(feature = "figures")]
            Self::Png => "The same figure as pixels",
        };
        word(self.name(), help)
    }
}

#[cfg(feature = "figures")]
impl ValueEnum for plot::Kind {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Cdf => "The share of samples up to each duration",
            Self::Ccdf => "The share of samples beyond each duration, log-log: the tail",
            Self::Percentiles => "The duration at each percentile; 90, 99, 99.9 … equally far apart",
            Self::Histogram => "The share of samples by duration, a panel a metric",
            Self::Heatmap => {
                "Samples a second by time and duration (needs profiles recorded with --interval)"
            }
            Self::Timeline => {
                "What each thread did when: shares of its states (needs profiles recorded with --interval)"
            }
            Self::BlockedOn => "What threads were blocked on: shares of system calls",
        };
        word(self.name(), help)
    }
}

#[cfg(feature = "figures")]
impl ValueEnum for plot::Size {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Column => "3.33 inches: a column of the usual two-column styles",
            Self::Page => "7 inches: both columns",
        };
        word(self.name(), help)
    }
}

#[cfg(feature = "figures")]
impl ValueEnum for plot::Format {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Svg => "Lines and text",
            Self::Pdf => "The same with the font embedded (TrueType), for LaTeX",
            Self::Png => "Pixels, 300 an inch, for slides and web pages",
        };
        word(self.extension(), help)
    }
}
