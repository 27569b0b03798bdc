//! The quantile function of a distribution, and of several runs together.

use super::order::MedianBand;
use model::profile::histogram::{Histogram, Quantile};
use std::borrow::Borrow;

/// A quantile function in steps: `value_ns` is the quantile of the shares from the step before to this one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Curve {
    /// In ascending order; never empty.
    pub(super) steps: Vec<Step>,
    /// The share of one sample: nothing is known beyond. With several runs that of the smallest.
    pub(super) least_beyond: f64,
    /// Of how many runs it is the median.
    pub(super) runs: usize,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// The share of samples beyond it. Not the share up to it, whose last digits say nothing of a tail.
    pub(super) beyond: f64,
    pub(super) value_ns: f64,
    /// The interval that is likely to hold the median of all possible runs; the value itself with one run.
    pub(super) band_ns: (f64, f64),
}

impl Curve {
    /// Of the runs, those without a sample in a bucket left out; `None` if no run is left.
    pub(super) fn of<H: Borrow<Histogram>>(runs: &[H]) -> Option<Self> {
        let runs: Vec<Self> = runs.iter().filter_map(|run| Self::of_one(run.borrow())).collect();
        match runs.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            _ => Some(Self::median(&runs)),
        }
    }

    fn of_one(histogram: &Histogram) -> Option<Self> {
        let count = histogram.bucketed();
        let mut beyond = count;
        let steps = histogram.buckets.iter().map(|bucket| {
            beyond = beyond.saturating_sub(bucket.count);
            // As the quantiles of a report: the upper end of the bucket.
            let value_ns = bucket.high_ns.0.saturating_sub(1).min(histogram.max_ns.0) as f64;
            Step { beyond: beyond as f64 / count as f64, value_ns, band_ns: (value_ns, value_ns) }
        });
        let steps: Vec<Step> = steps.collect();
        (!steps.is_empty()).then(|| Self { steps, least_beyond: 1.0 / count as f64, runs: 1 })
    }

    /// At every share the median of the runs' quantiles, as far as the smallest run reaches.
    fn median(runs: &[Self]) -> Self {
        let band = MedianBand::of(runs.len());
        let least_beyond = runs.iter().map(|run| run.least_beyond).fold(0.0, f64::max);
        let steps = shares_beyond(least_beyond).into_iter().map(|beyond| {
            let mut values: Vec<f64> = runs.iter().map(|run| run.quantile(beyond)).collect();
            values.sort_by(f64::total_cmp);
            let middle = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0;
            Step { beyond, value_ns: middle, band_ns: (values[band.low], values[band.high]) }
        });
        Self { steps: steps.collect(), least_beyond, runs: runs.len() }
    }

    /// The quantile that this share lies beyond.
    pub(super) fn quantile(&self, beyond: f64) -> f64 {
        let place = self.steps.partition_point(|step| step.beyond > beyond);
        self.steps[place.min(self.steps.len() - 1)].value_ns
    }

    /// True if enough samples lie beyond this share's quantile to rely on its value.
    pub(super) fn is_supported(&self, beyond: f64) -> bool {
        // Half a sample less: a share is not exactly a number of samples.
        beyond / self.least_beyond > Quantile::ENOUGH_BEYOND as f64 - 0.5
    }

    pub(super) fn least_ns(&self) -> f64 {
        self.steps.first().map_or(0.0, |step| step.value_ns)
    }

    pub(super) fn most_ns(&self) -> f64 {
        self.steps.iter().map(|step| step.band_ns.1).fold(0.0, f64::max)
    }
}

/// Shares at which runs are compared: every half percent, and fifty in every decade of the tail down to `least`.
fn shares_beyond(least: f64) -> Vec<f64> {
    const BODY: u32 = 200;
    const IN_DECADE: i32 = 50;
    let body = (1..=BODY).map(|step| 1.0 - f64::from(step) / f64::from(BODY)).filter(|&beyond| beyond > 0.1);
    let decades = -least.log10() - 1.0;
    let steps = (decades * f64::from(IN_DECADE)).ceil().max(0.0) as i32;
    let tail = (0..=steps).map(|step| 10_f64.powf(-1.0 - f64::from(step) / f64::from(IN_DECADE)));
    let mut shares: Vec<f64> = body.chain(tail).filter(|&beyond| beyond > least * (1.0 + 1e-9)).collect();
    shares.push(least.min(0.5));
    // Then the last sample.
    shares.push(0.0);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::units::Nanos;

    fn histogram(samples: impl IntoIterator<Item = u64>) -> Histogram {
        Histogram::of(samples.into_iter().map(Nanos)).unwrap()
    }

    #[test]
    fn a_curve_of_one_run_has_the_quantiles_of_its_histogram() {
        let histogram = histogram((1..=200).map(|number| number * number));
        let curve = Curve::of(&[&histogram]).unwrap();
        for beyond in [0.5, 0.25, 0.1, 0.05, 0.0] {
            let quantile = histogram.quantile(1.0 - beyond).unwrap();
            assert_eq!(curve.quantile(beyond), quantile.value.0 as f64, "{beyond}");
            assert_eq!(curve.is_supported(beyond), quantile.is_supported(), "{beyond}");
        }
        assert_eq!(curve.steps.last().unwrap().beyond, 0.0);
    }

    #[test]
    fn samples_without_a_bucket_make_no_curve() {
        let totals = Histogram { buckets: Vec::new(), ..histogram([5]) };
        assert_eq!(Curve::of(&[&totals]), None);
        assert_eq!(Curve::of::<Histogram>(&[]), None);
    }

    #[test]
    fn runs_are_joined_at_every_quantile() {
        // Run r has the samples 100 r + 1 … 100 r + 100: its median is 100 r + 50.
        let runs: Vec<Histogram> =
            (0..7).map(|run| histogram((1..=100).map(|number| 20_000 + 6_400 * run + number))).collect();
        let curve = Curve::of(&runs).unwrap();
        let median = Curve::of(&[&runs[3]]).unwrap().quantile(0.5);
        let step = curve.steps.iter().find(|step| step.beyond <= 0.5).unwrap();
        assert_eq!(step.value_ns, median);
        // Of seven runs the least and the greatest: 98.4 %.
        assert!(step.band_ns.0 < 21_000.0 && step.band_ns.1 > 58_000.0, "{step:?}");
        assert!(
            curve
                .steps
                .windows(2)
                .all(|pair| pair[0].beyond > pair[1].beyond && pair[0].value_ns <= pair[1].value_ns)
        );
        assert_eq!(curve.least_beyond, 0.01);
    }
}
