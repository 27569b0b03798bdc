//! A curve: its points, their data file, and the commands that draw it.

use super::style::{MARK, STYLES, Style};
use crate::report::units::count;
use crate::view::series::Group;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use std::borrow::Cow;

/// The extension of data files.
pub(super) const DATA_EXTENSION: &str = "dat";

/// The distribution of a group and a metric.
pub(super) struct Curve<'a> {
    pub(super) metric: Metric,
    pub(super) histogram: &'a Histogram,
    /// The group and the run in words.
    what: String,
    /// The index of its group.
    pub(super) group: usize,
    /// The suffix of the data file's name.
    pub(super) suffix: String,
    pub(super) points: Vec<Point>,
}

/// `samples` last `ns` or longer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) ns: u64,
    pub(super) samples: u64,
}

/// The points of the curve. Samples of 0 ns count, but have no point on a logarithmic axis.
pub(super) fn points(histogram: &Histogram) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::new();
    let mut rest = histogram.bucketed();
    let mut add = |ns: u64, samples: u64| {
        let point = Point { ns, samples };
        if ns > 0 && samples > 0 && points.last() != Some(&point) {
            points.push(point);
        }
    };
    for bucket in &histogram.buckets {
        add(bucket.low_ns.0.max(histogram.min_ns.0), rest);
        rest = rest.saturating_sub(bucket.count);
        if rest > 0 {
            add(bucket.high_ns.0, rest);
        } else if histogram.max_ns > bucket.low_ns {
            // The longest sample is known exactly.
            add(histogram.max_ns.0.min(bucket.high_ns.0), 1);
        }
    }
    points
}

impl<'a> Curve<'a> {
    /// The curves of a group that have points.
    pub(super) fn of(
        of: &'a Group<'a>,
        group: usize,
        what: &str,
        suffix: impl Fn(Metric) -> String,
    ) -> Vec<Self> {
        let curve = |(&metric, histogram): (&Metric, &'a Cow<'a, Histogram>)| {
            let points = points(histogram);
            let (what, suffix) = (what.to_owned(), suffix(metric));
            (!points.is_empty()).then_some(Self { metric, histogram, what, group, suffix, points })
        };
        of.histograms.iter().filter_map(curve).collect()
    }

    /// The commands for the line, and for the mark at the longest sample.
    pub(super) fn plots(&self) -> String {
        let Style { colour, dashes, mark, .. } = &STYLES[self.group % STYLES.len()];
        let line = format!(
            "\\addplot[{colour}, {dashes}, mark=none, forget plot] table[x=ns, y=share] \
             {{\\data.{}.{DATA_EXTENSION}}};\n",
            self.suffix
        );
        let end = self.points.last().map(|&point| {
            format!(
                "\\addplot[{colour}, only marks, {MARK}={mark}, forget plot] coordinates {{({},{})}};\n",
                point.ns,
                self.share(point)
            )
        });
        line + &end.unwrap_or_default()
    }

    fn share(&self, point: Point) -> String {
        format!("{:.9e}", point.samples as f64 / self.histogram.bucketed() as f64)
    }

    pub(super) fn data(&self) -> String {
        let histogram = self.histogram;
        let mut text = format!(
            "# {} of {}\n# {} samples, {} of them in no bucket and so not below\n# ns: duration in nanoseconds; \
             share: of the samples in buckets, those that last at least so long; samples: how many these are\n\
             ns share samples\n",
            self.metric.name(),
            self.what,
            count(histogram.count),
            count(histogram.without_bucket()),
        );
        for &point in &self.points {
            text.push_str(&format!("{} {} {}\n", point.ns, self.share(point), point.samples));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::units::Nanos;
    use proptest::prelude::*;

    #[test]
    fn a_sample_of_no_time_counts_but_has_no_point() {
        let histogram = Histogram::of([0, 0, 5, 300].map(Nanos)).unwrap();
        let points = points(&histogram).into_iter().map(|point| (point.ns, point.samples));
        assert_eq!(points.collect::<Vec<_>>(), [(1, 2), (5, 2), (6, 1), (300, 1)]);
        assert!(super::points(&Histogram::of([Nanos(0)]).unwrap()).is_empty());
    }

    proptest! {
        #[test]
        fn every_point_is_exact(samples in prop::collection::vec(1..1_u64 << 41, 1..200)) {
            let histogram = Histogram::of(samples.iter().copied().map(Nanos)).unwrap();
            let points = points(&histogram);
            for point in &points {
                let lasting = samples.iter().filter(|&&sample| sample >= point.ns).count() as u64;
                prop_assert!(point.samples == lasting || point == points.last().unwrap(), "{:?}: {}", point, lasting);
            }
            prop_assert!(points.is_sorted_by_key(|point| point.ns));
            prop_assert_eq!(points[0], Point { ns: histogram.min_ns.0, samples: histogram.count });
            prop_assert_eq!(points.last().unwrap().ns, histogram.max_ns.0);
        }
    }
}
