//! The report: one profile, or several side by side, as text for a terminal.
//!
//! Functions here are pure: from profiles and a [`Style`] to a `String`. Sections go from the known to the new
//! and end with the proof: getrusage, the questions of a comparison, metrics, threads, reconciliation, verdict.
//! A figure missing from the profile is shown as `–`, never as 0.

mod answers;
mod groups;
pub(crate) mod histogram;
mod losses;
pub(crate) mod metrics;
mod page;
mod published;
mod questions;
mod ranking;
mod reconciliation;
mod self_cost;
mod style;
mod subject;
pub(crate) mod table;
mod threads;
mod titles;
pub(crate) mod units;
mod usage;
mod verdict;
mod wrap;

#[cfg(test)]
mod tests;

pub(crate) use model::outside_text::printable;
pub use published::{ARTICLE, Published, PublishedRun};
pub use style::Style;
pub use titles::titles;
pub(crate) use units::{count, counted, duration};
pub(crate) use verdict::{LimitNames, counted_loss, loss_reasons};
pub use verdict::{is_complete, reasons, tally, verdict};
pub(crate) use wrap::shortened;

use model::profile::Profile;
use page::Page;
use subject::Subject;

/// A report of one profile.
#[must_use]
pub fn single(profile: &Profile, style: &Style) -> String {
    comparison(&[profile], None, style)
}

/// A report of several profiles side by side; the first is the reference.
///
/// `published` adds published figures to the first table, marked as not measured here.
#[must_use]
pub fn comparison(profiles: &[&Profile], published: Option<&Published>, style: &Style) -> String {
    let style = &Style { width: style.width.max(Style::MIN_WIDTH), ..*style };
    let subjects = Subject::all(profiles, style.threads);
    let mut page = Page::new(style);
    subject::header(&mut page, &subjects);
    usage::section(&mut page, &subjects, published);
    questions::section(&mut page, &subjects, published);
    metrics::section(&mut page, &subjects);
    threads::section(&mut page, &subjects);
    reconciliation::section(&mut page, &subjects);
    self_cost::section(&mut page, &subjects);
    verdict::section(&mut page, &subjects);
    page.finish()
}
