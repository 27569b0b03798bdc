//! Summary rows of tables: one a group and metric.

use crate::view::Subject;
use crate::view::series::Group;
use model::metric::Metric;
use model::profile::histogram::{Histogram, Quantile};

/// The quantiles that tables show.
pub(super) const QUANTILES: [(&str, f64); 5] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99_9", 0.999), ("p99_99", 0.9999)];

/// One row.
pub(super) struct Row<'a> {
    /// The profile's title.
    pub(super) title: &'a str,
    pub(super) group: &'a Group<'a>,
    pub(super) metric: Metric,
    pub(super) histogram: &'a Histogram,
}

impl Row<'_> {
    /// In the order of [`QUANTILES`]; `None` where no sample is in a bucket.
    pub(super) fn quantiles(&self) -> [Option<Quantile>; QUANTILES.len()] {
        QUANTILES.map(|(_, share)| self.histogram.quantile(share))
    }
}

/// All rows, sorted by profile, group and metric.
pub(super) fn rows<'a>(subject: &'a Subject<'a>) -> impl Iterator<Item = Row<'a>> {
    subject.groups.iter().flat_map(|group| {
        let title = subject.titles.get(group.run).map_or("", String::as_str);
        group.histograms.iter().map(move |(&metric, histogram)| Row { title, group, metric, histogram })
    })
}
