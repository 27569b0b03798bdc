//! `--measure-self`: what the recording itself costs.

use crate::support::{Scene, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::profile::self_cost::SelfCost;
use model::profile::units::Nanos;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        every_switch_and_fault_is_a_run_of_a_program;
        here:
        a_comparison_measures_each_of_its_runs,
        nothing_is_measured_unasked,
    ]
}

const ROUND_TRIPS: u64 = 5_000;

/// Longer than any program has instructions for, on any machine.
const FAR_TOO_LONG: Nanos = Nanos(1_000_000);

fn every_switch_and_fault_is_a_run_of_a_program() {
    let scene = Scene::new().flags(&["--measure-self"]);
    let outcome = scene.run(&target("round-trips", &[&ROUND_TRIPS.to_string()]));
    outcome.assert_complete();
    let profile = outcome.profile();
    let cost = profile.self_cost.as_ref().expect("it was asked for");
    // Each wait is a switch and a wake; one that is not announced runs nothing. How many round trips need a wait
    // depends on which CPUs the two ends are.
    let switches: u64 = profile.threads.iter().map(|thread| thread.voluntary_switches).sum();
    assert!(switches > 0);
    let unannounced: u64 = profile
        .threads
        .iter()
        .map(|thread| thread.inferred_switch_ins + thread.unsplit.map_or(0, |waits| waits.count))
        .sum();
    // A last switch has no switch-out that is recorded.
    let expected = switches.saturating_sub(unannounced + profile.threads.len() as u64);
    assert_runs(cost, "sched_switch", expected);
    assert_runs(cost, "sched_waking", expected);
    let faults: u64 =
        profile.threads.iter().map(|thread| thread.minor_faults - thread.faults_without_latency).sum();
    assert_runs(cost, "minor_fault", faults);
    assert!(cost.user_ns.0 + cost.system_ns.0 > 0, "{cost:?}");
    // No program of this size fits in a megabyte, and the maps of the default settings take tens of them.
    assert!(cost.max_rss_bytes.0 > 1_000_000, "{cost:?}");
    assert!(cost.map_bytes.0 > 10_000_000, "{cost:?}");
    assert!(outcome.stderr.contains("What recording cost"), "{}", outcome.stderr);
}

fn assert_runs(cost: &SelfCost, name: &str, at_least: u64) {
    let program = cost.programs.iter().find(|program| program.name == name);
    let program = program.unwrap_or_else(|| panic!("{name} did not run: {cost:?}"));
    assert!(program.runs >= at_least, "{name}: {} runs of {at_least} or more", program.runs);
    let each = program.run_time_ns.0 / program.runs;
    assert!((1..FAR_TOO_LONG.0).contains(&each), "{name}: {each} ns a run");
}

fn a_comparison_measures_each_of_its_runs() {
    let scene = Scene::new();
    let mut command = scene.profiler();
    command.args(["run", "--measure-self", "--tasks", "20", "--fetch", "2ms"]);
    let output = command.output().expect("the profiler starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for workload in ["tokio-workload", "thread-pool-workload"] {
        let path = scene.folder().join(format!("profiles/{workload}.profile.json"));
        let profile = model::profile::file::read(&path).expect("the profile can be read");
        let cost = profile.self_cost.expect("it was asked for");
        assert_runs(&cost, "sched_switch", 1);
    }
}

fn nothing_is_measured_unasked() {
    let outcome = Scene::new().run(&target("round-trips", &["10"]));
    outcome.assert_complete();
    assert_eq!(outcome.profile().self_cost, None);
    assert!(!outcome.stderr.contains("What recording cost"), "{}", outcome.stderr);
}
