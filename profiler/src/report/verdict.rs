//! The verdict: one line that says whether every number is proven.

use super::page::Page;
use super::style::Paint;
use super::subject::Subject;
use super::units::{count, counted};
use super::wrap::JOINT;
use model::losses::{Limit, Loss, LossCounts};
use model::profile::Profile;
use model::profile::histogram::Histogram;
use model::profile::reconciliation::{Check, Scope, Verdict};
use model::profile::units::total;

pub(super) fn section(page: &mut Page<'_>, subjects: &[Subject<'_>]) {
    page.blank();
    for subject in subjects {
        let paint = if is_complete(subject.profile) { Paint::Good } else { Paint::Bad };
        let line = verdict(subject.profile);
        match subjects {
            [_] => page.verdict(paint, &line),
            _ => page.verdict(paint, &format!("{}: {line}", subject.title)),
        }
    }
}

/// Counts differences and losses.
#[must_use]
pub fn tally(profile: &Profile) -> Verdict {
    let differing = || profile.reconciliation.iter().filter(|check| check.difference != 0);
    let (in_threads, in_sums): (Vec<&Check>, Vec<&Check>) = differing()
        .filter(|check| check.holds())
        .partition(|check| matches!(check.scope, Scope::Thread { .. }));
    Verdict {
        unexplained: differing().filter(|check| !check.holds()).count(),
        explained: in_sums.len(),
        explained_in_threads: in_threads.len(),
        lost: !profile.lost.is_nothing()
            || !profile.later.losses.is_empty()
            || profile.without_slot.is_some(),
    }
}

/// True if every number is proven.
#[must_use]
pub fn is_complete(profile: &Profile) -> bool {
    reasons(profile).is_empty()
}

/// The reasons for an incomplete proof, with the flag that helps; empty if it is complete.
#[must_use]
pub fn reasons(profile: &Profile) -> Vec<String> {
    let mut lost = profile.lost;
    let slotless = profile.without_slot.as_ref().map_or(0, |rest| rest.threads);
    lost[Loss::ThreadsWithoutSlot] = lost[Loss::ThreadsWithoutSlot].max(slotless);
    let mut reasons = Vec::new();
    let unexplained = tally(profile).unexplained as u64;
    if unexplained > 0 {
        reasons.push(counted(unexplained, "unexplained difference").replace(JOINT, " "));
    }
    reasons.extend(loss_reasons(&lost, LimitNames::FLAGS));
    for (loss, value) in &profile.later.losses {
        reasons.push(format!("{} {loss} (a loss that a later version names)", count(*value)));
    }
    if profile.reconciliation.is_empty() {
        reasons.push("nothing was compared with the kernel's counters".to_owned());
    }
    reasons
}

/// The names of limits for messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LimitNames {
    threads: &'static str,
    histogram_memory: &'static str,
    groups: &'static str,
}

impl LimitNames {
    /// Command-line flags.
    pub(crate) const FLAGS: Self =
        Self { threads: "--max-threads", histogram_memory: "--histogram-memory", groups: "max_groups" };

    /// Keys of the daemon's configuration.
    pub(crate) const CONFIGURATION: Self = Self {
        threads: "watch.max_threads",
        histogram_memory: "watch.histogram_memory",
        groups: "max_groups of its selector",
    };

    /// The name of a limit.
    pub(crate) fn of(self, limit: Limit) -> &'static str {
        match limit {
            Limit::Threads => self.threads,
            Limit::HistogramMemory => self.histogram_memory,
            Limit::Groups => self.groups,
        }
    }
}

/// The losses in words, each with the limit to raise. Slots come first: other losses may follow from them.
pub(crate) fn loss_reasons(lost: &LossCounts, limits: LimitNames) -> Vec<String> {
    let mut losses = Loss::ALL;
    losses.sort_by_key(|loss| *loss != Loss::ThreadsWithoutSlot);
    let some = losses.into_iter().map(|loss| (loss, lost[loss])).filter(|(_, count)| *count > 0);
    some.map(|(loss, count)| {
        let limit = loss.described().limit.map(|limit| format!(" (raise {})", limits.of(limit)));
        counted_loss(loss, count).replace(JOINT, " ") + &limit.unwrap_or_default()
    })
    .collect()
}

/// An amount of a loss in words: `1 sample without a bucket`.
pub(crate) fn counted_loss(loss: Loss, count: u64) -> String {
    counted(count, loss.described().noun) + loss.described().trouble
}

/// The verdict as one line of plain text.
#[must_use]
pub fn verdict(profile: &Profile) -> String {
    let reasons = reasons(profile);
    if !reasons.is_empty() {
        return format!("INCOMPLETE: {}", reasons.join(", "));
    }
    let threads = counted(profile.threads.len() as u64, "thread");
    let histograms = profile.threads.iter().flat_map(|thread| thread.histograms.values());
    let samples = total(histograms.map(|histogram: &Histogram| histogram.count));
    format!(
        "complete: 0 lost, {threads}, {}, every switch and fault accounted for{}",
        counted(samples, "sample"),
        explained(&tally(profile))
    )
    .replace(JOINT, " ")
}

/// Describes explained differences. The report lists sums that differ; those of single threads are in the
/// profile only.
fn explained(tally: &Verdict) -> String {
    let differences = |number: usize| counted(number as u64, "difference");
    match (tally.explained, tally.explained_in_threads) {
        (0, 0) => String::new(),
        (sums, 0) => format!(" ({} explained)", differences(sums)),
        (0, threads) => format!(" ({} in single threads explained: see the profile)", differences(threads)),
        (sums, threads) => {
            let threads = count(threads as u64);
            format!(" ({} explained, and {threads} in single threads: see the profile)", differences(sums))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::fixture;

    #[test]
    fn nothing_lost_and_all_explained_is_complete() {
        let profile = fixture::tokio();
        let line = verdict(&profile);
        assert!(line.starts_with("complete: 0 lost, 3 threads, "), "{line}");
        assert!(line.ends_with("every switch and fault accounted for (2 differences explained)"), "{line}");
        assert!(is_complete(&profile));
    }

    #[test]
    fn differences_of_sums_and_of_single_threads_are_told_apart() {
        let told = |explained, explained_in_threads| {
            let tally = Verdict { unexplained: 0, explained, explained_in_threads, lost: false };
            super::explained(&tally).replace(JOINT, " ")
        };
        assert_eq!(told(0, 0), "");
        assert_eq!(told(1, 0), " (1 difference explained)");
        assert_eq!(told(0, 2), " (2 differences in single threads explained: see the profile)");
        assert_eq!(
            told(5, 1_234),
            " (5 differences explained, and 1,234 in single threads: see the profile)"
        );
    }

    #[test]
    fn every_reason_is_named_with_its_flag() {
        let mut profile = fixture::overfull();
        profile.lost[Loss::SamplesWithoutBucket] = 1_234;
        profile.lost[Loss::MissedProgramRuns] = 1;
        let line = verdict(&profile);
        assert!(line.starts_with("INCOMPLETE: "), "{line}");
        for part in [
            "12 threads without a slot (raise --max-threads)",
            "1,234 samples without a bucket (raise --histogram-memory)",
            "1 program run skipped by the kernel",
        ] {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn without_a_reference_there_is_no_proof() {
        let mut profile = fixture::tokio();
        profile.reconciliation.clear();
        assert!(verdict(&profile).starts_with("INCOMPLETE: nothing was compared"));
    }
}
