//! The quantile function of a distribution, and the median over several runs.

use super::order::MedianBand;
use model::profile::histogram::{Histogram, Quantile};
use std::borrow::Borrow;

/// A step function: `value_ns` is the quantile of all shares from the previous step to this one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Curve {
    /// In ascending order; never empty.
    pub(super) steps: Vec<Step>,
    /// The share of a single sample, below which nothing is known; for several runs, of the run with the fewest
    /// samples.
    pub(super) least_beyond: f64,
    /// The number of runs that the curve is the median of.
    pub(super) runs: usize,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// The share of samples above the step. Stored instead of the share below, whose floating-point resolution
    /// is too coarse for a tail.
    pub(super) beyond: f64,
    pub(super) value_ns: f64,
    /// Confidence interval of the median over runs; the value itself for one run.
    pub(super) band_ns: (f64, f64),
}

impl Curve {
    /// Combines runs; those without a sample in a bucket are left out. `None` if no run is left.
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
            // The upper end of the bucket, as in the quantiles of a report.
            let value_ns = bucket.high_ns.0.saturating_sub(1).min(histogram.max_ns.0) as f64;
            Step { beyond: beyond as f64 / count as f64, value_ns, band_ns: (value_ns, value_ns) }
        });
        let steps: Vec<Step> = steps.collect();
        (!steps.is_empty()).then(|| Self { steps, least_beyond: 1.0 / count as f64, runs: 1 })
    }

    /// The median of the runs' quantiles at every share, as far into the tail as the smallest run reaches.
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

    /// The quantile with this share of samples above it.
    pub(super) fn quantile(&self, beyond: f64) -> f64 {
        let index = self.steps.partition_point(|step| step.beyond > beyond);
        self.steps[index.min(self.steps.len() - 1)].value_ns
    }

    /// True if enough samples lie beyond this share's quantile to rely on its value.
    pub(super) fn is_supported(&self, beyond: f64) -> bool {
        // Less half a sample, as a share is not exactly a multiple of one sample.
        beyond / self.least_beyond > Quantile::ENOUGH_BEYOND as f64 - 0.5
    }

    pub(super) fn least_ns(&self) -> f64 {
        self.steps.first().map_or(0.0, |step| step.value_ns)
    }

    pub(super) fn most_ns(&self) -> f64 {
        self.steps.iter().map(|step| step.band_ns.1).fold(0.0, f64::max)
    }
}

/// The shares at which runs are compared: every half percent, and fifty a decade in the tail down to `least`.
fn shares_beyond(least: f64) -> Vec<f64> {
    const BODY: u32 = 200;
    const IN_DECADE: i32 = 50;
    let body = (1..=BODY).map(|step| 1.0 - f64::from(step) / f64::from(BODY)).filter(|&beyond| beyond > 0.1);
    let decades = -least.log10() - 1.0;
    let steps = (decades * f64::from(IN_DECADE)).ceil().max(0.0) as i32;
    let tail = (0..=steps).map(|step| 10_f64.powf(-1.0 - f64::from(step) / f64::from(IN_DECADE)));
    let mut shares: Vec<f64> = body.chain(tail).filter(|&beyond| beyond > least * (1.0 + 1e-9)).collect();
    shares.push(least.min(0.5));
    // The largest sample.
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
        // With seven runs the band spans all of them: 98.4 %.
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
