//! Cuts a recording into intervals: each is what was added between two snapshots, so that together they are the whole.

use super::ThreadRecord;
use super::assemble::by_name;
use super::deltas::{Delta, Deltas, Span};
use super::samples::Samples;
use model::profile::interval::{Interval, ThreadInterval};
use model::profile::units::Nanos;
use std::collections::HashMap;

/// The intervals so far.
pub(super) struct Intervals {
    deltas: Deltas,
    done: Vec<Span>,
}

impl Intervals {
    pub(super) fn new(begun: Nanos) -> Self {
        Self { deltas: Deltas::new(begun), done: Vec::new() }
    }

    /// Ends an interval: `ended` are threads whose records are final, `seen` those that go on.
    pub(super) fn end<'a>(
        &mut self,
        until: Nanos,
        ended: impl IntoIterator<Item = &'a ThreadRecord>,
        seen: &[ThreadRecord],
    ) {
        self.done.push(self.deltas.end(until, ended, seen));
    }

    /// The intervals, their threads named by their places in the order of `serials`.
    pub(super) fn finish(self, serials: impl IntoIterator<Item = u64>) -> Vec<Interval> {
        let places: HashMap<u64, u32> = serials.into_iter().zip(0..).collect();
        let thread = |Delta { serial, states, samples }: Delta| {
            let histograms = by_name(&samples, Samples::to_histogram);
            Some(ThreadInterval { thread: *places.get(&serial)?, states, histograms })
        };
        let span = |Span { from, until, threads }: Span| {
            let mut threads: Vec<ThreadInterval> = threads.into_iter().filter_map(thread).collect();
            threads.sort_by_key(|thread| thread.thread);
            Interval { from_ns: from, until_ns: until, threads }
        };
        self.done.into_iter().map(span).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::End;
    use crate::record::fixture::exited;
    use model::metric::Metric;
    use model::profile::histogram::Histogram;
    use model::profile::thread::OpenState;
    use model::profile::thread::Waits;
    use proptest::prelude::*;

    /// A thread of which the first `samples` of a metric have ended.
    fn so_far(metric: Metric, samples: &[u64], end: End) -> ThreadRecord {
        let ended = Samples::of(samples.iter().copied());
        let mut record = exited(1, 1);
        let spent: u64 = samples.iter().sum();
        record.until_ns = record.from_ns + Nanos(spent);
        record.samples = ended.map(|ended| (metric, ended)).into_iter().collect();
        record.end = end;
        record
    }

    const EXITED: End = End::Exited { last_switch: OpenState::Blocked };

    /// A thread that was read while samples were being added: how many there are, and how many of them are already in
    /// the sum and, not fewer, in the buckets.
    fn torn(samples: &[u64], counted: usize, summed: usize, bucketed: usize) -> ThreadRecord {
        let upto = |end: usize| Samples::of(samples[..end.min(samples.len())].iter().copied());
        let mut record = so_far(Metric::OnCpu, &samples[..counted.min(samples.len())], EXITED);
        if let (Some(read), Some(sums), Some(buckets)) =
            (record.samples.get_mut(&Metric::OnCpu), upto(summed), upto(bucketed))
        {
            let counted = read.count;
            *read = sums.with_buckets_of(Some(buckets));
            read.count = counted;
        }
        record
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_intervals_are_the_whole(
            samples in prop::collection::vec(1..1_u64 << 43, 1..60),
            mut cuts in prop::collection::vec([0..60_usize, 0..60_usize, 0..60_usize], 0..10),
        ) {
            cuts.iter_mut().for_each(|cut| cut.sort_unstable());
            for figure in 0..3 {
                let mut ascending: Vec<usize> = cuts.iter().map(|cut| cut[figure]).collect();
                ascending.sort_unstable();
                cuts.iter_mut().zip(ascending).for_each(|(cut, value)| cut[figure] = value);
            }
            let mut intervals = Intervals::new(Nanos(0));
            for [counted, summed, bucketed] in cuts {
                let seen = torn(&samples, counted, summed, bucketed);
                intervals.end(seen.until_ns, [], std::slice::from_ref(&seen));
            }
            let whole = so_far(Metric::OnCpu, &samples, EXITED);
            intervals.end(whole.until_ns, [&whole], &[]);
            let intervals = intervals.finish([whole.serial]);
            prop_assert!(intervals.windows(2).all(|pair| pair[0].until_ns == pair[1].from_ns));
            let parts = || intervals.iter().flat_map(|interval| &interval.threads);
            let histograms: Vec<&Histogram> =
                parts().filter_map(|part| part.histograms.get(Metric::OnCpu.name())).collect();
            for histogram in &histograms {
                model::profile::soundness::sound(histogram).unwrap();
            }
            let sum = Histogram::merged(histograms).unwrap();
            let exact = whole.samples[&Metric::OnCpu].to_histogram();
            prop_assert_eq!((sum.count, sum.sum_ns, sum.buckets), (exact.count, exact.sum_ns, exact.buckets));
            let time: Nanos = parts().map(|part| part.states.total()).sum();
            prop_assert_eq!(time, exact.sum_ns);
        }
    }

    #[test]
    fn a_wait_is_in_every_interval_that_it_lasts() {
        let mut intervals = Intervals::new(Nanos(0));
        let begun = exited(1, 1).from_ns;
        for lasted in [1_000, 3_000] {
            let end = End::Open { state: OpenState::Blocked, since_ns: begun, woken_ns: None, found: false };
            let mut seen = so_far(Metric::Blocked, &[], end);
            seen.until_ns = begun + Nanos(lasted);
            intervals.end(seen.until_ns, [], &[seen]);
        }
        let woken = End::Open {
            state: OpenState::Blocked,
            since_ns: begun,
            woken_ns: Some(begun + Nanos(4_000)),
            found: false,
        };
        let mut last = so_far(Metric::Blocked, &[], woken);
        last.until_ns = begun + Nanos(4_500);
        intervals.end(last.until_ns, [&last], &[]);
        let blocked: Vec<[u64; 2]> = intervals
            .finish([last.serial])
            .iter()
            .map(|interval| interval.threads[0].states)
            .map(|states| [states.blocked_ns.0, states.runqueue_wait_ns.0])
            .collect();
        assert_eq!(blocked, [[1_000, 0], [2_000, 0], [1_000, 500]]);
    }

    #[test]
    fn a_thread_that_is_read_in_the_middle_of_a_switch_has_its_time_in_the_next_interval() {
        let mut intervals = Intervals::new(Nanos(0));
        let begun = exited(1, 1).from_ns;
        let woken = Some(begun + Nanos(1_000));
        let mut seen = so_far(
            Metric::Blocked,
            &[],
            End::Open { state: OpenState::Blocked, since_ns: begun, woken_ns: woken, found: false },
        );
        seen.until_ns = begun + Nanos(4_000);
        intervals.end(seen.until_ns, [], &[seen]);
        let since_ns = begun + Nanos(1_000);
        let torn = so_far(
            Metric::Blocked,
            &[1_000],
            End::Open { state: OpenState::OnCpu, since_ns, woken_ns: None, found: false },
        );
        intervals.end(begun + Nanos(5_000), [], &[torn]);
        let mut last = so_far(Metric::Blocked, &[1_000], EXITED);
        last.until_ns = begun + Nanos(6_000);
        last.samples.insert(Metric::RunqueueWait, Samples::of([4_500]).unwrap());
        last.samples.insert(Metric::OnCpu, Samples::of([500]).unwrap());
        intervals.end(last.until_ns, [&last], &[]);
        let intervals = intervals.finish([last.serial]);
        let times: Vec<u64> = intervals
            .iter()
            .map(|interval| interval.threads.iter().map(|part| part.states.total().0).sum())
            .collect();
        assert_eq!(times, [4_000, 0, 2_000]);
    }

    #[test]
    fn a_thread_that_is_being_born_has_no_time_before_its_record_begins() {
        let mut intervals = Intervals::new(Nanos(0));
        let born = exited(1, 1).from_ns;
        let newborn = |since_ns: Nanos, lasted: u64, woken_ns| {
            let mut seen = so_far(
                Metric::OnCpu,
                &[],
                End::Open { state: OpenState::Newborn, since_ns, woken_ns, found: false },
            );
            (seen.from_ns, seen.until_ns) = (since_ns, since_ns + Nanos(lasted));
            seen
        };
        let begun = born + Nanos(9_000);
        intervals.end(begun, [], &[newborn(born, 9_000, None)]);
        intervals.end(begun + Nanos(100), [], &[newborn(begun, 100, Some(begun))]);
        let last = newborn(begun, 150, Some(begun));
        intervals.end(last.until_ns, [&last], &[]);
        let waits: Vec<Nanos> = intervals
            .finish([last.serial])
            .iter()
            .flat_map(|interval| &interval.threads)
            .map(|part| part.states.runqueue_wait_ns)
            .collect();
        assert_eq!(waits, [Nanos(100), Nanos(50)]);
    }

    #[test]
    fn a_wait_without_an_announced_wake_counts_once() {
        let mut intervals = Intervals::new(Nanos(0));
        let begun = exited(1, 1).from_ns;
        let open = End::Open { state: OpenState::Blocked, since_ns: begun, woken_ns: None, found: false };
        let mut seen = so_far(Metric::Blocked, &[], open);
        seen.until_ns = begun + Nanos(1_000);
        intervals.end(seen.until_ns, [], &[seen]);
        let mut last = so_far(Metric::OnCpu, &[500], EXITED);
        last.unattributed_wait = Some(Waits { count: 1, sum_ns: Nanos(1_200), max_ns: Nanos(1_200) });
        intervals.end(begun + Nanos(1_700), [&last], &[]);
        let total: Nanos =
            intervals.finish([last.serial]).iter().map(|interval| interval.threads[0].states.total()).sum();
        assert_eq!(total, Nanos(1_700));
    }

    #[test]
    fn a_thread_that_is_read_in_the_middle_of_a_sample_has_it_in_the_next_interval() {
        let mut torn = so_far(Metric::OnCpu, &[10, 20], EXITED);
        let mut intervals = Intervals::new(Nanos(0));
        intervals.end(Nanos(1), [], &[so_far(Metric::OnCpu, &[10], EXITED)]);
        torn.samples.values_mut().for_each(|samples| samples.count = 1);
        intervals.end(Nanos(2), [], &[torn]);
        let last = so_far(Metric::OnCpu, &[10, 20, 30], EXITED);
        intervals.end(Nanos(3), [&last], &[]);
        let counts: Vec<u64> = intervals
            .finish([last.serial])
            .iter()
            .map(|interval| {
                interval.threads.iter().flat_map(|part| part.histograms.values()).map(|one| one.count).sum()
            })
            .collect();
        assert_eq!(counts, [1, 0, 2]);
    }
}
