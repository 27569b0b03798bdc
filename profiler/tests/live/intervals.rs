//! `--interval`: however often snapshots are taken, the intervals together are the whole, and each wait is in every
//! interval that it lasts.

use crate::support::{Outcome, Scene, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::Profile;
use model::profile::histogram::Histogram;
use model::profile::interval::{States, ThreadInterval};
use model::profile::thread::Thread;
use model::profile::units::Nanos;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        intervals_add_up_at_a_high_switch_rate,
        intervals_add_up_while_threads_come_and_go,
        intervals_add_up_with_more_threads_than_slots,
        a_long_wait_is_in_every_interval;
        here:
        without_the_flag_there_are_none,
    ]
}

fn run(every: &str, flags: &[&str], arguments: &[&str]) -> Outcome {
    let scene = Scene::new().flags(&["--interval", every]).flags(flags);
    let outcome = scene.run(&target(arguments[0], &arguments[1..]));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    outcome.assert_reconciled();
    assert_intervals_are_the_whole(outcome.profile());
    outcome
}

fn parts(profile: &Profile, thread: usize) -> impl Iterator<Item = &ThreadInterval> {
    let all = profile.intervals.iter().flat_map(|interval| &interval.threads);
    all.filter(move |part| part.thread as usize == thread)
}

pub(crate) fn assert_intervals_are_the_whole(profile: &Profile) {
    assert!(profile.intervals.windows(2).all(|pair| pair[0].until_ns == pair[1].from_ns));
    assert!(profile.intervals.len() > 2, "{} intervals", profile.intervals.len());
    for (place, thread) in profile.threads.iter().enumerate() {
        assert_is_the_whole(thread, &parts(profile, place).collect::<Vec<_>>());
    }
}

fn assert_is_the_whole(thread: &Thread, parts: &[&ThreadInterval]) {
    for (metric, exact) in &thread.histograms {
        let sum = Histogram::merged(parts.iter().filter_map(|part| part.histograms.get(metric)));
        let sum = sum.unwrap_or_else(|| panic!("no interval has {metric} of {}", thread.name));
        assert_eq!((sum.count, sum.sum_ns), (exact.count, exact.sum_ns), "{metric} of {}", thread.name);
        assert_eq!(sum.buckets, exact.buckets, "{metric} of {}", thread.name);
    }
    if thread.inferred_switch_ins == 0 {
        let time: Nanos = parts.iter().map(|part| part.states.total()).sum();
        assert_eq!(time.0, thread.until_ns.0 - thread.from_ns.0, "{}", thread.name);
    }
}

fn intervals_add_up_at_a_high_switch_rate() {
    let outcome = run("2ms", &[], &["soak", "500"]);
    assert!(outcome.profile().intervals.len() > 20, "{} intervals", outcome.profile().intervals.len());
}

fn intervals_add_up_while_threads_come_and_go() {
    run("3ms", &[], &["short-lived", "2000"]);
}

fn intervals_add_up_with_more_threads_than_slots() {
    run("10ms", &["--max-threads", "3"], &["sleepers", "8", "10", "5"]);
}

fn a_long_wait_is_in_every_interval() {
    let outcome = run("20ms", &[], &["sleepers", "1", "1", "300"]);
    let profile = outcome.profile();
    let sleeper = profile.threads.iter().position(|thread| thread.name == "sleeper-0").expect("it ran");
    let asleep = |part: &&ThreadInterval| {
        let States { blocked_ns, unattributed_wait_ns, .. } = part.states;
        (blocked_ns + unattributed_wait_ns).0 > 0
    };
    // 300 ms asleep, cut every 20 ms: at least ten intervals however late some snapshots are.
    let intervals = parts(profile, sleeper).filter(asleep).count();
    assert!(intervals >= 10, "asleep in {intervals} intervals of {}", profile.intervals.len());
    let ended = parts(profile, sleeper).filter(|part| part.histograms.contains_key("blocked")).count();
    assert!(ended <= 2, "waits ended in {ended} intervals");
}

fn without_the_flag_there_are_none() {
    let outcome = Scene::new().run(&target("sleepers", &["1", "2", "5"]));
    outcome.assert_complete();
    assert!(outcome.profile().intervals.is_empty());
}
