//! Slots and bucket pages run out on purpose, at a high rate: every total stays exact, and the report says so.

use super::{assert_sums_exact, assert_thread_exact, assert_told_switches};
use crate::support::{Outcome, Scene, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::losses::Loss;
use model::metric::Metric;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        a_hundred_thousand_switches_without_a_page,
        a_hundred_thousand_switches_without_a_slot,
        four_thousand_threads_at_once_in_ten_slots,
        a_tree_of_processes_in_three_slots,
    ]
}

const TRIPS: u64 = 50_000;

/// Eight pages less the one that is never handed out.
fn a_hundred_thousand_switches_without_a_page() {
    let scene = Scene::new().flags(&["--histogram-memory", "4KiB"]);
    let outcome = scene.run(&target("round-trips", &[&TRIPS.to_string()]));
    assert_totals_exact(&outcome, "without a bucket (raise --histogram-memory)");
    let profile = outcome.profile();
    assert_eq!(profile.without_slot, None);
    let histograms = || profile.threads.iter().flat_map(|thread| thread.histograms.values());
    let missing: u64 = histograms().map(|histogram| histogram.count - histogram.bucketed()).sum();
    assert!(missing > TRIPS, "few samples found no bucket: {missing}");
    assert_eq!(profile.lost[Loss::SamplesWithoutBucket], missing);
    for name in ["caller", "echo"] {
        assert_told_switches(&outcome, name);
    }
}

fn a_hundred_thousand_switches_without_a_slot() {
    let scene = Scene::new().flags(&["--max-threads", "1"]);
    let outcome = scene.run(&target("round-trips", &[&TRIPS.to_string()]));
    assert_totals_exact(&outcome, "2 threads without a slot (raise --max-threads)");
    let rest = outcome.profile().without_slot.as_ref().unwrap();
    assert_eq!(rest.threads, 2);
    let told = outcome.told();
    let told = |name: &str| told[name]["voluntary"].as_u64().unwrap();
    assert_eq!(rest.voluntary_switches, told("caller") + told("echo") + 2);
    let blocked = &rest.metrics[Metric::Blocked.name()];
    assert_eq!(blocked.count + rest.unattributed_wait, told("caller") + told("echo"));
    assert_eq!(blocked.bucketed(), 0);
}

fn four_thousand_threads_at_once_in_ten_slots() {
    let scene = Scene::new().flags(&["--max-threads", "10", "--histogram-memory", "4KiB"]);
    let outcome = scene.run(&target("at-once", &["4000"]));
    assert_totals_exact(&outcome, "3,991 threads without a slot (raise --max-threads)");
    let profile = outcome.profile();
    assert_eq!(profile.threads.len(), 10);
    assert_eq!(profile.without_slot.as_ref().unwrap().threads, 3_991);
}

fn a_tree_of_processes_in_three_slots() {
    let outcome = Scene::new().flags(&["--max-threads", "3"]).run(&target("tree", &["3", "3"]));
    assert_totals_exact(&outcome, "without a slot (raise --max-threads)");
    let profile = outcome.profile();
    let without_slot = profile.without_slot.as_ref().unwrap().threads;
    // A slot is used again if it was collected in time.
    assert_eq!(profile.threads.len() as u64 + without_slot, 1 + 3 + 9 + 27);
    assert!(profile.threads.len() >= 3);
}

fn assert_totals_exact(outcome: &Outcome, reason: &str) {
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    outcome.assert_reconciled();
    assert_sums_exact(outcome);
    let profile = outcome.profile();
    profile.threads.iter().for_each(assert_thread_exact);
    if let Some(rest) = &profile.without_slot {
        assert_eq!(rest.threads, profile.lost[Loss::ThreadsWithoutSlot]);
        assert_eq!(rest.voluntary_switches, rest.kernel.voluntary_switches);
        assert_eq!(rest.involuntary_switches, rest.kernel.involuntary_switches);
    }
    let lost = profile.lost;
    assert_eq!(
        (lost[Loss::MissedProgramRuns], lost[Loss::ThreadsWithoutState], lost[Loss::ClockBackwards]),
        (0, 0, 0)
    );
    let verdict = outcome.stderr.lines().find(|line| line.starts_with("INCOMPLETE: "));
    let verdict = verdict.unwrap_or_else(|| panic!("no such verdict in {}", outcome.stderr));
    assert!(verdict.contains(reason), "{verdict}");
}
