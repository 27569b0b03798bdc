//! The names of processes, which are those of their first threads.

use crate::record::ThreadRecord;
use crate::target::select;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Those of the processes that have threads in the target.
#[derive(Default)]
pub(super) struct Names {
    by_pid: BTreeMap<u32, Arc<str>>,
}

impl Names {
    /// Learns them from records, so that it does not matter which comes first.
    pub(super) fn learn(&mut self, records: &[ThreadRecord]) {
        for record in records.iter().filter(|record| record.tid == record.pid) {
            self.by_pid.insert(record.pid, record.name.as_str().into());
        }
    }

    /// The name of a thread's process; that of the process that was `chosen` where it is not known any more.
    pub(super) fn of(&mut self, record: &ThreadRecord, chosen: &str) -> Arc<str> {
        let known = self.by_pid.get(&record.pid);
        let is_first = record.tid == record.pid;
        if let Some(known) = known.filter(|known| !is_first || ***known == *record.name) {
            return known.clone();
        }
        let name: Arc<str> = if is_first {
            record.name.as_str().into()
        } else {
            select::name(record.pid).map_or_else(|| chosen.into(), Into::into)
        };
        self.by_pid.insert(record.pid, name.clone());
        name
    }

    /// Forgets all others.
    pub(super) fn keep(&mut self, pids: &BTreeSet<u32>) {
        self.by_pid.retain(|pid, _| pids.contains(pid));
    }
}
