//! `cdf`, `ccdf` and `percentiles`: the paths of lines and the positions of marks.

use super::super::Kind;
use super::scale::{Scale, duration, share};
use super::{Drawn, Point, drawn, extent};
use crate::view::series::GroupBy;
use model::metric::Metric;
use model::profile::fixture;
use model::profile::histogram::Histogram;

/// Tolerance in units of the file: points within 0.3 pt of a drawn one are left out, and one unit is rounding.
const NEAR: f64 = 7.0;

/// A kind of figure as its reader interprets it.
struct Lines {
    kind: Kind,
    /// The two axes.
    across: Scale,
    up: Scale,
    /// Axis values of a share of samples beyond a duration, and the duration.
    point: fn(f64, f64) -> Point,
    /// The marked shares beyond.
    marks: &'static [f64],
}

/// `99.9` as the value on its axis.
fn percentile(words: &str) -> Option<f64> {
    Some(100.0 / (100.0 - words.parse::<f64>().ok()?))
}

impl Lines {
    fn of(kind: Kind, drawn: &Drawn) -> Self {
        const TAIL: &[f64] = &[0.5, 0.1, 0.01, 0.001, 0.0001];
        match kind {
            Kind::Cdf => Self {
                kind,
                across: Scale::across(drawn, true, duration),
                up: Scale::up(drawn, false, share),
                point: |beyond, ns| (ns, 1.0 - beyond),
                marks: &[0.9, 0.5, 0.1],
            },
            Kind::Ccdf => Self {
                kind,
                across: Scale::across(drawn, true, duration),
                up: Scale::up(drawn, true, share),
                point: |beyond, ns| (ns, beyond),
                marks: TAIL,
            },
            _ => Self {
                kind,
                across: Scale::across(drawn, true, percentile),
                up: Scale::up(drawn, true, duration),
                point: |beyond, ns| (1.0 / beyond, ns),
                marks: TAIL,
            },
        }
    }

    fn at(&self, beyond: f64, ns: f64) -> Point {
        let (x, y) = (self.point)(beyond, ns);
        (self.across.at(x), self.up.at(y))
    }

    /// Compares the path of this colour with a distribution in both directions: each point of the distribution
    /// is near the path, and each corner of the path is near a step of the distribution.
    fn check(&self, drawn: &Drawn, colour: &str, histogram: &Histogram) {
        let count = histogram.bucketed() as f64;
        // Only `cdf` shows a share of 0 beyond.
        let least = if self.kind == Kind::Cdf { 0.0 } else { 1.0 / count };
        let (mut before, mut steps) = (1.0, Vec::new());
        for bucket in &histogram.buckets {
            let ns = (bucket.high_ns.0 - 1).min(histogram.max_ns.0) as f64;
            let after = before - bucket.count as f64 / count;
            steps.extend([self.at(f64::max(before, least), ns), self.at(f64::max(after, least), ns)]);
            before = after;
        }
        let plot = extent(&drawn.grid.concat());
        let is_in_plot = |path: &&Vec<Point>| path.iter().all(|point| is_inside(plot, *point));
        let own = drawn.stroked.iter().filter(|(_, of)| of == colour).map(|(path, _)| path);
        let paths: Vec<&Vec<Point>> = own.filter(is_in_plot).collect();
        assert!(!paths.is_empty(), "{:?}: no line has the colour of the legend", self.kind);
        for step in steps.iter().filter(|step| is_inside(plot, **step)) {
            let distance = paths.iter().map(|path| distance(path, *step)).fold(f64::INFINITY, f64::min);
            assert!(distance <= NEAR, "{:?}: {distance} units from the line to {step:?}", self.kind);
        }
        for corner in paths.iter().flat_map(|path| path.iter()).filter(|corner| !is_on_edge(plot, **corner)) {
            let distance = distance(&steps, *corner);
            assert!(distance <= NEAR, "{:?}: {distance} units from {corner:?} to a step", self.kind);
        }
        self.check_marks(drawn, colour, plot, histogram);
    }

    fn check_marks(&self, drawn: &Drawn, colour: &str, plot: [Point; 2], histogram: &Histogram) {
        let known = self.marks.iter().filter(|&&beyond| beyond >= 1.0 / histogram.bucketed() as f64);
        let expected: Vec<Point> = known
            .map(|&beyond| self.at(beyond, histogram.quantile(1.0 - beyond).unwrap().value.0 as f64))
            .collect();
        let own = drawn.circles.iter().filter(|(at, of)| of == colour && is_inside(plot, *at));
        let marked: Vec<Point> = own.map(|(at, _)| *at).collect();
        assert_eq!(marked.len(), expected.len(), "{:?}: {marked:?}, not {expected:?}", self.kind);
        for (mark, point) in marked.iter().zip(&expected) {
            let off = (mark.0 - point.0).hypot(mark.1 - point.1);
            assert!(off <= 2.0, "{:?}: a mark is at {mark:?}, not {point:?}", self.kind);
        }
    }
}

fn is_inside([(left, top), (right, bottom)]: [Point; 2], (x, y): Point) -> bool {
    (left - 1.0..=right + 1.0).contains(&x) && (top - 1.0..=bottom + 1.0).contains(&y)
}

/// True if a point is at the end of an axis, where larger values are drawn.
fn is_on_edge([(left, top), (right, bottom)]: [Point; 2], (x, y): Point) -> bool {
    [x - left, x - right, y - top, y - bottom].iter().any(|off| off.abs() <= 1.0)
}

/// The distance from a point to a path.
fn distance(path: &[Point], (x, y): Point) -> f64 {
    let of_edge = |pair: &[Point]| {
        let ((from_x, from_y), (to_x, to_y)) = (pair[0], pair[1]);
        let (along_x, along_y) = (to_x - from_x, to_y - from_y);
        let length = along_x.powi(2) + along_y.powi(2);
        let part =
            if length > 0.0 { ((x - from_x) * along_x + (y - from_y) * along_y) / length } else { 0.0 };
        let part = part.clamp(0.0, 1.0);
        (x - from_x - part * along_x).hypot(y - from_y - part * along_y)
    };
    path.windows(2).map(of_edge).fold(f64::INFINITY, f64::min)
}

#[test]
fn lines_and_their_marks_are_where_the_quantiles_are() {
    let profile = fixture::pool();
    for metric in [Metric::Blocked, Metric::RunqueueWait] {
        let all = profile.threads.iter().filter_map(|thread| thread.histograms.get(metric.name()));
        let histogram = Histogram::merged(all).unwrap();
        for kind in [Kind::Cdf, Kind::Ccdf, Kind::Percentiles] {
            let figure = drawn(&profile, kind, GroupBy::Run, metric);
            let legend = figure.lines();
            let (_, colour) = legend.iter().find(|(name, _)| name.starts_with(metric.name())).unwrap();
            Lines::of(kind, &figure).check(&figure, colour, &histogram);
        }
    }
}
