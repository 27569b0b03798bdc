//! The groups of an interval that is under way: what was added to threads, summed. Their number is bounded.

use super::batch::{Group, Key, OTHERS};
use super::config::{Part, SelectorConfig};
use crate::record::ThreadRecord;
use crate::record::deltas::Delta;
use crate::record::samples::Samples;
use model::losses::{Loss, LossCounts};
use model::metric::Metric;
use model::profile::interval::States;
use model::profile::units::{Nanos, total};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// A group that nothing was added to for so long gives its place to another.
const FORGET_AFTER: Duration = Duration::from_secs(3600);

/// The groups of one selector.
pub(super) struct Groups {
    label: Arc<str>,
    parts: BTreeSet<Part>,
    metrics: BTreeSet<Metric>,
    most: usize,
    /// The groups that have a place, and when something was last added to each.
    places: BTreeMap<Key, Nanos>,
    open: BTreeMap<Key, Open>,
    /// The threads that were added to a group in this interval and go on: they are counted once.
    counted: HashSet<u64>,
    lost: LossCounts,
}

/// A group of the interval that is under way.
#[derive(Default)]
struct Open {
    threads: u64,
    states: States,
    samples: BTreeMap<Metric, Samples<u64>>,
}

/// A closed interval.
#[derive(Default)]
pub(super) struct Closed {
    pub(super) groups: Vec<Group>,
    pub(super) lost: LossCounts,
}

impl Groups {
    pub(super) fn new(config: &SelectorConfig) -> Self {
        Self {
            label: config.label.as_str().into(),
            parts: config.group_by.clone(),
            metrics: config.metrics.iter().copied().map(Metric::from).collect(),
            most: config.max_groups,
            places: BTreeMap::new(),
            open: BTreeMap::new(),
            counted: HashSet::new(),
            lost: LossCounts::default(),
        }
    }

    /// Adds what was added to a thread of a process with a name; it `goes_on` if more may be added to it.
    pub(super) fn add(
        &mut self,
        record: &ThreadRecord,
        process: &Arc<str>,
        added: Delta,
        goes_on: bool,
        now: Nanos,
    ) {
        let wanted = self.key(record, process);
        let is_known = self.places.contains_key(&wanted) || self.places.len() < self.most;
        let key = if is_known { wanted } else { self.others() };
        let counted = &mut self.counted;
        let is_first = if goes_on { counted.insert(added.serial) } else { !counted.contains(&added.serial) };
        if is_known {
            self.places.insert(key.clone(), now);
        } else if is_first {
            self.lost[Loss::ThreadsInOthers] += 1;
        }
        let group = self.open.entry(key).or_default();
        group.threads += u64::from(is_first);
        group.states.add(&added.states);
        for (metric, samples) in &added.samples {
            if !self.metrics.contains(metric) {
                continue;
            }
            let lost = &mut self.lost[Loss::SamplesWithoutBucket];
            *lost = total([*lost, samples.without_bucket()]);
            match group.samples.get_mut(metric) {
                Some(sum) => sum.add(samples),
                None => drop(group.samples.insert(*metric, samples.into())),
            }
        }
    }

    fn key(&self, record: &ThreadRecord, process: &Arc<str>) -> Key {
        let tells_pids = self.parts.contains(&Part::Pid);
        Key {
            selector: self.label.clone(),
            process: (tells_pids || self.parts.contains(&Part::Process)).then(|| process.clone()),
            pid: tells_pids.then_some(record.pid),
            thread: self.parts.contains(&Part::Name).then(|| record.name.as_str().into()),
        }
    }

    /// The key for everything beyond `max_groups`.
    fn others(&self) -> Key {
        let tells_processes = self.parts.contains(&Part::Pid) || self.parts.contains(&Part::Process);
        Key {
            selector: self.label.clone(),
            process: tells_processes.then(|| OTHERS.into()),
            pid: None,
            thread: self.parts.contains(&Part::Name).then(|| OTHERS.into()),
        }
    }

    /// The groups so far of the interval that is under way.
    pub(super) fn so_far(&self) -> Closed {
        Closed {
            groups: self.open.iter().map(|(key, group)| group.as_of_now(key.clone())).collect(),
            lost: self.lost,
        }
    }

    /// Ends the interval.
    pub(super) fn close(&mut self, now: Nanos) -> Closed {
        let patience = FORGET_AFTER.as_nanos() as u64;
        self.places.retain(|_, last| now.0.saturating_sub(last.0) < patience);
        self.counted = HashSet::new();
        Closed {
            groups: std::mem::take(&mut self.open)
                .into_iter()
                .map(|(key, group)| group.as_of_now(key))
                .collect(),
            lost: std::mem::take(&mut self.lost),
        }
    }
}

impl Open {
    fn as_of_now(&self, key: Key) -> Group {
        let histograms = self.samples.iter().map(|(metric, samples)| (*metric, samples.to_histogram()));
        Group { key, threads: self.threads, states: self.states, histograms: histograms.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::deltas::Deltas;
    use crate::record::fixture::exited;

    fn groups(parts: &[Part], most: usize) -> Groups {
        let mut config = SelectorConfig::of_pids("web".to_owned(), vec![1]);
        config.group_by = parts.iter().copied().collect();
        config.max_groups = most;
        Groups::new(&config)
    }

    fn add(groups: &mut Groups, pid: u32, tid: u32, now: u64) {
        let record = exited(pid, tid);
        let added = Deltas::new(Nanos(0)).ended(&record).unwrap();
        groups.add(&record, &"server".into(), added, false, Nanos(now));
    }

    /// Process, pid, thread, and how many threads.
    type Row<'a> = (Option<&'a str>, Option<u32>, Option<&'a str>, u64);

    fn keys(closed: &Closed) -> Vec<Row<'_>> {
        let of = |group: &'_ Group| group.threads;
        let parts = closed.groups.iter().map(|group| {
            (group.key.process.as_deref(), group.key.pid, group.key.thread.as_deref(), of(group))
        });
        parts.collect()
    }

    #[test]
    fn threads_are_told_apart_by_the_parts_that_are_wanted() {
        let cases: [(&[Part], &[_]); 4] = [
            (&[], &[(None, None, None, 3)]),
            (&[Part::Process], &[(Some("server"), None, None, 3)]),
            (&[Part::Pid], &[(Some("server"), Some(1), None, 2), (Some("server"), Some(2), None, 1)]),
            (&[Part::Name], &[(None, None, Some("worker-7"), 1), (None, None, Some("worker-8"), 2)]),
        ];
        for (parts, expected) in cases {
            let mut groups = groups(parts, 10);
            for (pid, tid) in [(1, 8), (1, 7)] {
                add(&mut groups, pid, tid, 1);
            }
            let record = ThreadRecord { serial: 99, ..exited(2, 8) };
            let added = Deltas::new(Nanos(0)).ended(&record).unwrap();
            groups.add(&record, &"server".into(), added, false, Nanos(1));
            let closed = groups.close(Nanos(1));
            assert_eq!(keys(&closed), expected);
            let slices: u64 = closed.groups.iter().map(|group| group.histograms[&Metric::OnCpu].count).sum();
            assert_eq!(slices, 3 * 4);
        }
    }

    #[test]
    fn what_has_no_place_is_summed_and_counted_and_places_are_given_up() {
        let mut groups = groups(&[Part::Name], 1);
        (1..=3).for_each(|tid| add(&mut groups, 1, tid, 1));
        let closed = groups.close(Nanos(1));
        assert_eq!(keys(&closed), [(None, None, Some(OTHERS), 2), (None, None, Some("worker-1"), 1)]);
        assert_eq!(closed.lost[Loss::ThreadsInOthers], 2);
        assert_eq!(closed.groups[0].histograms[&Metric::Blocked].count, 2 * 2);
        let later = FORGET_AFTER.as_nanos() as u64 + 1;
        groups.close(Nanos(later));
        add(&mut groups, 1, 2, later);
        assert_eq!(keys(&groups.close(Nanos(later))), [(None, None, Some("worker-2"), 1)]);
    }

    #[test]
    fn a_metric_that_is_not_wanted_is_left_out() {
        let mut config = SelectorConfig::of_pids("web".to_owned(), vec![1]);
        config.metrics = [super::super::config::MetricName::Blocked].into();
        let mut groups = Groups::new(&config);
        add(&mut groups, 1, 1, 1);
        let closed = groups.close(Nanos(1));
        assert_eq!(closed.groups[0].histograms.keys().copied().collect::<Vec<_>>(), [Metric::Blocked]);
        assert!(closed.groups[0].states.on_cpu_ns > Nanos(0));
    }
}
