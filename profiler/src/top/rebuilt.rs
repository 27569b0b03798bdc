//! Rebuilds thread records from a daemon's frames, from the start of the view on. Fields that no view shows are
//! left empty.

use super::feed::Known;
use crate::record::{End, KernelCounters, Snapshot, ThreadRecord};
use crate::watch::frame::{Frame, Growth, Identity, Now, ThreadFrame};
use anyhow::{Context as _, Result};
use model::metric::Metric;
use model::profile::thread::OpenState;
use model::profile::units::Nanos;
use std::collections::{BTreeMap, HashMap};

/// Records of threads that go on.
#[derive(Default)]
pub(super) struct Records {
    /// Records by [`ThreadRecord::serial`].
    known: HashMap<u64, ThreadRecord>,
}

/// The records after a frame.
pub(super) struct Taken {
    /// Final records.
    pub(super) ended: Vec<ThreadRecord>,
    /// Records of threads that go on and were readable.
    pub(super) snapshot: Snapshot,
    /// Processes of new threads.
    pub(super) processes: BTreeMap<u32, Known>,
}

impl Records {
    /// Applies a frame.
    ///
    /// # Errors
    /// If an earlier frame of the same view is missing.
    pub(super) fn take(&mut self, frame: Frame) -> Result<Taken> {
        let Frame { at_ns, threads, unchanged, ended, .. } = frame;
        let mut processes = BTreeMap::new();
        let final_ones = ended.into_iter().map(|added| {
            let serial = added.serial;
            self.grow(added, &mut processes)?;
            self.known.remove(&serial).context(UNKNOWN)
        });
        let ended = final_ones.collect::<Result<_>>()?;
        let going_on = threads.into_iter().map(|added| self.grow(added, &mut processes).cloned());
        let mut threads = going_on.collect::<Result<Vec<ThreadRecord>>>()?;
        for serial in unchanged {
            let record = self.known.get_mut(&serial).context(UNKNOWN)?;
            Now::of(record).at(at_ns).write_to(record);
            threads.push(record.clone());
        }
        Ok(Taken { ended, snapshot: Snapshot { at_ns, threads }, processes })
    }

    fn grow(&mut self, added: ThreadFrame, processes: &mut BTreeMap<u32, Known>) -> Result<&ThreadRecord> {
        let ThreadFrame { serial, identity, name, now, blocked_on, metrics } = added;
        if let Some(identity) = identity {
            self.known.insert(serial, nothing_of(serial, &identity));
            let Identity { pid, process: name, selector, .. } = identity;
            processes.insert(pid, Known { name, selector });
        }
        let record = self.known.get_mut(&serial).context(UNKNOWN)?;
        now.write_to(record);
        if let Some(name) = name {
            record.name = name;
        }
        if let Some(blocked_on) = blocked_on {
            record.blocked_on = blocked_on;
        }
        for (metric, growth) in metrics {
            let metric = Metric::from(metric);
            let Growth { totals, buckets } = growth;
            let before = record.samples.remove(&metric).unwrap_or_default();
            record.samples.insert(metric, before.grown(totals, buckets));
        }
        Ok(record)
    }
}

const UNKNOWN: &str =
    "the daemon tells more of a thread that it has told nothing of (is it of another version?)";

fn nothing_of(serial: u64, identity: &Identity) -> ThreadRecord {
    ThreadRecord {
        serial,
        pid: identity.pid,
        tid: identity.tid,
        family: 0,
        start_ns: Nanos(0),
        name: String::new(),
        earlier_names: Vec::new(),
        renames: 0,
        newborn: false,
        from_ns: Nanos(0),
        until_ns: Nanos(0),
        end: End::Open { state: OpenState::Newborn, since_ns: Nanos(0), woken_ns: None, found: false },
        kernel_at_start: KernelCounters::default(),
        kernel_at_end: KernelCounters::default(),
        first_slice_ns: None,
        found: None,
        runnable_idle: None,
        throttled: None,
        throttled_wakes: 0,
        unattributed_wait: None,
        unattributed_wait_involuntary: 0,
        inferred_switch_ins: 0,
        samples: BTreeMap::new(),
        blocked_on: Vec::new(),
        minor_without_entry: 0,
        major_without_entry: 0,
        faults_never_accounted: 0,
        clock_backwards: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::deltas::Deltas;
    use crate::record::fixture::exited;
    use crate::record::samples::{Samples, Totals};
    use crate::watch::viewer::{Viewer, Who};
    use model::losses::LossCounts;
    use model::profile::thread::{BlockedOn, Waits};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const WHO: Who<'_> = Who { selector: "web", process: "server" };
    const THREADS: usize = 4;

    /// An event of one of several threads.
    #[derive(Clone, Debug)]
    enum Event {
        Sample(Metric, u64),
        UnattributedWait(u64),
        Renamed(u8),
        Switched(bool),
        /// It ends, and another is born in its place.
        Ended,
        /// It is not readable for the next frame.
        Hidden,
        /// It was sampled for an interval.
        Looked,
        /// A frame; not an event of a thread.
        Frame,
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            6 => ((0..Metric::COUNT), 0..1_u64 << 43)
                .prop_map(|(metric, ns)| Event::Sample(Metric::ALL[metric], ns)),
            1 => any::<u64>().prop_map(|ns| Event::UnattributedWait(ns >> 8)),
            1 => any::<u8>().prop_map(Event::Renamed),
            2 => any::<bool>().prop_map(Event::Switched),
            1 => Just(Event::Ended),
            1 => Just(Event::Hidden),
            2 => Just(Event::Looked),
            2 => Just(Event::Looked),
            3 => Just(Event::Frame),
        ]
    }

    fn born(serial: u64) -> ThreadRecord {
        let identity =
            Identity { pid: 1, tid: serial as u32, selector: String::new(), process: String::new() };
        nothing_of(serial, &identity)
    }

    fn sample(record: &mut ThreadRecord, metric: Metric, ns: u64) {
        let mut totals = Totals::EMPTY;
        if let Some(&Samples { count, sum_ns, min_ns, max_ns, .. }) = record.samples.get(&metric) {
            totals = Totals { count, sum_ns, min_ns, max_ns };
        }
        totals.add_one(Nanos(ns));
        let bucket = model::buckets::index(ns).map(|bucket| (bucket as u16, 1));
        let before = record.samples.remove(&metric).unwrap_or_default();
        record.samples.insert(metric, before.grown(totals, bucket));
        if metric == Metric::Blocked {
            let wait =
                BlockedOn { syscall: "futex".to_owned(), count: 1, sum_ns: Nanos(ns), max_ns: Nanos(ns) };
            match record.blocked_on.first_mut() {
                Some(sum) => (sum.count, sum.sum_ns) = (sum.count + 1, sum.sum_ns + Nanos(ns)),
                None => record.blocked_on.push(wait),
            }
        }
    }

    fn happen(record: &mut ThreadRecord, event: &Event, now: Nanos) {
        match *event {
            Event::Sample(metric, ns) => sample(record, metric, ns),
            Event::UnattributedWait(ns) => {
                let waits = record.unattributed_wait.get_or_insert(Waits {
                    count: 0,
                    sum_ns: Nanos(0),
                    max_ns: Nanos(0),
                });
                (waits.count, waits.max_ns) = (waits.count + 1, Nanos(ns));
            }
            Event::Renamed(number) => record.name = format!("worker-{number}"),
            Event::Switched(blocks) => {
                let state = if blocks { OpenState::Blocked } else { OpenState::OnCpu };
                record.end =
                    End::Open { state, since_ns: now, woken_ns: blocks.then_some(now), found: false };
            }
            Event::Ended => record.end = End::Exited { last_switch: OpenState::Blocked },
            Event::Hidden | Event::Looked | Event::Frame => {}
        }
    }

    /// A viewer that has seen nothing yet.
    fn begun() -> Viewer {
        let mut viewer = Viewer::new(None);
        viewer.take(Nanos(0), 1, LossCounts::default());
        viewer
    }

    /// Records without minimum and maximum: those of added samples are only as exact as buckets.
    fn without_extremes(records: &[ThreadRecord]) -> Vec<ThreadRecord> {
        let mut records = records.to_vec();
        for samples in records.iter_mut().flat_map(|record| record.samples.values_mut()) {
            (samples.min_ns, samples.max_ns) = (Nanos(0), Nanos(0));
        }
        records
    }

    /// A frame after encoding and decoding.
    fn carried(frame: &Frame) -> Frame {
        let again: Frame = serde_json::from_str(&serde_json::to_string(frame).unwrap()).unwrap();
        assert_eq!(&again, frame);
        again
    }

    proptest! {
        #[test]
        fn what_was_added_makes_the_records_that_the_daemon_has(
            events in prop::collection::vec((0..THREADS, event()), 1..120),
        ) {
            let (mut viewer, mut records) = (begun(), Records::default());
            let mut deltas = Deltas::new(Nanos(0));
            let mut threads: Vec<ThreadRecord> = (0..THREADS as u64).map(born).collect();
            let (mut hidden, mut ended) = (BTreeSet::new(), Vec::new());
            let mut serials = THREADS as u64..;
            for (now, (index, event)) in (1..).map(Nanos).zip(&events) {
                happen(&mut threads[*index], event, now);
                match event {
                    Event::Ended => {
                        let over = std::mem::replace(&mut threads[*index], born(serials.next().unwrap()));
                        viewer.end(&over, deltas.ended(&over).as_ref(), WHO);
                        ended.push(over);
                    }
                    Event::Hidden => drop(hidden.insert(*index)),
                    Event::Looked => {
                        let added = deltas.seen(&threads[*index]);
                        added.iter().for_each(|added| viewer.keep(added));
                    }
                    Event::Frame => {
                        let hidden = std::mem::take(&mut hidden);
                        let looked_at = threads.iter_mut().enumerate().filter(|(index, _)| !hidden.contains(index));
                        let mut seen = Vec::new();
                        for (_, record) in looked_at {
                            record.until_ns = now;
                            viewer.see(record, deltas.seen(record).as_ref(), WHO, now);
                            seen.push(record.clone());
                        }
                        let frame = viewer.take(now, 1, LossCounts::default());
                        let mut taken = records.take(carried(&frame)).unwrap();
                        taken.snapshot.threads.sort_by_key(|record| record.serial);
                        seen.sort_by_key(|record| record.serial);
                        prop_assert_eq!(without_extremes(&taken.snapshot.threads), without_extremes(&seen));
                        prop_assert_eq!(without_extremes(&taken.ended), without_extremes(&std::mem::take(&mut ended)));
                    }
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn a_bucket_that_begins_again_goes_on() {
        let (mut viewer, mut records, mut deltas) = (begun(), Records::default(), Deltas::new(Nanos(0)));
        let record = |count: u64| {
            let mut record = born(1);
            let totals = Totals { count, sum_ns: Nanos(3 * count), min_ns: Nanos(3), max_ns: Nanos(3) };
            record.samples.insert(Metric::OnCpu, Samples::default().grown(totals, [(3, count as u32)]));
            record
        };
        let first = u64::from(u32::MAX) - 1;
        for count in [first, first + 4, first + 9] {
            viewer.see(&record(count), deltas.seen(&record(count)).as_ref(), WHO, Nanos(0));
            let frame = viewer.take(Nanos(0), 1, LossCounts::default());
            let taken = records.take(frame).unwrap();
            assert_eq!(taken.snapshot.threads, [record(count)]);
        }
    }

    #[test]
    fn a_frame_of_another_view_is_refused() {
        let mut viewer = Viewer::new(None);
        viewer.see(&exited(1, 7), None, WHO, Nanos(1));
        viewer.take(Nanos(1), 1, LossCounts::default());
        viewer.see(&exited(1, 7), None, WHO, Nanos(2));
        let second = viewer.take(Nanos(2), 1, LossCounts::default());
        assert!(Records::default().take(second).is_err());
    }
}
