//! The growth of every thread's record between two snapshots.
//!
//! The problem: a thread goes on while its record is read. A difference of two readings is wrong where one of them was torn
//! (a count already raised, its bucket not yet) and where a wait that spans a snapshot turns out to be of another state than
//! it looked like.
//!
//! ```text
//!              snapshot          snapshot
//! ----on_cpu----|--blocked-----------|---runqueue_wait--|--on_cpu---
//!               |<-- one interval -->|
//! ```
//!
//! The rule: each interval gets the record so far less all that earlier intervals got, so that all intervals together are
//! the whole record, whatever a single reading missed. A wait that spans a snapshot gives each side its part; a part that
//! was given to a state stays there.

use super::samples::{Handed, Samples};
use super::{End, ThreadRecord};
use model::metric::Metric;
use model::profile::interval::States;
use model::profile::thread::OpenState;
use model::profile::units::Nanos;
use std::collections::{BTreeMap, HashMap};

/// The part of each living thread's record that earlier intervals have.
pub struct Deltas {
    begun: Nanos,
    /// By [`ThreadRecord::serial`]; threads that have exited are taken out.
    known: HashMap<u64, Known>,
}

/// The part of one thread's record that earlier intervals have.
#[derive(Default)]
struct Known {
    samples: BTreeMap<Metric, Handed>,
    states: States,
}

/// The growth between two snapshots.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The time of the first snapshot.
    pub from: Nanos,
    /// The time of the second.
    pub until: Nanos,
    /// The threads to which anything was added.
    pub threads: Vec<Delta>,
}

/// The growth of a thread's record.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// The thread's [`ThreadRecord::serial`].
    pub serial: u64,
    /// The time in each state.
    pub states: States,
    /// Metrics of which samples ended. Extremes are as exact as the buckets.
    pub samples: BTreeMap<Metric, Samples>,
}

impl Deltas {
    /// Nothing was handed out before `begun`.
    #[must_use]
    pub fn new(begun: Nanos) -> Self {
        Self { begun, known: HashMap::new() }
    }

    /// Ends a span: `ended` are threads whose records are final, `seen` those that go on. Each thread is in `ended` once.
    pub fn end<'a>(
        &mut self,
        until: Nanos,
        ended: impl IntoIterator<Item = &'a ThreadRecord>,
        seen: &[ThreadRecord],
    ) -> Span {
        let mut threads: Vec<Delta> = ended.into_iter().filter_map(|record| self.ended(record)).collect();
        threads.extend(seen.iter().filter_map(|record| self.seen(record)));
        let (from, until) = self.cut(until);
        Span { from, until, threads }
    }

    /// The growth of a thread whose record is final; `None` if there is none.
    pub fn ended(&mut self, record: &ThreadRecord) -> Option<Delta> {
        self.known.remove(&record.serial).unwrap_or_default().grow(record, true).some()
    }

    /// The growth of a thread that goes on; `None` if there is none.
    pub fn seen(&mut self, record: &ThreadRecord) -> Option<Delta> {
        self.known.entry(record.serial).or_default().grow(record, false).some()
    }

    /// The growth of a thread whose record has only the buckets of its growth (see [`Session::take_snapshot`]); `None` if there
    /// was. The samples are taken out of the record.
    ///
    /// [`Session::take_snapshot`]: crate::kernel::session::Session::take_snapshot
    pub fn taken(&mut self, record: &mut ThreadRecord, is_final: bool) -> Option<Delta> {
        let added = self.known.entry(record.serial).or_default().take(record, is_final);
        if is_final {
            self.known.remove(&record.serial);
        }
        added.some()
    }

    /// Ends the span, all of whose threads were handed out one by one: when it began and when it ended.
    pub fn cut(&mut self, until: Nanos) -> (Nanos, Nanos) {
        let until = until.max(self.begun);
        (std::mem::replace(&mut self.begun, until), until)
    }

    /// The start of the current span.
    #[must_use]
    pub fn begun(&self) -> Nanos {
        self.begun
    }
}

impl Delta {
    fn some(self) -> Option<Self> {
        (self.states.total() > Nanos(0) || !self.samples.is_empty()).then_some(self)
    }
}

impl Known {
    /// The growth since the last call.
    fn grow(&mut self, record: &ThreadRecord, is_final: bool) -> Delta {
        let mut samples = BTreeMap::new();
        for (&metric, now) in &record.samples {
            let growth = match self.samples.get(&metric) {
                // A sample that is in a bucket alone is not handed out yet: nothing needs to be compared.
                Some(before) if !is_final && before.count() == now.count => None,
                Some(before) => now.since(before),
                None => Some(now.clone()),
            };
            let Some(mut growth) = growth else { continue };
            // A thread that runs on may have been read in the middle of a sample, which is then in a bucket, perhaps in
            // the sum, and not yet in the count: all that was added is then in the next interval.
            if is_final || (growth.count > 0 && growth.bucketed() <= growth.count) {
                growth.cover_buckets();
                samples.insert(metric, growth);
                self.samples.insert(metric, now.handed());
            }
        }
        Delta { serial: record.serial, states: self.pass(states(record, is_final)), samples }
    }

    /// The growth since the last call, of which alone the buckets are in the record.
    fn take(&mut self, record: &mut ThreadRecord, is_final: bool) -> Delta {
        let states = self.pass(states(record, is_final));
        let mut samples = BTreeMap::new();
        for (metric, now) in std::mem::take(&mut record.samples) {
            let handed = self.samples.entry(metric).or_default();
            // A record that was read in the middle of a sample has the count of the last time, and its buckets come later.
            if now.count != handed.count() {
                let before = std::mem::replace(handed, Handed::without_buckets(&now));
                let mut growth = now.beyond(&before);
                growth.iter_mut().for_each(Samples::cover_buckets);
                samples.extend(growth.map(|growth| (metric, growth)));
            }
        }
        Delta { serial: record.serial, states, samples }
    }

    /// The time that was added, which is handed out.
    fn pass(&mut self, now: States) -> States {
        // A thread that was read in the middle of a switch can seem to end where it was woken, before the last
        // snapshot: its time is then in the next interval.
        if now.total() < self.states.total() {
            return States::default();
        }
        added_time(now, std::mem::replace(&mut self.states, now))
    }
}

/// The growth of each state; together it is as much as the whole record grew.
///
/// An unfinished wait may change its state when it ends: it was counted as blocked, and its wake was never
/// announced, or the thread had been on a CPU already. That part stays where it was given out.
fn added_time(now: States, before: States) -> States {
    let mut too_much = 0;
    let mut added = now.all();
    for (time, before) in added.iter_mut().zip(before.all()) {
        too_much += before.0.saturating_sub(time.0);
        time.0 = time.0.saturating_sub(before.0);
    }
    for time in &mut added {
        let taken = time.0.min(too_much);
        time.0 -= taken;
        too_much -= taken;
    }
    States::from_all(added)
}

/// Time by state over a record, with what is unfinished at its end. The record of a thread that is not on a run queue
/// yet begins only there, unless that is all there will be of it.
fn states(record: &ThreadRecord, is_final: bool) -> States {
    let sum = |metric| record.samples.get(&metric).map_or(Nanos(0), |samples| samples.sum_ns);
    let mut states = States {
        on_cpu_ns: sum(Metric::OnCpu),
        runqueue_wait_ns: sum(Metric::RunqueueWait),
        blocked_ns: sum(Metric::Blocked),
        preempted_ns: sum(Metric::Preempted),
        runnable_idle_ns: record.runnable_idle.map_or(Nanos(0), |waits| waits.sum_ns),
        throttled_ns: record.throttled.map_or(Nanos(0), |waits| waits.sum_ns),
        unattributed_wait_ns: record.unattributed_wait.map_or(Nanos(0), |waits| waits.sum_ns),
    };
    if let Some(found) = record.found {
        *states.of(found.state) += found.for_ns;
    }
    let End::Open { state, since_ns, woken_ns, .. } = record.end else { return states };
    let until = record.until_ns.0;
    let open = Nanos(until.saturating_sub(since_ns.0));
    match (state, woken_ns) {
        (OpenState::Newborn, None) if !is_final => {}
        (OpenState::Blocked, Some(woken)) => {
            let ready = woken.0.clamp(since_ns.0, until.max(since_ns.0));
            states.blocked_ns += Nanos(ready - since_ns.0);
            states.runqueue_wait_ns += Nanos(until.saturating_sub(ready));
        }
        _ => *states.of(state) += open,
    }
    states
}
