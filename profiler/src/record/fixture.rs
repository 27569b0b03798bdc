//! Records for tests, with figures that add up.

use super::samples::Samples;
use super::{End, KernelCounters, Rest, Snapshot, Source, ThreadRecord};
use anyhow::Result;
use model::metric::Metric;
use model::profile::thread::{BlockedOn, OpenState};
use model::profile::units::{Bytes, Nanos};
use model::profile::usage::Usage;
use std::collections::{BTreeMap, VecDeque};

/// A thread that was born 5 ns before its first wake, ran four slices, was blocked twice and preempted once,
/// took two minor faults, and exited.
pub(crate) fn exited(pid: u32, tid: u32) -> ThreadRecord {
    let samples: [(Metric, &[u64]); 5] = [
        (Metric::OnCpu, &[100, 200, 300, 400]),
        (Metric::RunqueueWait, &[10, 20, 30]),
        (Metric::Blocked, &[1_000, 2_000]),
        (Metric::Preempted, &[50]),
        (Metric::MinorFault, &[7, 8]),
    ];
    let samples: BTreeMap<Metric, Samples> = samples
        .into_iter()
        .filter_map(|(metric, ns)| Some((metric, Samples::of(ns.iter().copied())?)))
        .collect();
    ThreadRecord {
        serial: u64::from(tid),
        pid,
        tid,
        family: 0,
        start_ns: Nanos(1_000_000),
        name: format!("worker-{tid}"),
        earlier_names: vec!["parent".to_owned()],
        renames: 1,
        newborn: true,
        from_ns: Nanos(1_000_005),
        until_ns: Nanos(1_000_005 + 1_000 + 60 + 3_000 + 50),
        end: End::Exited { last_switch: OpenState::Blocked },
        kernel_at_start: KernelCounters::default(),
        kernel_at_end: KernelCounters {
            voluntary_switches: 3,
            involuntary_switches: 1,
            minor_faults: 2,
            major_faults: 0,
            cpu_ns: Nanos(1_000),
            migrations: 1,
        },
        first_slice_ns: None,
        found: None,
        runnable_idle: None,
        throttled: None,
        throttled_wakes: 0,
        unattributed_wait: None,
        unattributed_wait_involuntary: 0,
        inferred_switch_ins: 0,
        samples,
        blocked_on: vec![BlockedOn {
            syscall: "futex".to_owned(),
            count: 2,
            sum_ns: Nanos(3_000),
            max_ns: Nanos(2_000),
        }],
        minor_without_entry: 0,
        major_without_entry: 0,
        faults_never_accounted: 0,
        clock_backwards: 0,
    }
}

/// The same thread as the child that executed its command: found running, in its first slice.
pub(crate) fn found(pid: u32) -> ThreadRecord {
    let mut record = exited(pid, pid);
    record.newborn = false;
    record.first_slice_ns = Some(Nanos(100));
    record.kernel_at_start.cpu_ns = Nanos(100);
    record
}

/// The figures of `wait4` that are compared.
pub(crate) fn usage(voluntary_switches: u64, involuntary_switches: u64, minor_faults: u64) -> Usage {
    Usage {
        wall_ns: Nanos(10_000),
        user_ns: Some(Nanos(2_000)),
        system_ns: Some(Nanos(0)),
        cpu_ns: None,
        cpu_percent: 20.0,
        max_rss_bytes: Some(Bytes(4096)),
        max_rss_floor_bytes: None,
        voluntary_switches,
        involuntary_switches,
        minor_faults,
        major_faults: 0,
    }
}

/// A source that hands out what it was given, one batch a call.
#[derive(Default)]
pub(crate) struct Script {
    /// For each call of `collect_exited`.
    pub(crate) batches: VecDeque<Vec<ThreadRecord>>,
    /// For each call of `snapshot`.
    pub(crate) snapshots: VecDeque<Snapshot>,
    /// For `close`.
    pub(crate) rest: Rest,
}

impl Source for Script {
    fn collect_exited(&mut self) -> Result<Vec<ThreadRecord>> {
        Ok(self.batches.pop_front().unwrap_or_default())
    }

    fn snapshot(&mut self) -> Result<Snapshot> {
        Ok(self.snapshots.pop_front().unwrap_or_default())
    }

    fn close(&mut self) -> Result<Rest> {
        Ok(std::mem::take(&mut self.rest))
    }
}
