//! What was added to every thread's record between two snapshots: over all of them together it is the whole record.

use super::samples::{Handed, Samples};
use super::{End, ThreadRecord};
use model::metric::Metric;
use model::profile::interval::States;
use model::profile::thread::OpenState;
use model::profile::units::Nanos;
use std::collections::{BTreeMap, HashMap};

/// What was handed out so far, of the threads that go on.
pub struct Deltas {
    begun: Nanos,
    /// By [`ThreadRecord::serial`]; threads that have exited are taken out.
    known: HashMap<u64, Known>,
}

/// What of a thread was handed out so far.
#[derive(Default)]
struct Known {
    samples: BTreeMap<Metric, Handed>,
    states: States,
}

/// What was added between two snapshots.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// When the one before was taken.
    pub from: Nanos,
    /// When the one at its end was taken.
    pub until: Nanos,
    /// The threads to which anything was added.
    pub threads: Vec<Delta>,
}

/// What was added to a thread's record.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    /// The thread's [`ThreadRecord::serial`].
    pub serial: u64,
    /// How long it was in each state.
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

    /// What was added to a thread whose record is final; `None` if nothing was.
    pub fn ended(&mut self, record: &ThreadRecord) -> Option<Delta> {
        self.known.remove(&record.serial).unwrap_or_default().grow(record, true).some()
    }

    /// What was added to a thread that goes on; `None` if nothing was.
    pub fn seen(&mut self, record: &ThreadRecord) -> Option<Delta> {
        self.known.entry(record.serial).or_default().grow(record, false).some()
    }

    /// What was added to a thread whose buckets are those of what was added alone (see [`Session::look`]); `None` if nothing
    /// was. The samples are taken out of the record.
    ///
    /// [`Session::look`]: crate::kernel::session::Session::look
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

    /// When the span that is under way began.
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
    /// What was added since the last time.
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

    /// What was added since the last time, of which alone the buckets are in the record.
    fn take(&mut self, record: &mut ThreadRecord, is_final: bool) -> Delta {
        let states = self.pass(states(record, is_final));
        let mut samples = BTreeMap::new();
        for (metric, now) in std::mem::take(&mut record.samples) {
            let handed = self.samples.entry(metric).or_default();
            // What was read in the middle of a sample has the count of the last time, and its buckets come later.
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

/// What was added to each state, which is as much as was added to all of them together.
///
/// What an unfinished wait was can turn out otherwise when it ends: it was given out as blocked, and its wake was never
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
        unsplit_ns: record.unsplit.map_or(Nanos(0), |waits| waits.sum_ns),
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
