//! Parts of a profile that no figure of the report includes: losses, and fields written by a later version.

use super::page::Page;
use super::style::Paint;
use super::table::{Cell, Column, Table};
use super::units::count;
use super::verdict::LimitNames;
use model::losses::LIMIT;
use model::profile::{Profile, later};

/// The most unknown words and fields listed; the rest is counted.
const WORDS_SHOWN: usize = 12;

/// Lists words and fields of a later version, which no figure includes.
pub(super) fn not_understood(page: &mut Page<'_>, profile: &Profile, label: usize) {
    let words = later::not_understood(profile);
    if words.is_empty() {
        return;
    }
    let more = words.len().saturating_sub(WORDS_SHOWN);
    let mut shown = words.into_iter().take(WORDS_SHOWN).collect::<Vec<_>>().join("; ");
    if more > 0 {
        shown.push_str(&format!("; {} more", count(more as u64)));
    }
    let text = format!(
        "{shown}: written by profiler {}, this is {}; a newer one can use them",
        profile.tool.version,
        env!("CARGO_PKG_VERSION")
    );
    page.labelled("not understood", label, Paint::Bad, &text);
}

/// Lists losses that are not 0, each with its reason.
pub(super) fn lost(page: &mut Page<'_>, profile: &Profile) {
    if profile.lost.is_nothing() {
        return;
    }
    let mut table = Table::new([Column::left("lost"), Column::right("count"), Column::prose("because")]);
    for (loss, value) in profile.lost.iter().filter(|(_, count)| *count > 0) {
        let described = loss.described();
        let limit = described.limit.map_or("", |limit| LimitNames::FLAGS.of(limit));
        table.row([
            Cell::text(described.name).painted(Paint::Bad),
            Cell::figure(count(value)).painted(Paint::Bad),
            Cell::text(described.because.replace(LIMIT, limit)),
        ]);
    }
    page.blank();
    page.table(&table);
}

#[cfg(test)]
mod tests {
    use crate::report::{Style, counted_loss, single, verdict};
    use model::losses::{Loss, LossCounts};
    use model::profile::{file, fixture};

    /// Each loss of the table is in the file, the report and the verdict.
    #[test]
    fn every_loss_of_a_recording_is_told_everywhere() {
        for loss in Loss::OF_PROFILE {
            let mut profile = fixture::tokio();
            profile.lost = LossCounts::of([(loss, 4_321)]);
            let mut written = Vec::new();
            file::write(&profile, &mut written).unwrap();
            assert_eq!(file::read_from(written.as_slice()).unwrap().lost, profile.lost, "{loss:?}");
            let words = counted_loss(loss, 4_321).replace('\u{a0}', " ");
            assert!(verdict(&profile).starts_with(&format!("INCOMPLETE: {words}")), "{loss:?}");
            let report = single(&profile, &Style::plain(200));
            let row = report.lines().find(|line| line.trim_start().starts_with(loss.name()));
            assert!(row.is_some_and(|row| row.contains("4,321")), "{loss:?}: {report}");
        }
    }
}
