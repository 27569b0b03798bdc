//! Frames for tests.

use super::feed::{Added, Ended, Frame, Standing, ThreadUpdate};
use crate::record::assemble::Seen;
use crate::record::fixture::exited;
use crate::record::samples::Samples;
use crate::record::{End, ThreadRecord};
use model::losses::LossCounts;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::thread::{BlockedOn, OpenState};
use model::profile::units::Nanos;
use std::collections::BTreeMap;

const SECOND: u64 = 1_000_000_000;

/// A thread in a frame.
pub(crate) fn thread(pid: u32, tid: u32) -> ThreadUpdate {
    let record = open(exited(pid, tid));
    let histograms: BTreeMap<Metric, Histogram> =
        record.samples.iter().map(|(metric, samples)| (*metric, samples.to_histogram())).collect();
    let seen = Seen::of(&record);
    let states = States { on_cpu_ns: Nanos(250_000_000), preempted_ns: Nanos(50_000), ..States::default() };
    ThreadUpdate { record, is_final: false, added: Added { seen, states, histograms } }
}

fn open(mut record: ThreadRecord) -> ThreadRecord {
    let since_ns = record.until_ns;
    record.end = End::Open { state: OpenState::Blocked, since_ns, woken_ns: None, found: false };
    record
}

/// A frame of one second that ends at `second`.
pub(crate) fn frame(second: u64, threads: Vec<ThreadUpdate>) -> Frame {
    let ended = Ended { threads: 0, kept: true, unsent: 0 };
    let standing = Standing { lives: true, lost: LossCounts::default(), ended };
    let (from, until) = (Nanos((second - 1) * SECOND), Nanos(second * SECOND));
    Frame { from, until, threads, processes: BTreeMap::new(), standing }
}

impl ThreadUpdate {
    pub(crate) fn ended(mut self) -> Self {
        self.record.end = End::Exited { last_switch: OpenState::Blocked };
        self.is_final = true;
        self
    }

    /// Makes it leave the target alive.
    pub(crate) fn left(mut self) -> Self {
        self.is_final = true;
        self
    }

    pub(crate) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.record.name);
        self
    }

    pub(crate) fn doing(mut self, doing: OpenState) -> Self {
        if let End::Open { state, .. } = &mut self.record.end {
            *state = doing;
        }
        self
    }

    /// Adds these waits on a run queue in this interval.
    pub(crate) fn waited(mut self, waits: &[u64]) -> Self {
        let histogram = Histogram::of(waits.iter().copied().map(Nanos));
        self.added.histograms = histogram.map(|of| (Metric::RunqueueWait, of)).into_iter().collect();
        self
    }

    /// Adds time on a CPU in this interval.
    pub(crate) fn on_cpu(mut self, millis: u64) -> Self {
        self.added.states.on_cpu_ns = Nanos(millis * 1_000_000);
        self
    }

    /// Sets the samples of the whole record.
    pub(crate) fn whole(mut self, metric: Metric, samples: impl IntoIterator<Item = u64>) -> Self {
        self.record.samples.extend(Samples::of(samples).map(|of| (metric, of)));
        self
    }

    pub(crate) fn blocked_on(mut self, waits: &[(&str, u64, u64, u64)]) -> Self {
        let wait = |&(syscall, count, sum, max): &(&str, u64, u64, u64)| BlockedOn {
            syscall: syscall.to_owned(),
            count,
            sum_ns: Nanos(sum),
            max_ns: Nanos(max),
        };
        self.record.blocked_on = waits.iter().map(wait).collect();
        self
    }
}
