//! Order statistics: a confidence interval for the median, for any distribution.

/// The least confidence of a band.
const CONFIDENCE: f64 = 0.95;

/// Indices of two order statistics, from 0, that enclose the median.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct MedianBand {
    pub(super) low: usize,
    pub(super) high: usize,
    /// The probability that the median lies between them; `None` if even the smallest and largest value do not
    /// reach [`CONFIDENCE`]. The band is then of those.
    pub(super) confidence: Option<f64>,
}

impl MedianBand {
    /// The narrowest symmetric band. Each run is below the true median with probability 1/2, so the number
    /// below is binomial; the band misses the median if fewer than `low + 1` runs are below it, or above it.
    pub(super) fn of(runs: usize) -> Self {
        let mut band = Self { low: 0, high: runs.saturating_sub(1), confidence: None };
        // In logarithms: with a thousand runs, 2^-runs underflows f64.
        let mut ln_exactly = -(runs as f64) * std::f64::consts::LN_2;
        let mut at_most = 0.0;
        for low in 0..runs / 2 {
            at_most += ln_exactly.exp();
            let confidence = 1.0 - 2.0 * at_most;
            if confidence < CONFIDENCE {
                break;
            }
            band = Self { low, high: runs - 1 - low, confidence: Some(confidence) };
            ln_exactly += ((runs - low) as f64 / (low + 1) as f64).ln();
        }
        band
    }

    /// The band in words, with its confidence rounded down.
    pub(super) fn note(&self, runs: usize) -> String {
        let band = match self.confidence {
            Some(confidence) => {
                let percent = (confidence * 1000.0).floor() / 10.0;
                format!("its {percent:.1}\u{a0}% confidence interval (order statistics)")
            }
            None => "least to greatest (too few for a 95\u{a0}% confidence interval)".to_owned(),
        };
        format!("Line: median of {runs} runs; band: {band}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(runs: usize) -> (usize, usize, Option<String>) {
        let MedianBand { low, high, confidence } = MedianBand::of(runs);
        (low + 1, high + 1, confidence.map(|confidence| format!("{confidence:.3}")))
    }

    #[test]
    fn the_ranks_are_those_of_the_tables() {
        // Conover, Practical Nonparametric Statistics; Le Boudec, Performance Evaluation, table A.1.
        assert_eq!(band(6), (1, 6, Some("0.969".to_owned())));
        assert_eq!(band(8), (1, 8, Some("0.992".to_owned())));
        assert_eq!(band(9), (2, 8, Some("0.961".to_owned())));
        assert_eq!(band(10), (2, 9, Some("0.979".to_owned())));
        assert_eq!(band(20), (6, 15, Some("0.959".to_owned())));
        assert_eq!(band(30), (10, 21, Some("0.957".to_owned())));
        // Le Boudec's approximation for large n: the middle ± 0.98 √n.
        let (low, high, _) = band(10_000);
        assert!((4_900..=4_903).contains(&low) && (5_098..=5_101).contains(&high), "{low} {high}");
    }

    #[test]
    fn few_runs_have_a_range_and_no_confidence() {
        assert_eq!(band(2), (1, 2, None));
        assert_eq!(band(5), (1, 5, None));
        assert_eq!(
            MedianBand::of(5).note(5),
            "Line: median of 5 runs; band: least to greatest (too few for a 95\u{a0}% confidence interval)."
        );
        assert_eq!(
            MedianBand::of(10).note(10),
            "Line: median of 10 runs; band: its 97.8\u{a0}% confidence interval (order statistics)."
        );
    }
}
