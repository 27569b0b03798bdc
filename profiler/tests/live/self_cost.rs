//! `--measure-self`: what the recording itself costs.

use crate::support::{Scene, Started, command, target, unannounced};
use crate::trial::trials;
use aya::programs::loaded_programs;
use libtest_mimic::Trial;
use model::metric::Metric;
use model::profile::Profile;
use model::profile::self_cost::{ProgramCost, SelfCost};
use model::profile::thread::Thread;
use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        every_switch_and_fault_is_a_run_of_a_program;
        here:
        a_comparison_measures_each_of_its_runs,
        nothing_is_measured_unasked,
    ]
}

const ROUND_TRIPS: u64 = 20_000;

/// Counts of the kernel for the whole machine, since it was booted.
#[derive(Clone, Copy)]
struct Machine {
    switches: u64,
    faults: u64,
}

impl Machine {
    fn read() -> Self {
        Self { switches: counter("/proc/stat", "ctxt "), faults: counter("/proc/vmstat", "pgfault ") }
    }

    fn since(self, earlier: Self) -> Self {
        Self { switches: self.switches - earlier.switches, faults: self.faults - earlier.faults }
    }
}

fn counter(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value.unwrap_or_else(|| panic!("{path} has no {name}")).parse().unwrap()
}

/// Runs and run time of each program that a profiler holds, by name, as the kernel shows them in /proc to whoever
/// looks.
fn shown(profiler: u32) -> BTreeMap<String, (u64, u64)> {
    let names: BTreeMap<u64, String> = loaded_programs()
        .flatten()
        .filter_map(|program| Some((u64::from(program.id()), program.name_as_str()?.to_owned())))
        .collect();
    let mut programs = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{profiler}/fdinfo")).unwrap().flatten() {
        let Ok(text) = fs::read_to_string(entry.path()) else { continue };
        let field = |name: &str| -> Option<u64> {
            text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        };
        // A link shows the number of its program too.
        if let (Some(id), Some(runs), Some(time)) =
            (field("prog_id:"), field("run_cnt:"), field("run_time_ns:"))
        {
            programs.insert(names[&id].clone(), (runs, time));
        }
    }
    programs
}

/// The account of each program is the one that the kernel itself showed a little earlier, and has no more runs than
/// there was occasion for: a program that is counted twice fails, and so does a time in another unit.
fn every_switch_and_fault_is_a_run_of_a_program() {
    let scene = Scene::new().flags(&["--measure-self"]);
    let before = Machine::read();
    // Ends when its input does, so that it can be looked at after the round trips.
    let line = target("round-trips", &[&ROUND_TRIPS.to_string()]);
    let line = [command(&["sh", "-c", "\"$@\" && exec cat", "sh"]), line].concat();
    let mut profiler = scene.run_command(&line);
    profiler.stdin(Stdio::piped());
    let run = Started::of(profiler, &scene);
    let at_look = Machine::read();
    let shown = shown(run.pid());
    let outcome = run.finish();
    let after = Machine::read();
    outcome.assert_complete();
    let profile = outcome.profile();
    let cost = profile.self_cost.as_ref().expect("it was asked for");

    let (whole, later) = (after.since(before), after.since(at_look));
    // One that is not announced runs nothing, and a last switch has no switch-out that is recorded.
    let unannounced = |thread: &Thread| thread.inferred_switch_ins + unannounced(thread) + 1;
    let missing: u64 = profile.threads.iter().map(unannounced).sum();
    // Each wait is a switch and a wake. How many round trips need a wait depends on which CPUs the two ends are.
    let waits: u64 = profile.threads.iter().map(|thread| thread.voluntary_switches).sum();
    assert!(waits > missing, "{waits} waits");
    let faults: u64 =
        profile.threads.iter().map(|thread| thread.minor_faults - thread.faults_without_latency).sum();
    for (name, least, most, later) in [
        ("sched_switch", all_switches(profile) - missing, whole.switches, later.switches),
        // Nobody counts wakes, most of which are followed by a switch.
        ("sched_waking", waits - missing, whole.switches * 2, later.switches + shown["sched_waking"].0 / 2),
        ("minor_fault", faults, whole.faults, later.faults),
    ] {
        let program = program(cost, name);
        assert!((least..=most).contains(&program.runs), "{program:?} ran {least} to {most} times");
        let (runs, time) = shown[name];
        assert!(
            (runs..=runs + later).contains(&program.runs),
            "{program:?} had run {runs} times, and {later} at most since"
        );
        let times = time..=time * FAR_FROM;
        assert!(times.contains(&program.run_time_ns.0), "{program:?} had taken {time} ns after {runs} runs");
    }
    assert_within_the_run(program(cost, "sched_switch"), profile);
    assert!(cost.user_ns.0 + cost.system_ns.0 > 0, "{cost:?}");
    // No program of this size fits in a megabyte, and the maps of the default settings take tens of them.
    assert!(cost.max_rss_bytes.0 > 1_000_000, "{cost:?}");
    assert!(cost.map_bytes.0 > 10_000_000, "{cost:?}");
    assert!(outcome.stderr.contains("What recording cost"), "{}", outcome.stderr);
}

/// The factor between two readings of the same time with little in between, at most: a hypervisor may stop a program
/// for long.
const FAR_FROM: u64 = 10;

/// The program runs at each of the target's switches, and a thread is on a CPU from its start on: all of that is in the
/// time that the threads were. A round trip takes about twenty times as long as the program does at its two switches,
/// so that a time that is 100 times too long is not.
fn assert_within_the_run(program: &ProgramCost, profile: &Profile) {
    let own_ns = program.run_time_ns.0 / program.runs * all_switches(profile);
    let on_cpu_ns: u64 = profile.threads.iter().map(|thread| thread.sum(Metric::OnCpu).0).sum();
    assert!(own_ns <= on_cpu_ns, "{program:?}: {own_ns} ns in {on_cpu_ns} ns on a CPU");
}

fn all_switches(profile: &Profile) -> u64 {
    let of = |thread: &Thread| thread.voluntary_switches + thread.involuntary_switches;
    profile.threads.iter().map(of).sum()
}

fn program<'a>(cost: &'a SelfCost, name: &str) -> &'a ProgramCost {
    let found = cost.programs.iter().find(|program| program.name == name);
    found.unwrap_or_else(|| panic!("{name} did not run: {cost:?}"))
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
        assert!(program(&cost, "sched_switch").run_time_ns.0 > 0, "{cost:?}");
    }
}

fn nothing_is_measured_unasked() {
    let outcome = Scene::new().run(&target("round-trips", &["10"]));
    outcome.assert_complete();
    assert_eq!(outcome.profile().self_cost, None);
    assert!(!outcome.stderr.contains("What recording cost"), "{}", outcome.stderr);
}
