//! Entry points of the fuzz targets and of the tests that run their kept inputs: for every reader of outside bytes,
//! one function that feeds it and asserts what must hold whatever it is fed.
//!
//! Compiled for tests and with the feature `fuzzing` only.

mod exports;
mod report;
mod texts;

#[cfg(test)]
mod tests;

pub use exports::{Wish, exports};
pub use report::{Look, MOST_PROFILES, reports};
pub use texts::{arguments, kernel_types, machine_texts};

use model::profile::histogram::Histogram;
use model::profile::later::Later;
use model::profile::units::Nanos;
use model::profile::{Profile, file};

/// The outcome of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was read, and all that follows from it was done.
    Read,
    /// It was refused with an error.
    Refused,
}

/// The bytes of a profile file: refused, or written and read again without a difference and reported.
pub fn profile_file(bytes: &[u8]) -> Outcome {
    match file::read_from(bytes) {
        Ok(profile) => {
            assert_same_when_read_again(&profile);
            let histograms = profile.threads.iter().flat_map(|thread| thread.histograms.values());
            histograms.for_each(assert_quantiles);
            let report = reports(&[profile], &Look::default());
            assert_is_bounded(bytes, &report);
            Outcome::Read
        }
        Err(error) => {
            assert_is_clear(&error);
            Outcome::Refused
        }
    }
}

/// Any values in a profile, sound or not.
pub fn profile_values(profile: &Profile) -> Outcome {
    profile_file(&written(profile))
}

/// A sound profile is read as it was written, but for what was read past.
pub fn assert_same_when_read_again(profile: &Profile) {
    let kept = Profile { later: Later::default(), ..profile.clone() };
    let again = file::read_from(written(profile).as_slice());
    assert!(again.as_ref().is_ok_and(|again| *again == kept), "{again:?} instead of {kept:?}");
}

/// Every sample is somewhere, and quantiles rise from the smallest to the largest.
fn assert_quantiles(histogram: &Histogram) {
    assert_eq!(histogram.bucketed() + histogram.without_bucket(), histogram.count);
    let shares = [0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0];
    let values: Vec<Nanos> =
        shares.into_iter().filter_map(|share| Some(histogram.quantile(share)?.value)).collect();
    assert!(values.is_sorted(), "{values:?} of {histogram:?}");
    let extremes = histogram.min_ns..=histogram.max_ns;
    assert!(values.iter().all(|value| extremes.contains(value)), "{values:?} of {histogram:?}");
}

fn written(profile: &Profile) -> Vec<u8> {
    let mut bytes = Vec::new();
    let done = file::write(profile, &mut bytes);
    assert!(done.is_ok(), "{done:?}");
    bytes
}

/// A report grows with its profile, not with the square of it.
fn assert_is_bounded(file: &[u8], report: &str) {
    /// The length of a report's own text: headings, rules and legends.
    const OWN: usize = 64 << 10;
    /// A character may be shown as three bytes, with as much around it, in a few places.
    const TIMES: usize = 20;
    assert!(report.len() <= OWN + TIMES * file.len(), "{} bytes from {}", report.len(), file.len());
}

/// One line that a person can read, not the file's content back.
fn assert_is_clear(error: &anyhow::Error) {
    /// The longest message of all with room for names; a field's content must not fill the screen.
    const LONGEST: usize = 1000;
    let text = format!("{error:#}");
    assert!(!text.is_empty() && text.len() <= LONGEST, "{text}");
    assert!(!text.contains(char::is_control), "{text:?}");
}
