//! `ccdf`: the share of samples beyond a duration, both logarithmic. Shows the tail: every decade down is a nine more.

use super::axis::Axis;
use super::curves::{DECADES, Extent, Projection};
use super::font::Font;

pub(super) struct Ccdf;

impl Projection for Ccdf {
    fn point(&self, beyond: f64, value_ns: f64) -> (f64, f64) {
        (value_ns, beyond)
    }

    fn axes(&self, font: &Font, extent: &Extent, width_pt: f64) -> (Axis, Axis) {
        (Axis::durations(font, extent.least_ns, extent.most_ns, Some(width_pt)), Axis::beyond(extent.samples))
    }

    fn titles(&self, metric: &str) -> (String, String) {
        (metric.to_owned(), "share of samples beyond".to_owned())
    }

    fn marks(&self) -> &'static [f64] {
        &DECADES
    }

    fn reaches_the_end(&self) -> bool {
        false
    }

    /// p90, p99, p99.9 …
    fn right_name(&self, axis: &Axis, decade: u32) -> Option<(f64, String)> {
        let share = 10_f64.powi(-1 - i32::try_from(decade).ok()?);
        // Slightly below the end, as the powers are not exact.
        (share >= axis.low * 0.99).then(|| {
            let digits = usize::try_from(decade).unwrap_or(0).saturating_sub(1);
            (share, format!("p{:.digits$}", (1.0 - share) * 100.0))
        })
    }
}
