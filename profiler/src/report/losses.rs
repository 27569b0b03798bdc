//! Parts that are in no figure of a report: losses, and what a later version wrote.

use super::page::Page;
use super::style::Paint;
use super::table::{Cell, Column, Table};
use super::units::count;
use model::profile::{Lost, Profile, later};

/// More words and fields of a later version than this are only counted.
const WORDS_SHOWN: usize = 12;

/// Words and fields of a later version, which are in no figure of this report.
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

/// Losses that are not 0, each with its reason.
pub(super) fn lost(page: &mut Page<'_>, profile: &Profile) {
    if profile.lost.is_nothing() {
        return;
    }
    // By name, so that none can be forgotten here.
    let Lost {
        samples_without_bucket,
        threads_without_slot,
        missed_program_runs,
        threads_without_state,
        threads_unfinished,
        clock_backwards,
        cpus_watched_late,
    } = profile.lost;
    let counters = [
        (
            "samples_without_bucket",
            samples_without_bucket,
            "no memory left for buckets: raise --histogram-memory",
        ),
        ("threads_without_slot", threads_without_slot, "more threads at a time than --max-threads"),
        (
            "threads_without_state",
            threads_without_state,
            "no event told of their birth, or the kernel had no memory for their state",
        ),
        ("threads_unfinished", threads_unfinished, "their last switch had not come when the recording ended"),
        ("missed_program_runs", missed_program_runs, "the kernel skipped a program that was running already"),
        ("clock_backwards", clock_backwards, "stamped as ended before they began, so not recorded"),
        ("cpus_watched_late", cpus_watched_late, "came online meanwhile: some faults there have no duration"),
    ];
    let mut table = Table::new([Column::left("lost"), Column::right("count"), Column::prose("because")]);
    for (name, value, because) in counters {
        if value > 0 {
            table.row([
                Cell::text(name).painted(Paint::Bad),
                Cell::figure(count(value)).painted(Paint::Bad),
                Cell::text(because),
            ]);
        }
    }
    page.blank();
    page.table(&table);
}
