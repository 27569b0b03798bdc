//! Frames from a recording of this process.

use super::feed::{Added, Ended, Frame, Standing, ThreadUpdate};
use crate::record::assemble::Seen;
use crate::record::deltas::{Delta, Deltas, Span};
use crate::record::recording::Recording;
use crate::record::{Snapshot, Source, ThreadRecord};
use anyhow::Result;
use model::losses::{Loss, LossCounts};
use model::profile::units::Nanos;
use std::collections::{BTreeMap, HashMap};

/// The part of a recording already sent in frames.
pub struct Live {
    deltas: Deltas,
    /// Counts already sent of threads that go on, by [`ThreadRecord::serial`].
    seen: HashMap<u64, Seen>,
    /// The number of the recording's records of ended threads already sent.
    sent: usize,
    /// The most records of ended threads to keep.
    most_kept: u64,
    ended: Ended,
    /// Losses of ended threads.
    lost: LossCounts,
}

impl Live {
    /// Starts at `begun`. Once more than `most_kept` threads have ended, none of their records is kept.
    #[must_use]
    pub fn new(begun: Nanos, most_kept: u64) -> Self {
        Self {
            deltas: Deltas::new(begun),
            seen: HashMap::new(),
            sent: 0,
            most_kept,
            ended: Ended { threads: 0, kept: true, unsent: 0 },
            lost: LossCounts::default(),
        }
    }

    /// Ended threads.
    #[must_use]
    pub fn ended(&self) -> Ended {
        self.ended
    }

    /// Starts from an existing recording. The first frame has nothing added.
    pub fn begin(snapshot: Snapshot) -> (Self, Frame) {
        let mut live = Self::new(snapshot.at_ns, u64::MAX);
        live.frame(&[], snapshot.clone());
        let frame = live.frame(&[], snapshot);
        (live, frame)
    }

    /// Takes a snapshot of all threads. Losses that thread records hold are included in the frame's.
    ///
    /// # Errors
    /// If the source fails.
    pub fn refresh<S: Source>(&mut self, recording: &mut Recording<S>) -> Result<Frame> {
        let snapshot = recording.take_snapshot()?;
        let ended = recording.records().get(self.sent..).unwrap_or_default();
        let frame = self.frame(ended, snapshot);
        self.sent = recording.exited();
        self.forget_what_is_too_much(recording);
        Ok(Frame { standing: Standing { ended: self.ended, ..frame.standing }, ..frame })
    }

    /// Makes a frame from final records and a snapshot.
    pub fn frame(&mut self, ended: &[ThreadRecord], snapshot: Snapshot) -> Frame {
        let Span { from, until, threads } = self.deltas.end(snapshot.at_ns, ended, &snapshot.threads);
        let mut added: HashMap<u64, Delta> = threads.into_iter().map(|delta| (delta.serial, delta)).collect();
        self.ended.threads += ended.len() as u64;
        ended.iter().for_each(|record| add_losses(&mut self.lost, record));
        let mut lost = self.lost;
        snapshot.threads.iter().for_each(|record| add_losses(&mut lost, record));
        let ended = ended.iter().cloned().map(|record| (record, true));
        let records = ended.chain(snapshot.threads.into_iter().map(|record| (record, false)));
        let threads: Vec<ThreadUpdate> = records
            .map(|(record, is_final)| {
                let delta = added.remove(&record.serial);
                let seen = self.newly_seen(&record, is_final);
                let (states, samples) = delta.map(|delta| (delta.states, delta.samples)).unwrap_or_default();
                let histograms =
                    samples.iter().map(|(metric, samples)| (*metric, samples.to_histogram())).collect();
                ThreadUpdate { record, is_final, added: Added { seen, states, histograms } }
            })
            .collect();
        let standing = Standing { lives: true, lost, ended: self.ended };
        Frame { from, until, threads, processes: BTreeMap::new(), standing }
    }

    /// Switches and faults since the last frame. Differences saturate at 0: a thread read in the middle of a
    /// switch may seem to have fewer.
    fn newly_seen(&mut self, record: &ThreadRecord, is_final: bool) -> Seen {
        let now = Seen::of(record);
        let before = match is_final {
            true => self.seen.remove(&record.serial),
            false => self.seen.insert(record.serial, now),
        };
        let before = before.unwrap_or_default();
        Seen {
            voluntary_switches: now.voluntary_switches.saturating_sub(before.voluntary_switches),
            involuntary_switches: now.involuntary_switches.saturating_sub(before.involuntary_switches),
            minor_faults: now.minor_faults.saturating_sub(before.minor_faults),
            major_faults: now.major_faults.saturating_sub(before.major_faults),
        }
    }

    fn forget_what_is_too_much<S: Source>(&mut self, recording: &mut Recording<S>) {
        if !self.ended.kept || self.ended.threads > self.most_kept {
            self.ended.kept = false;
            recording.forget_exited();
            self.sent = 0;
        }
    }
}

fn add_losses(lost: &mut LossCounts, record: &ThreadRecord) {
    let without_bucket = record.samples.values().map(|samples| samples.without_bucket());
    lost[Loss::SamplesWithoutBucket] += without_bucket.sum::<u64>();
    lost[Loss::ClockBackwards] += record.clock_backwards;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::End;
    use crate::record::fixture::{Script, exited};
    use model::metric::Metric;
    use model::profile::thread::OpenState;

    fn living(tid: u32) -> ThreadRecord {
        let mut record = exited(1, tid);
        let since_ns = record.until_ns;
        record.until_ns = since_ns + Nanos(10);
        record.end = End::Open { state: OpenState::Blocked, since_ns, woken_ns: None, found: false };
        record
    }

    fn snapshot(at: u64, threads: Vec<ThreadRecord>) -> Snapshot {
        Snapshot { at_ns: Nanos(at), threads }
    }

    fn recording(batches: Vec<Vec<ThreadRecord>>, snapshots: Vec<Snapshot>) -> Recording<Script> {
        Recording::new(Script { batches: batches.into(), snapshots: snapshots.into(), ..Script::default() })
    }

    #[test]
    fn a_frame_has_what_was_added_since_the_one_before() {
        let two = || vec![living(7), living(8)];
        let mut recording = recording(
            vec![vec![], vec![exited(1, 7)]],
            vec![snapshot(10, two()), snapshot(20, vec![living(8)])],
        );
        let mut live = Live::new(Nanos(0), 100);
        let first = live.refresh(&mut recording).unwrap();
        assert_eq!((first.from, first.until, first.threads.len()), (Nanos(0), Nanos(10), 2));
        // Two ended threads and one that goes on.
        assert_eq!(first.threads[0].added.seen.voluntary_switches, 3);
        assert_eq!(first.threads[0].added.histograms[&Metric::OnCpu].count, 4);
        let second = live.refresh(&mut recording).unwrap();
        assert_eq!((second.from, second.until, second.threads.len()), (Nanos(10), Nanos(20), 2));
        let [ended, goes_on] = second.threads.as_slice() else { panic!("{second:?}") };
        assert_eq!((ended.record.tid, goes_on.record.tid), (7, 8));
        assert!(goes_on.added.histograms.is_empty() && goes_on.added.seen == Seen::default());
        assert_eq!(goes_on.record.samples[&Metric::OnCpu].count, 4, "the whole is still there");
        assert_eq!(second.standing.ended, Ended { threads: 1, kept: true, unsent: 0 });
    }

    #[test]
    fn what_was_recorded_before_anybody_looked_is_in_no_frame() {
        let (mut live, first) = Live::begin(snapshot(10, vec![living(7)]));
        assert_eq!((first.from, first.until, first.threads.len()), (Nanos(10), Nanos(10), 1));
        let [base] = first.threads.as_slice() else { panic!("{first:?}") };
        assert_eq!(base.record.samples[&Metric::OnCpu].count, 4);
        assert!(base.added.histograms.is_empty() && base.added.seen == Seen::default());
        assert_eq!(base.added.states.total(), Nanos(0));
        let mut later = living(7);
        later.until_ns += Nanos(5);
        let second = live.frame(&[], snapshot(15, vec![later]));
        assert_eq!((second.from, second.until), (Nanos(10), Nanos(15)));
        assert_eq!(second.threads[0].added.states.blocked_ns, Nanos(5));
    }

    #[test]
    fn beyond_the_limit_no_record_is_kept_and_it_is_told() {
        let batches = vec![vec![exited(1, 7)], vec![exited(1, 8)], vec![exited(1, 9)]];
        let mut recording = recording(batches, Vec::new());
        let mut live = Live::new(Nanos(0), 1);
        let ended: Vec<(usize, Ended, usize)> = (0..3)
            .map(|_| {
                let frame = live.refresh(&mut recording).unwrap();
                (frame.threads.len(), frame.standing.ended, recording.exited())
            })
            .collect();
        let all = |threads, kept| Ended { threads, kept, unsent: 0 };
        assert_eq!(ended, [(1, all(1, true), 1), (1, all(2, false), 0), (1, all(3, false), 0)]);
    }

    #[test]
    fn losses_of_ended_threads_stay() {
        let mut lossy = exited(1, 7);
        let slices = lossy.samples.remove(&Metric::OnCpu).unwrap();
        lossy.samples.insert(Metric::OnCpu, slices.with_buckets_of(None));
        lossy.clock_backwards = 2;
        let mut recording = recording(vec![vec![lossy]], Vec::new());
        let mut live = Live::new(Nanos(0), 100);
        for _ in 0..2 {
            let lost = live.refresh(&mut recording).unwrap().standing.lost;
            assert_eq!((lost[Loss::SamplesWithoutBucket], lost[Loss::ClockBackwards]), (4, 2));
        }
    }
}
