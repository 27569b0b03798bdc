//! Figures for papers. Each kind is drawn as SVG with text kept as text, and converted to PDF and PNG. Output
//! is reproducible: the font is part of the binary, and nothing depends on date, machine or chance.

mod about;
mod axis;
mod bins;
mod blocked_on;
mod calls;
mod ccdf;
mod cdf;
mod content;
mod convert;
mod curve;
mod curves;
#[cfg(test)]
mod drawn;
mod font;
mod heatmap;
mod histogram;
mod legend;
mod lines;
mod order;
mod panels;
mod percentiles;
mod rows;
mod sheet;
mod slices;
mod style;
mod timeline;
mod viewers;

use crate::view::Subject;
use crate::view::series::GroupBy;
use anyhow::Result;
use model::metric::Metric;
use sheet::{Area, Head};

/// The kind of figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The share of samples up to each duration
    Cdf,
    /// The share of samples beyond each duration, log-log: the tail
    Ccdf,
    /// The duration at each percentile; 90, 99, 99.9 … equally far apart
    Percentiles,
    /// The share of samples by duration, a panel a metric
    Histogram,
    /// Samples a second by time and duration (needs profiles recorded with --interval)
    Heatmap,
    /// The states of each thread over time: shares of each interval (needs profiles recorded with --interval)
    Timeline,
    /// The causes of waits: shares of system calls
    BlockedOn,
}

/// The width of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 3.33 inches: a column of the usual two-column styles
    Column,
    /// 7 inches: both columns
    Page,
}

/// The format of a figure's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lines and text
    Svg,
    /// The same with the font embedded (TrueType), for LaTeX
    Pdf,
    /// Pixels, 300 an inch, for slides and web pages
    Png,
}

/// A figure that was asked for.
pub struct Figure<'a> {
    /// The selected groups and metrics.
    pub subject: &'a Subject<'a>,
    /// The kind.
    pub kind: Kind,
    /// The width.
    pub size: Size,
    /// Draws repeated runs one by one instead of joined.
    pub each_run: bool,
    /// Omits metadata that identifies the machine or its owner.
    pub anonymous: bool,
}

/// A laid-out figure: its height, and the function that draws it.
struct Drawing<'a> {
    size_pt: (f64, f64),
    draw: Draw<'a>,
}

/// Draws the figure into an area of its size.
type Draw<'a> = Box<dyn FnOnce(&Area<'_>) -> Result<()> + 'a>;

impl Figure<'_> {
    /// The figure as an SVG document.
    ///
    /// # Errors
    /// If the selection has nothing to draw.
    pub fn svg(&self) -> Result<String> {
        viewers::with_font(&self.drawn()?)
    }

    /// The SVG that all formats are made from, with the font not embedded.
    fn drawn(&self) -> Result<String> {
        let drawing = self.drawing()?;
        let head = Head { title: &about::title(self), description: &about::description(self) };
        sheet::svg(drawing.size_pt, &head, drawing.draw)
    }

    /// Renders the figure in this format.
    ///
    /// # Errors
    /// As [`Self::svg`].
    pub fn bytes(&self, format: Format) -> Result<Vec<u8>> {
        match format {
            Format::Svg => Ok(self.svg()?.into_bytes()),
            Format::Pdf => convert::pdf(&self.drawn()?, &about::entries(self)),
            Format::Png => convert::png(&self.drawn()?, &about::entries(self)),
        }
    }

    fn drawing(&self) -> Result<Drawing<'_>> {
        match self.kind {
            Kind::Cdf => curves::curves(self, &cdf::Cdf),
            Kind::Ccdf => curves::curves(self, &ccdf::Ccdf),
            Kind::Percentiles => curves::curves(self, &percentiles::Percentiles),
            Kind::Histogram => histogram::histogram(self),
            Kind::Heatmap => heatmap::heatmap(self),
            Kind::Timeline => timeline::timeline(self),
            Kind::BlockedOn => blocked_on::blocked_on(self),
        }
    }
}

impl Kind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::Cdf,
        Self::Ccdf,
        Self::Percentiles,
        Self::Histogram,
        Self::Heatmap,
        Self::Timeline,
        Self::BlockedOn,
    ];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cdf => "cdf",
            Self::Ccdf => "ccdf",
            Self::Percentiles => "percentiles",
            Self::Histogram => "histogram",
            Self::Heatmap => "heatmap",
            Self::Timeline => "timeline",
            Self::BlockedOn => "blocked-on",
        }
    }

    /// The metric of a kind that shows only one.
    #[must_use]
    pub fn own_metric(self) -> Option<Metric> {
        match self {
            Self::BlockedOn => Some(Metric::Blocked),
            Self::Timeline => Some(Metric::OnCpu),
            _ => None,
        }
    }

    /// The default grouping: by thread, name or run.
    #[must_use]
    pub fn group_by(self) -> GroupBy {
        match self {
            Self::Cdf | Self::Ccdf | Self::Percentiles | Self::Histogram | Self::Heatmap => GroupBy::Run,
            Self::BlockedOn => GroupBy::Name,
            Self::Timeline => GroupBy::Thread,
        }
    }
}

impl Size {
    /// All widths.
    pub const ALL: &'static [Self] = &[Self::Column, Self::Page];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Column => "column",
            Self::Page => "page",
        }
    }

    /// The width in points.
    fn width_pt(self) -> f64 {
        match self {
            Self::Column => 240.0,
            Self::Page => 504.0,
        }
    }
}

impl Format {
    /// All formats.
    pub const ALL: &'static [Self] = &[Self::Svg, Self::Pdf, Self::Png];

    /// The file extension, without a dot; also the name on the command line.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Pdf => "pdf",
            Self::Png => "png",
        }
    }

    /// The format of a file extension.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.extension() == extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::series::Selection;
    use model::profile::fixture;

    #[test]
    fn every_kind_has_the_same_bytes_every_time() {
        let (mut one, mut two) = (fixture::tokio(), fixture::pool());
        fixture::cut_in_two(&mut one);
        fixture::cut_in_two(&mut two);
        let profiles = [&one, &two];
        for &kind in Kind::ALL {
            let metrics = kind.own_metric().into_iter().collect();
            let selection = Selection { metrics, threads: None, group_by: kind.group_by() };
            let subject = Subject::new(&profiles, &selection, false);
            for size in [Size::Column, Size::Page] {
                let figure = Figure { subject: &subject, kind, size, each_run: false, anonymous: false };
                for format in [Format::Svg, Format::Pdf] {
                    assert!(
                        figure.bytes(format).unwrap() == figure.bytes(format).unwrap(),
                        "{kind:?} {format:?}"
                    );
                }
            }
        }
    }
}
