//! `cdf`: the share of samples up to a duration. Shows the body of a distribution.

use super::axis::Axis;
use super::curves::{Extent, Projection};
use super::font::Font;

pub(super) struct Cdf;

impl Projection for Cdf {
    fn point(&self, beyond: f64, value_ns: f64) -> (f64, f64) {
        (value_ns, 1.0 - beyond)
    }

    fn axes(&self, font: &Font, extent: &Extent, width_pt: f64) -> (Axis, Axis) {
        (Axis::durations(font, extent.least_ns, extent.most_ns, Some(width_pt)), Axis::shares())
    }

    fn titles(&self, metric: &str) -> (String, String) {
        (metric.to_owned(), "cumulative share of samples".to_owned())
    }

    /// A linear axis shows no tail.
    fn marks(&self) -> &'static [f64] {
        &[0.9, 0.5, 0.1]
    }

    fn marks_note(&self) -> &'static str {
        "p10, p50, p90."
    }

    fn reaches_the_end(&self) -> bool {
        true
    }
}
