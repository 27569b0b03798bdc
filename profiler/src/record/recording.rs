//! Collects while the target runs, and turns everything into a profile's data at the end.

use super::reconcile::{self, Reference};
use super::{Rest, Source, ThreadRecord, assemble};
use crate::profile::Lost;
use crate::profile::reconciliation::Check;
use crate::profile::thread::{Thread, WithoutSlot};
use anyhow::Result;

/// A recording under way.
pub struct Recording<S> {
    source: S,
    records: Vec<ThreadRecord>,
}

/// What a recording found.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The threads, in the order of their start.
    pub threads: Vec<Thread>,
    /// The sums of threads without a slot.
    pub without_slot: Option<WithoutSlot>,
    /// The comparison with the kernel's counters.
    pub reconciliation: Vec<Check>,
    /// What was lost.
    pub lost: Lost,
}

impl<S: Source> Recording<S> {
    /// Starts collecting from a source.
    pub fn new(source: S) -> Self {
        Self { source, records: Vec::new() }
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

    /// Closes the recording. `reference` is what the kernel says of the run as a whole, if it says anything.
    ///
    /// # Errors
    /// If the source fails.
    pub fn finish(mut self, reference: Option<&Reference<'_>>) -> Result<Recorded> {
        let Rest { mut threads, without_slot, threads_without_state, missed_program_runs } =
            self.source.close()?;
        let mut records = self.records;
        records.append(&mut threads);
        records.sort_by_key(|record| (record.start_ns, record.pid, record.tid));
        let summed = assemble::without_slot(&without_slot);
        let reconciliation = reconcile::reconcile(&records, summed.as_ref(), reference);
        let clock_backwards =
            records.iter().map(|record| record.clock_backwards).sum::<u64>() + without_slot.clock_backwards;
        let samples_without_bucket = records
            .iter()
            .flat_map(|record| record.histograms.values())
            .chain(without_slot.metrics.values())
            .map(|histogram| histogram.without_bucket())
            .sum();
        let lost = Lost {
            samples_without_bucket,
            threads_without_slot: without_slot.threads,
            missed_program_runs,
            threads_without_state,
            clock_backwards,
        };
        let threads = records.into_iter().map(assemble::thread).collect();
        Ok(Recorded { threads, without_slot: summed, reconciliation, lost })
    }
}
