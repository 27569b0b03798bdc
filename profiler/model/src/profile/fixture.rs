//! Profiles for tests: the workload pair as a small machine runs it, and variations.

use crate::losses::{Loss, LossCounts};
use crate::metric::Metric;
use crate::profile::histogram::Histogram;
use crate::profile::interval::{Interval, States, ThreadInterval};
use crate::profile::later::Later;
use crate::profile::machine::{Machine, Topology};
use crate::profile::reconciliation::{Check, Explanation, Quantity, Rule, Scope};
use crate::profile::self_cost::{ProgramCost, SelfCost};
use crate::profile::thread::{BlockedOn, KernelCounters, Thread, WithoutSlot};
use crate::profile::units::{Bytes, Nanos};
use crate::profile::usage::Usage;
use crate::profile::{Options, Profile, Run, SCHEMA, Tool, Workload};
use std::collections::BTreeMap;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;

/// Samples around a median: how many, the median in nanoseconds, the spread as a power of e.
type Spread = (usize, u64, f64);

/// Log-normal samples from a fixed sequence, so that every test run sees the same.
fn samples((count, median, spread): Spread, seed: u64) -> Option<Histogram> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut uniform = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let mut normal = move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
    Histogram::of((0..count).map(|_| Nanos((median as f64 * (spread * normal()).exp()) as u64)))
}

/// A thread with these samples by metric.
fn thread(tid: u32, name: &str, metrics: &[(Metric, Spread)], blocked_on: &[(&str, u64)]) -> Thread {
    let histograms: BTreeMap<String, Histogram> = metrics
        .iter()
        .filter_map(|&(metric, spread)| {
            let seed = u64::from(tid) * 16 + metric.index() as u64;
            Some((metric.name().to_owned(), samples(spread, seed)?))
        })
        .collect();
    let of = |metric: Metric| histograms.get(metric.name());
    let count = |metric| of(metric).map_or(0, |histogram| histogram.count);
    let blocked = of(Metric::Blocked).map_or(0, |histogram| histogram.sum_ns.0);
    let all: u64 = blocked_on.iter().map(|(_, weight)| weight).sum();
    let blocked_on = blocked_on
        .iter()
        .map(|&(syscall, weight)| BlockedOn {
            syscall: syscall.to_owned(),
            count: (count(Metric::Blocked) * weight).div_ceil(all),
            sum_ns: Nanos(blocked / all * weight),
            max_ns: of(Metric::Blocked).map_or(Nanos(0), |histogram| histogram.max_ns),
        })
        .collect();
    Thread {
        pid: 4100,
        tid,
        start_ns: Nanos(u64::from(tid)),
        name: name.to_owned(),
        earlier_names: Vec::new(),
        renames: 0,
        exited: true,
        from_ns: Nanos(0),
        until_ns: Nanos(MILLISECOND),
        voluntary_switches: count(Metric::Blocked),
        involuntary_switches: count(Metric::Preempted),
        minor_faults: count(Metric::MinorFault) + 3,
        major_faults: count(Metric::MajorFault),
        faults_without_latency: 3,
        faults_never_accounted: 0,
        migrations: count(Metric::Blocked) / 7,
        found: None,
        open: None,
        runnable_idle: None,
        throttled: None,
        unattributed_wait: None,
        inferred_switch_ins: 0,
        blocked_on,
        kernel: KernelCounters::default(),
        histograms,
    }
}

fn exact(quantity: Quantity, scope: Scope, value: u64) -> Check {
    Check { quantity, scope, kernel: value, measured: value, difference: 0, explanation: None }
}

fn explained(quantity: Quantity, kernel: u64, difference: i64, rule: Rule, text: &str) -> Check {
    Check {
        quantity,
        scope: Scope::Wait4,
        kernel,
        measured: kernel.saturating_add_signed(difference),
        difference,
        explanation: Some(Explanation { rules: vec![rule], text: text.to_owned() }),
    }
}

/// The run of a workload: command line, scheduler, wall time and effective concurrency.
fn run(command: &[&str], scheduler: &str, wall_ns: u64, concurrency: u64) -> Run {
    let wall_ns = Nanos(wall_ns);
    Run {
        name: None,
        command: command.iter().map(|&argument| argument.to_owned()).collect(),
        attached: None,
        started_at: "2026-08-21T10:11:12.345678Z".to_owned(),
        started_ns: Nanos(0),
        wall_ns,
        exit_code: Some(0),
        signal: None,
        cpus_allowed: None,
        options: Options {
            follow: true,
            max_threads: 4096,
            histogram_memory_bytes: Bytes(32 << 20),
            duration_ns: None,
            interval_ns: None,
        },
        workload: Some(Workload {
            scheduler: scheduler.to_owned(),
            tasks: 1000,
            wall_ns,
            task_time_ns: Nanos(wall_ns.0 * concurrency),
        }),
    }
}

fn usage(wall_ns: u64, cpu_ns: u64, rss: u64, switches: (u64, u64), minor_faults: u64) -> Usage {
    Usage {
        wall_ns: Nanos(wall_ns),
        user_ns: Some(Nanos(cpu_ns / 4 * 3)),
        system_ns: Some(Nanos(cpu_ns / 4)),
        cpu_ns: None,
        cpu_percent: cpu_ns as f64 / wall_ns as f64 * 100.0,
        max_rss_bytes: Some(Bytes(rss)),
        max_rss_floor_bytes: None,
        voluntary_switches: switches.0,
        involuntary_switches: switches.1,
        minor_faults,
        major_faults: 0,
    }
}

fn profile(run: Run, usage: Usage, threads: Vec<Thread>) -> Profile {
    let reconciliation = vec![
        exact(Quantity::VoluntarySwitches, Scope::Threads, usage.voluntary_switches),
        exact(Quantity::InvoluntarySwitches, Scope::Threads, usage.involuntary_switches),
        exact(Quantity::MinorFaults, Scope::Threads, usage.minor_faults),
        exact(Quantity::MajorFaults, Scope::Threads, 0),
        exact(Quantity::InvoluntarySwitches, Scope::Wait4, usage.involuntary_switches),
        explained(
            Quantity::VoluntarySwitches,
            usage.voluntary_switches - threads.len() as u64,
            threads.len() as i64,
            Rule::LastSwitch,
            "each thread's last switch happens after its counters were added to its process's",
        ),
        explained(
            Quantity::CpuTimeNs,
            usage.total_cpu().map_or(0, |cpu| cpu.0),
            312_455,
            Rule::ClockPoints,
            "on_cpu is the time between two switches; the kernel's CPU time leaves interrupts out and stamps a \
             switch a little earlier",
        ),
    ];
    Profile {
        schema: SCHEMA,
        tool: Tool { name: "profiler".to_owned(), version: "0.1.0".to_owned(), commit: None },
        machine: machine(),
        run,
        usage: Some(usage),
        threads,
        without_slot: None,
        reconciliation,
        lost: LossCounts::default(),
        intervals: Vec::new(),
        self_cost: None,
        later: Later::default(),
    }
}

fn machine() -> Machine {
    Machine {
        cpu_model: Some("AMD EPYC 9R14".to_owned()),
        topology: Topology { threads: Some(2), cores: Some(1), l3_groups: Some(1), nodes: Some(1) },
        governor: None,
        kernel: Some("6.18.44 #1 SMP PREEMPT_DYNAMIC".to_owned()),
        mitigations: Vec::new(),
        memory_bytes: Some(Bytes(8_200_000_000)),
        ..Machine::default()
    }
}

/// The tokio workload on two worker threads.
pub fn tokio() -> Profile {
    use Metric::{Blocked, MinorFault, OnCpu, Preempted, RunqueueWait};
    let wall = 61 * MILLISECOND;
    let worker = |tid, waits| {
        let metrics = [
            (OnCpu, (waits + 4, 14 * MICROSECOND, 0.9)),
            (RunqueueWait, (waits, 21 * MICROSECOND, 0.5)),
            (Blocked, (waits, 300 * MICROSECOND, 1.2)),
            (Preempted, (4, 90 * MICROSECOND, 0.4)),
            (MinorFault, (120, 640, 0.4)),
        ];
        thread(tid, "tokio-rt-worker", &metrics, &[("epoll_wait", 70), ("futex", 30)])
    };
    let main = [
        (OnCpu, (9, 410 * MICROSECOND, 1.0)),
        (RunqueueWait, (7, 24 * MICROSECOND, 0.4)),
        (Blocked, (7, 5 * MILLISECOND, 0.9)),
        (MinorFault, (431, 610, 0.5)),
    ];
    let threads = vec![
        thread(4100, "tokio-workload", &main, &[("futex", 97), ("read", 2), ("execve", 1)]),
        worker(4101, 109),
        worker(4102, 110),
    ];
    let command =
        ["./target/release/tokio-workload", "--flavor", "multi-thread", "--tasks", "1000", "--fetch", "50ms"];
    profile(
        run(&command, "event loop, 2 threads (tokio multi-thread)", wall, 996),
        usage(wall, 9_100 * MICROSECOND, 5_300_000, (226, 8), 680),
        threads,
    )
}

/// The thread-pool workload on six workers.
pub fn pool() -> Profile {
    of_pool(6, 167, 50 * MILLISECOND)
}

/// A thread pool: so many workers, each of so many tasks that wait `fetch_ns`.
fn of_pool(workers: u32, tasks: usize, fetch_ns: u64) -> Profile {
    use Metric::{Blocked, MinorFault, OnCpu, Preempted, RunqueueWait};
    let wall = tasks as u64 * fetch_ns + 9 * MILLISECOND;
    let main = [
        (OnCpu, (40, 33 * MICROSECOND, 0.7)),
        (RunqueueWait, (39, 28 * MICROSECOND, 0.5)),
        (Blocked, (39, 8 * MILLISECOND, 0.8)),
        (MinorFault, (214, 580, 0.5)),
    ];
    let worker = [
        (OnCpu, (tasks + 3, 11 * MICROSECOND, 0.6)),
        (RunqueueWait, (tasks + 1, 34 * MICROSECOND, 0.6)),
        (Blocked, (tasks, fetch_ns + 70 * MICROSECOND, 0.0005)),
        (Preempted, (2, 70 * MICROSECOND, 0.3)),
        (MinorFault, (21, 900, 0.5)),
    ];
    let mut threads = vec![thread(4100, "thread-pool-wor", &main, &[("futex", 98), ("execve", 2)])];
    threads.extend((0..workers).map(|number| {
        let name = format!("pool-worker-{number}");
        thread(4101 + number, &name, &worker, &[("clock_nanosleep", 99), ("futex", 1)])
    }));
    let command = ["./target/release/thread-pool-workload", "--tasks", "1000", "--fetch", "50ms"];
    profile(
        run(&command, "6 OS threads (thread pool)", wall, u64::from(workers)),
        usage(wall, 48 * MILLISECOND, 2_900_000, (1_064, 13), 431),
        threads,
    )
}

/// The thread pool where six workers found no slot of their own.
pub fn overfull() -> Profile {
    let mut profile = pool();
    let on_cpu = samples((900, 12 * MICROSECOND, 0.6), 7);
    let totals = on_cpu.map(|histogram| Histogram { buckets: Vec::new(), ..histogram });
    profile.without_slot = Some(WithoutSlot {
        threads: 12,
        voluntary_switches: 900,
        involuntary_switches: 1,
        minor_faults: 80,
        major_faults: 0,
        runnable_idle: 0,
        throttled: 0,
        unattributed_wait: 0,
        inferred_switch_ins: 0,
        metrics: totals.map(|histogram| (Metric::OnCpu.name().to_owned(), histogram)).into_iter().collect(),
        kernel: KernelCounters::default(),
    });
    profile.lost[Loss::ThreadsWithoutSlot] = 12;
    profile
}

/// A thread pool with a thousand workers.
pub fn crowded() -> Profile {
    of_pool(1000, 60, 50 * MILLISECOND)
}

/// The Python pair, by their command lines and figures only.
pub fn python() -> [Profile; 2] {
    let (mut event_loop, mut executor) = (tokio(), pool());
    let wall = [117 * MILLISECOND, 8_420 * MILLISECOND];
    let script = |path| ["python3", path, "--tasks", "1000", "--fetch", "50ms"];
    event_loop.run =
        run(&script("workloads/python/asyncio_workload.py"), "event loop, 1 thread (asyncio)", wall[0], 430);
    executor.run = run(
        &script("workloads/python/thread_pool_workload.py"),
        "6 OS threads (ThreadPoolExecutor)",
        wall[1],
        6,
    );
    event_loop.usage = Some(usage(wall[0], 69 * MILLISECOND, 23_900_000, (31, 9), 3_296));
    executor.usage = Some(usage(wall[1], 171 * MILLISECOND, 16_600_000, (2_310, 44), 2_140));
    [event_loop, executor]
}

/// The thread pool, with what recording it cost.
pub fn measured_itself() -> Profile {
    let program =
        |name: &str, runs, ns| ProgramCost { name: name.to_owned(), runs, run_time_ns: Nanos(runs * ns) };
    let mut profile = pool();
    profile.self_cost = Some(SelfCost {
        programs: vec![program("minor_fault", 2_140, 310), program("sched_switch", 41_350, 290)],
        user_ns: Nanos(11 * MILLISECOND),
        system_ns: Nanos(62 * MILLISECOND),
        max_rss_bytes: Bytes(12_400_000),
        map_bytes: Bytes(48_600_000),
    });
    profile
}

/// Cuts the run in two: every other bucket of every thread is in the first interval, the rest in the second.
pub fn cut_in_two(profile: &mut Profile) {
    let from = profile.run.started_ns;
    let part = |rest: usize| {
        let of = |histogram: &Histogram| {
            let buckets = histogram.buckets.iter().skip(rest).step_by(2).copied().collect();
            let part = Histogram { buckets, ..histogram.clone() };
            Histogram { count: part.bucketed(), ..part }
        };
        let threads = profile.threads.iter().enumerate();
        let threads = threads.map(|(thread, recorded)| ThreadInterval {
            thread: thread as u32,
            states: States::default(),
            histograms: recorded.histograms.iter().map(|(name, all)| (name.clone(), of(all))).collect(),
        });
        let [from_ns, until_ns] =
            [rest, rest + 1].map(|cuts| from + Nanos(profile.run.wall_ns.0 / 2 * cuts as u64));
        Interval { from_ns, until_ns, threads: threads.collect() }
    };
    profile.intervals = vec![part(0), part(1)];
}

/// A profile that matters for its command line only.
pub fn of_command(command: &[&str]) -> Profile {
    let mut profile = tokio();
    profile.run.command = command.iter().map(|&argument| argument.to_owned()).collect();
    profile
}
