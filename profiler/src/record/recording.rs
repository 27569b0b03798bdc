//! Collects while the target runs, and turns everything into a profile's data at the end.

use super::intervals::Intervals;
use super::reconcile::{self, Reference};
use super::{Rest, Snapshot, Source, ThreadRecord, assemble};
use anyhow::Result;
use model::losses::{Loss, LossCounts};
use model::profile::interval::Interval;
use model::profile::reconciliation::Check;
use model::profile::thread::{Thread, WithoutSlot};
use model::profile::units::Nanos;

/// A recording under way.
pub struct Recording<S> {
    source: S,
    records: Vec<ThreadRecord>,
    intervals: Option<Intervals>,
    /// The number of records that are in an interval that has ended.
    in_intervals: usize,
}

/// A finished recording.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The threads, in the order of their start.
    pub threads: Vec<Thread>,
    /// The recording cut into intervals, if snapshots were taken.
    pub intervals: Vec<Interval>,
    /// The sums of threads without a slot.
    pub without_slot: Option<WithoutSlot>,
    /// The comparison with the kernel's counters.
    pub reconciliation: Vec<Check>,
    /// The losses.
    pub lost: LossCounts,
}

impl<S: Source> Recording<S> {
    /// Starts collecting from a source.
    pub fn new(source: S) -> Self {
        Self { source, records: Vec::new(), intervals: None, in_intervals: 0 }
    }

    /// Cuts the recording into intervals, the first of which begins at `from`.
    #[must_use]
    pub fn with_intervals(mut self, from: Nanos) -> Self {
        self.intervals = Some(Intervals::new(from));
        self
    }

    /// The source, for its readiness.
    pub fn source(&self) -> &S {
        &self.source
    }

    /// Threads that have exited so far.
    pub fn exited(&self) -> usize {
        self.records.len()
    }

    /// Takes the threads that have exited since the last time, so that their slots are free again.
    ///
    /// # Errors
    /// If the source fails.
    pub fn collect(&mut self) -> Result<()> {
        self.records.append(&mut self.source.collect_exited()?);
        Ok(())
    }

    /// The records of the threads that have exited so far, in the order in which they were taken.
    pub fn records(&self) -> &[ThreadRecord] {
        &self.records
    }

    /// Takes the threads that have exited, and looks at those that go on.
    ///
    /// # Errors
    /// If the source fails.
    pub fn take_snapshot(&mut self) -> Result<Snapshot> {
        self.collect()?;
        self.source.snapshot()
    }

    /// Gives up the records of the threads that have exited so far: what [`Self::finish`] returns is not the whole then.
    pub fn forget_exited(&mut self) {
        self.records.clear();
        self.in_intervals = 0;
    }

    /// Ends an interval. Nothing is done without [`Self::with_intervals`].
    ///
    /// # Errors
    /// If the source fails.
    pub fn snapshot(&mut self) -> Result<()> {
        if self.intervals.is_none() {
            return Ok(());
        }
        self.collect()?;
        let Snapshot { at_ns, threads } = self.source.snapshot()?;
        if let Some(intervals) = &mut self.intervals {
            intervals.end(at_ns, self.records.iter().skip(self.in_intervals), &threads);
            self.in_intervals = self.records.len();
        }
        Ok(())
    }

    /// Closes the recording. `reference` is what the kernel says of the run as a whole, if it says anything.
    ///
    /// # Errors
    /// If the source fails.
    pub fn finish(mut self, reference: Option<&Reference<'_>>) -> Result<Recorded> {
        let Rest { mut threads, census, without_slot, mut lost } = self.source.close()?;
        let mut records = self.records;
        records.append(&mut threads);
        let mut intervals = self.intervals;
        if let Some(intervals) = &mut intervals {
            let end = records.iter().map(|record| record.until_ns).max().unwrap_or_default();
            intervals.end(end, records.iter().skip(self.in_intervals), &[]);
        }
        records.sort_by_key(|record| (record.start_ns, record.pid, record.tid));
        let summed = assemble::without_slot(&without_slot);
        let mut reconciliation = reconcile::reconcile(&records, summed.as_ref(), reference);
        reconciliation.extend(reconcile::living_threads(census));
        let backwards = records.iter().map(|record| record.clock_backwards);
        lost[Loss::ClockBackwards] = backwards.sum::<u64>() + without_slot.clock_backwards;
        let samples = records.iter().flat_map(|record| record.samples.values());
        lost[Loss::SamplesWithoutBucket] = samples.map(|samples| samples.without_bucket()).sum();
        lost[Loss::ThreadsWithoutSlot] = without_slot.threads;
        let intervals = intervals
            .map(|intervals| intervals.finish(records.iter().map(|record| record.serial)))
            .unwrap_or_default();
        let threads = records.into_iter().map(assemble::thread).collect();
        Ok(Recorded { threads, intervals, without_slot: summed, reconciliation, lost })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fixture::{Script, exited};
    use crate::record::samples::Samples;
    use crate::record::{Census, End};
    use model::metric::Metric;
    use model::profile::reconciliation::Quantity;
    use model::profile::thread::OpenState;

    fn open(pid: u32, tid: u32) -> ThreadRecord {
        let mut record = exited(pid, tid);
        record.until_ns.0 += 500;
        record.end = End::Open {
            state: OpenState::Blocked,
            since_ns: Nanos(record.until_ns.0 - 500),
            woken_ns: None,
            found: false,
        };
        record
    }

    #[test]
    fn every_thread_arrives_in_the_order_of_its_start() {
        let mut late = exited(1, 9);
        late.start_ns.0 += 1;
        let rest = Rest { threads: vec![open(1, 1)], ..Rest::default() };
        let mut recording = Recording::new(Script {
            batches: [vec![late], vec![exited(1, 2)]].into(),
            rest,
            ..Script::default()
        });
        recording.collect().unwrap();
        recording.collect().unwrap();
        assert_eq!(recording.exited(), 2);
        let recorded = recording.finish(None).unwrap();
        let tids: Vec<u32> = recorded.threads.iter().map(|thread| thread.tid).collect();
        assert_eq!(tids, [1, 2, 9]);
        assert!(recorded.lost.is_nothing());
    }

    #[test]
    fn an_unfinished_wait_is_shown_and_counts_as_a_switch() {
        let rest = Rest { threads: vec![open(1, 1)], ..Rest::default() };
        let recorded = Recording::new(Script { rest, ..Script::default() }).finish(None).unwrap();
        let [thread] = recorded.threads.as_slice() else { panic!("{:?}", recorded.threads) };
        let open = thread.open.unwrap();
        assert_eq!((open.state, open.for_ns, thread.exited), (OpenState::Blocked, Nanos(500), false));
        assert_eq!(thread.voluntary_switches, 3);
        assert!(recorded.reconciliation.iter().all(|check| check.difference == 0));
    }

    #[test]
    fn a_living_thread_without_a_record_is_a_difference_that_nothing_explains() {
        for unrecorded in [0, 1] {
            let census = Census { recorded: 1, unrecorded };
            let rest = Rest { threads: vec![open(1, 1)], census, ..Rest::default() };
            let recorded = Recording::new(Script { rest, ..Script::default() }).finish(None).unwrap();
            let living = recorded.reconciliation.iter();
            let living: Vec<&Check> =
                living.filter(|check| check.quantity == Quantity::LivingThreads).collect();
            let [check] = living.as_slice() else { panic!("{living:?}") };
            assert_eq!((check.kernel, check.measured), (1 + unrecorded, 1));
            assert_eq!(check.holds(), unrecorded == 0);
        }
    }

    #[test]
    fn a_thread_that_is_renamed_to_its_own_name_has_no_earlier_name() {
        let mut record = exited(1, 1);
        record.earlier_names = vec![record.name.clone()];
        let rest = Rest { threads: vec![record], ..Rest::default() };
        let recorded = Recording::new(Script { rest, ..Script::default() }).finish(None).unwrap();
        assert!(recorded.threads[0].earlier_names.is_empty());
    }

    #[test]
    fn losses_are_added_up() {
        let mut record = exited(1, 1);
        let first = Samples::of([100, 200, 300]);
        let slices = record.samples.remove(&Metric::OnCpu).map(|slices| slices.with_buckets_of(first));
        record.samples.extend(slices.map(|slices| (Metric::OnCpu, slices)));
        record.clock_backwards = 2;
        let rest = Rest {
            threads: vec![record],
            lost: LossCounts::of([(Loss::MissedProgramRuns, 3)]),
            ..Rest::default()
        };
        let lost = Recording::new(Script { rest, ..Script::default() }).finish(None).unwrap().lost;
        assert_eq!(
            (lost[Loss::SamplesWithoutBucket], lost[Loss::ClockBackwards], lost[Loss::MissedProgramRuns]),
            (1, 2, 3)
        );
    }
}
