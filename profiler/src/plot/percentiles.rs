//! `percentiles`: the duration at each percentile, every decade of the axis a nine more, as HdrHistogram draws it.

use super::axis::Axis;
use super::curves::{DECADES, Extent, Projection};
use super::font::Font;

pub(super) struct Percentiles;

impl Projection for Percentiles {
    fn point(&self, beyond: f64, value_ns: f64) -> (f64, f64) {
        (1.0 / beyond, value_ns)
    }

    fn axes(&self, font: &Font, extent: &Extent, width_pt: f64) -> (Axis, Axis) {
        let durations = Axis::durations(font, extent.least_ns, extent.most_ns, None);
        (Axis::percentiles(font, extent.samples, width_pt), durations)
    }

    fn titles(&self, metric: &str) -> (String, String) {
        ("percentile".to_owned(), metric.to_owned())
    }

    fn marks(&self) -> &'static [f64] {
        &DECADES
    }

    fn reaches_the_end(&self) -> bool {
        false
    }
}
