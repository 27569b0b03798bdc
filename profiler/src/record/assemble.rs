//! Makes the profile's threads of the records.

use super::samples::Samples;
use super::{End, SlotlessRecord, ThreadRecord};
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::thread::{KernelCounters, Open, OpenState, Thread, WithoutSlot};
use model::profile::units::Nanos;
use std::collections::BTreeMap;

/// The switches and faults of a record that were seen, as the kernel classifies them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Voluntary switches.
    pub voluntary_switches: u64,
    /// Involuntary switches.
    pub involuntary_switches: u64,
    /// Minor faults that raised an event.
    pub minor_faults: u64,
    /// Major faults that raised an event.
    pub major_faults: u64,
}

impl Seen {
    /// The switches and faults that a record shows: each wait that ended began with a switch, and so did an unfinished one.
    #[must_use]
    pub fn of(record: &ThreadRecord) -> Self {
        let count = |metric| record.samples.get(&metric).map_or(0, |samples| samples.count);
        let unfinished = match record.end {
            End::Exited { last_switch } => Some(last_switch),
            End::Open { state, found, .. } => (!found).then_some(state),
        };
        let runnable_idle = record.runnable_idle.map_or(0, |runnable_idle| runnable_idle.count);
        let throttled = record.throttled.map_or(0, |throttled| throttled.count) - record.throttled_wakes;
        let unattributed_wait =
            record.unattributed_wait.map_or(0, |unattributed_wait| unattributed_wait.count)
                - record.unattributed_wait_involuntary;
        let involuntary =
            matches!(unfinished, Some(OpenState::Preempted | OpenState::RunnableIdle | OpenState::Throttled));
        Self {
            voluntary_switches: count(Metric::Blocked)
                + unattributed_wait
                + u64::from(unfinished == Some(OpenState::Blocked)),
            involuntary_switches: count(Metric::Preempted)
                + runnable_idle
                + throttled
                + record.unattributed_wait_involuntary
                + u64::from(involuntary),
            minor_faults: count(Metric::MinorFault) + record.minor_without_entry,
            major_faults: count(Metric::MajorFault) + record.major_without_entry,
        }
    }
}

/// The growth of the kernel's counters over a record.
#[must_use]
pub fn kernel_growth(record: &ThreadRecord) -> KernelCounters {
    let (from, to) = (&record.kernel_at_start, &record.kernel_at_end);
    let running = matches!(record.end, End::Open { state: OpenState::OnCpu, .. });
    let was_off_cpu = matches!(record.end, End::Open { found: true, .. });
    let comparable =
        record.newborn || record.first_slice_ns.is_some() || record.found.is_some() || was_off_cpu;
    let growth = growth(from, to);
    KernelCounters { cpu_ns: growth.cpu_ns.filter(|_| comparable && !running), ..growth }
}

fn growth(from: &super::KernelCounters, to: &super::KernelCounters) -> KernelCounters {
    KernelCounters {
        voluntary_switches: to.voluntary_switches.saturating_sub(from.voluntary_switches),
        involuntary_switches: to.involuntary_switches.saturating_sub(from.involuntary_switches),
        minor_faults: to.minor_faults.saturating_sub(from.minor_faults),
        major_faults: to.major_faults.saturating_sub(from.major_faults),
        cpu_ns: Some(Nanos(to.cpu_ns.0.saturating_sub(from.cpu_ns.0))),
        migrations: to.migrations.saturating_sub(from.migrations),
    }
}

/// Makes a thread of a record.
#[must_use]
pub fn thread(record: ThreadRecord) -> Thread {
    let seen = Seen::of(&record);
    let kernel = kernel_growth(&record);
    let count = |metric| record.samples.get(&metric).map_or(0, |samples| samples.count);
    let with_latency = count(Metric::MinorFault) + count(Metric::MajorFault);
    let open = match record.end {
        End::Exited { .. } => None,
        End::Open { state, since_ns, found, .. } => {
            Some(Open { state, for_ns: Nanos(record.until_ns.0.saturating_sub(since_ns.0)), found })
        }
    };
    Thread {
        pid: record.pid,
        tid: record.tid,
        start_ns: record.start_ns,
        earlier_names: earlier_names(&record),
        name: record.name,
        renames: record.renames,
        exited: open.is_none(),
        from_ns: record.from_ns,
        until_ns: record.until_ns,
        voluntary_switches: seen.voluntary_switches,
        involuntary_switches: seen.involuntary_switches,
        minor_faults: kernel.minor_faults,
        major_faults: kernel.major_faults,
        faults_without_latency: (kernel.minor_faults + kernel.major_faults).saturating_sub(with_latency),
        faults_never_accounted: record.faults_never_accounted,
        migrations: kernel.migrations,
        found: record.found,
        open,
        runnable_idle: record.runnable_idle,
        throttled: record.throttled,
        unattributed_wait: record.unattributed_wait,
        inferred_switch_ins: record.inferred_switch_ins,
        histograms: by_name(&record.samples, Samples::to_histogram),
        blocked_on: record.blocked_on,
        kernel,
    }
}

/// A rename to the same name is no earlier name.
fn earlier_names(record: &ThreadRecord) -> Vec<String> {
    let mut names = record.earlier_names.clone();
    names.dedup();
    let complete = record.renames as usize == record.earlier_names.len();
    if complete && names.last() == Some(&record.name) {
        names.pop();
    }
    names
}

/// Histograms by the stable names of their metrics.
pub(super) fn by_name<T>(
    metrics: &BTreeMap<Metric, T>,
    of: fn(&T) -> Histogram,
) -> BTreeMap<String, Histogram> {
    metrics.iter().map(|(metric, value)| (metric.name().to_owned(), of(value))).collect()
}

/// The sums of the threads that found no slot; `None` if there were none.
#[must_use]
pub fn without_slot(record: &SlotlessRecord) -> Option<WithoutSlot> {
    let count = |metric| record.metrics.get(&metric).map_or(0, |histogram| histogram.count);
    (record.threads > 0).then(|| WithoutSlot {
        threads: record.threads,
        voluntary_switches: count(Metric::Blocked) + record.unattributed_wait
            - record.unattributed_wait_involuntary
            + record.unfinished_blocked,
        involuntary_switches: count(Metric::Preempted)
            + record.runnable_idle
            + (record.throttled - record.throttled_wakes)
            + record.unattributed_wait_involuntary
            + record.unfinished_involuntary,
        minor_faults: count(Metric::MinorFault) + record.faults_without_entry,
        major_faults: count(Metric::MajorFault),
        runnable_idle: record.runnable_idle,
        throttled: record.throttled,
        unattributed_wait: record.unattributed_wait,
        inferred_switch_ins: record.inferred_switch_ins,
        metrics: by_name(&record.metrics, Histogram::clone),
        kernel: growth(&record.kernel_at_start, &record.kernel_at_end),
    })
}
