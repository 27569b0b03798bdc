//! Targets that a limit keeps from running: a quota of CPU time, a deadline thread's runtime, the real-time limit. The
//! account of the kernel, or what the target knows of itself, is the reference.

use super::namespaces::kernel_release;
use super::{assert_exact, assert_thread_exact};
use crate::control_group::ControlGroup;
use crate::disturbance::undisturbed;
use crate::support::{Outcome, Scene, command, target};
use crate::trial::trials;
use libtest_mimic::Trial;
use model::metric::Metric;
use model::profile::reconciliation::Scope;
use model::profile::thread::{Thread, Waits};
use std::path::Path;
use std::process::{Child, Command};

pub(crate) fn tests() -> Vec<Trial> {
    trials![
        a_target_with_a_bandwidth_limit_is_throttled,
        a_target_out_of_quota_is_not_preempted_by_whoever_has_its_cpu,
        a_thread_that_is_woken_out_of_quota_is_throttled,
        each_thread_of_a_group_out_of_quota_is_throttled,
        a_target_out_of_deadline_runtime_is_throttled,
        a_deadline_thread_that_yields_is_throttled,
        a_real_time_thread_is_throttled_where_the_kernel_limits_those,
    ]
}

/// With nobody else on its CPU: what the kernel says of the group is what is said of the thread.
fn a_target_with_a_bandwidth_limit_is_throttled() {
    /// Of each wait that the CPU needs to leave its sleep and switch; less than 1 ms on a quiet machine.
    const LATE_NS: u64 = 10_000_000;
    undisturbed(|| {
        let group = a_fifth_of_one_cpu();
        let outcome = in_group(&group);
        let [thread] = &outcome.profile().threads[..] else { panic!("{:#?}", outcome.profile().threads) };
        assert_thread_exact(thread);
        let throttled = throttled(thread, &group)?;
        assert!(throttled.sum_ns.0 <= group.throttled_ns() + throttled.count * LATE_NS, "{thread:#?}");
        Ok(())
    });
}

/// The same beside a process of the lowest weight that always wants the CPU.
fn a_target_out_of_quota_is_not_preempted_by_whoever_has_its_cpu() {
    let mut nice = Command::new("nice");
    nice.args(["-n", "19", "taskset", "-c", "0", "sh", "-c", "while :; do :; done"]);
    undisturbed(|| {
        let group = a_fifth_of_one_cpu();
        let spinner = Ended(nice.spawn().expect("nice, taskset and sh are there"));
        let outcome = in_group(&group);
        drop(spinner);
        let [thread] = &outcome.profile().threads[..] else { panic!("{:#?}", outcome.profile().threads) };
        assert_thread_exact(thread);
        throttled(thread, &group).map(drop)
    });
}

/// One thread uses the quota up, another sleeps for 1 ms at a time: it is woken while the group is out of quota in each
/// period.
fn a_thread_that_is_woken_out_of_quota_is_throttled() {
    let group = a_fifth_of_one_cpu();
    let line = target("sleep-in-group", &[group.procs().to_str().unwrap(), "500"]);
    let outcome = Scene::new().run(&line);
    outcome.assert_complete();
    assert_exact(&outcome);
    let half_ns = group.throttled_ns() / 2;
    assert!(half_ns > 0, "the limit was never reached");
    let sleeper = outcome.only("sleeper");
    let throttled = sleeper.throttled.expect("it was out of quota");
    assert!(throttled.sum_ns.0 >= half_ns, "{half_ns} ns: {sleeper:#?}");
    for metric in [Metric::RunqueueWait, Metric::Preempted] {
        let longest = sleeper.histograms.get(metric.name()).map_or(0, |waits| waits.max_ns.0);
        assert!(longest < throttled.max_ns.0, "{longest} ns of {}: {sleeper:#?}", metric.name());
    }
}

/// Two threads that spin are out of quota at the same times, and each preempts the other between those.
fn each_thread_of_a_group_out_of_quota_is_throttled() {
    let group = a_fifth_of_one_cpu();
    let line = target("spin-in-group", &[group.procs().to_str().unwrap(), "500"]);
    let outcome = Scene::new().run(&line);
    outcome.assert_complete();
    assert_exact(&outcome);
    let periods = group.stat("cpu.stat", "nr_throttled");
    assert!(periods >= 5, "{periods} periods");
    for name in ["spinner-0", "spinner-1"] {
        let thread = outcome.only(name);
        let throttled = thread.throttled.expect("it was out of quota");
        // Each is there for all of it but the first and the last period.
        let least_ns = group.throttled_ns() / periods * (periods - 2);
        assert!(throttled.sum_ns.0 >= least_ns, "{least_ns} ns: {thread:#?}");
    }
}

/// 2 ms of CPU time in each 50 ms.
fn a_target_out_of_deadline_runtime_is_throttled() {
    const COUNTING: &str = "i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done";
    let outcome = Scene::new().run(&by_deadline("2000000", &command(&["sh", "-c", COUNTING])));
    outcome.assert_complete();
    assert_exact(&outcome);
    let [thread] = &outcome.profile().threads[..] else { panic!("{:#?}", outcome.profile().threads) };
    let throttled = thread.throttled.expect("it was out of runtime");
    assert!(throttled.count >= 3, "{thread:#?}");
    assert!(throttled.max_ns.0 >= 20_000_000, "{thread:#?}");
}

/// A thread that yields gives the rest of its runtime up, until its next period begins.
fn a_deadline_thread_that_yields_is_throttled() {
    const YIELDS: u64 = 6;
    let outcome = Scene::new().run(&by_deadline("20000000", &target("yield", &[&YIELDS.to_string()])));
    outcome.assert_complete();
    assert_exact(&outcome);
    let [thread] = &outcome.profile().threads[..] else { panic!("{:#?}", outcome.profile().threads) };
    let throttled = thread.throttled.expect("it has yielded");
    assert!(throttled.count >= YIELDS, "{thread:#?}");
    // All of the time from the first yield to the end of the last was spent so but for what was run between them.
    let told_ns = outcome.told()["wall_ns"].as_u64().unwrap() - outcome.told()["cpu_ns"].as_u64().unwrap();
    assert!(throttled.sum_ns.0 >= told_ns * 9 / 10, "{told_ns} ns: {thread:#?}");
}

/// A thread that spins at a real-time priority for longer than the default limit, 950 ms in each second. From Linux
/// 6.12 on only a kernel with real-time groups has one (kernel/sched/rt.c, `CONFIG_RT_GROUP_SCHED`).
fn a_real_time_thread_is_throttled_where_the_kernel_limits_those() {
    let mut line = command(&["chrt", "--fifo", "1"]);
    line.extend(target("spin", &["1200"]));
    let outcome = Scene::new().run(&line);
    outcome.assert_complete();
    assert_exact(&outcome);
    let [thread] = &outcome.profile().threads[..] else { panic!("{:#?}", outcome.profile().threads) };
    let has_groups = Path::new("/sys/fs/cgroup/cpu/cpu.rt_runtime_us").exists();
    assert_eq!(thread.throttled.is_some(), has_groups || kernel_release() < (6, 12), "{thread:#?}");
}

/// A command with so much runtime in each period of 50 ms.
fn by_deadline(runtime_ns: &str, line: &[String]) -> Vec<String> {
    const PERIOD_NS: &str = "50000000";
    let times =
        ["--sched-runtime", runtime_ns, "--sched-deadline", PERIOD_NS, "--sched-period", PERIOD_NS, "0"];
    [command(&["chrt", "--deadline"]), command(&times), line.to_vec()].concat()
}

fn in_group(group: &ControlGroup) -> Outcome {
    let outcome = Scene::new().run(&target("in-group", &[group.procs().to_str().unwrap(), "1500"]));
    outcome.assert_complete();
    assert_exact(&outcome);
    let unexplained = outcome.profile().reconciliation.iter().filter(|check| check.scope != Scope::Wait4);
    assert!(unexplained.filter(|check| !check.holds()).count() == 0);
    outcome
}

/// One thread on one CPU: the kernel throttles the group whenever, and as long as, it throttles the thread. It counts
/// periods: one more where the timer that ends a period comes later than the next one (kernel/sched/fair.c
/// `do_sched_cfs_period_timer`, `overrun`), as where a host stops the CPU.
fn throttled(thread: &Thread, group: &ControlGroup) -> Result<Waits, String> {
    let periods = group.stat("cpu.stat", "nr_throttled");
    assert!(periods > 0, "the limit was never reached");
    let throttled = thread.throttled.expect("it was out of quota");
    assert!(throttled.sum_ns.0 >= group.throttled_ns(), "{} ns: {thread:#?}", group.throttled_ns());
    let count = throttled.count;
    if count == periods {
        Ok(throttled)
    } else {
        Err(format!("{count} waits in {periods} throttled periods"))
    }
}

/// A process that is killed when this is dropped.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("it runs until now");
    }
}

fn a_fifth_of_one_cpu() -> ControlGroup {
    const QUOTA_US: &str = "10000";
    const PERIOD_US: &str = "50000";
    ControlGroup::new(
        "cpu",
        &[("cpu.max", &format!("{QUOTA_US} {PERIOD_US}"))],
        &[("cpu.cfs_period_us", PERIOD_US), ("cpu.cfs_quota_us", QUOTA_US)],
    )
}
