//! The sums of all batches, by group: bounded in number, and forgotten when a group is gone.

use super::shape::{Samples, Shape};
use crate::watch::batch::{Batch, Group, Key, OTHERS};
use jiff::Timestamp;
use model::metric::Metric;
use model::profile::interval::States;
use model::profile::units::Nanos;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The bounds of the number of series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Groups of each selector that have series of their own.
    pub(super) groups: usize,
    /// A group to which nothing was added for this long is gone.
    pub(super) expire_after: Nanos,
}

/// The sums of all batches.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    pub(super) shape: Shape,
    limits: Limits,
    /// The length of all batches: the clock by which groups expire, which nobody sets.
    clock: Nanos,
    /// The start of the first batch and the end of the last one.
    pub(super) window: Option<(Timestamp, Timestamp)>,
    /// The number of batches.
    pub(super) batches: u64,
    /// By name.
    pub(super) selectors: BTreeMap<Arc<str>, Selector>,
}

/// The groups of a selector.
#[derive(Clone, Debug)]
pub(super) struct Selector {
    /// All that was ever added, of groups that are gone too: it never shrinks.
    pub(super) total: Series,
    /// The groups that have series of their own.
    pub(super) groups: BTreeMap<Key, Series>,
    /// The key of those beyond the limit.
    other: Key,
    /// The sum of these; `None` if there were none.
    rest: Option<Series>,
    /// The number of groups in the last batch.
    pub(super) in_other: u64,
    /// Groups that are gone.
    pub(super) expired: u64,
}

/// The sums of a group.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// The start of the first batch with it.
    pub(super) began: Timestamp,
    last: Nanos,
    /// Threads in the last batch; `None` if it was not in that.
    pub(super) threads: Option<u64>,
    pub(super) states: States,
    /// Metrics that have samples.
    pub(super) metrics: BTreeMap<Metric, Samples>,
}

impl Groups {
    pub(super) fn new(shape: Shape, limits: Limits) -> Self {
        Self { shape, limits, clock: Nanos(0), window: None, batches: 0, selectors: BTreeMap::new() }
    }

    /// The same without anything added yet.
    pub(super) fn emptied(&self) -> Self {
        Self::new(self.shape, self.limits)
    }

    /// Adds a batch, and forgets the groups that have been gone for long enough.
    pub(super) fn add(&mut self, batch: &Batch) {
        self.clock += batch.length_ns;
        self.batches += 1;
        let began = self.window.map_or(batch.from, |(began, _)| began);
        self.window = Some((began, batch.until));
        for selector in self.selectors.values_mut() {
            selector.begin_batch();
        }
        for group in &batch.groups {
            let selector = self
                .selectors
                .entry(Arc::clone(&group.key.selector))
                .or_insert_with(|| Selector::new(&group.key.selector, batch.from));
            selector.add(group, self.shape, self.limits.groups, (batch.from, self.clock));
        }
        for selector in self.selectors.values_mut() {
            selector.expire(self.clock, self.limits.expire_after);
        }
    }
}

impl Selector {
    fn new(name: &Arc<str>, began: Timestamp) -> Self {
        Self {
            total: Series::new(began),
            groups: BTreeMap::new(),
            other: Key { selector: Arc::clone(name), process: Some(OTHERS.into()), pid: None, thread: None },
            rest: None,
            in_other: 0,
            expired: 0,
        }
    }

    /// All series, each once.
    pub(super) fn series(&self) -> impl Iterator<Item = (&Key, &Series)> {
        self.groups.iter().chain(self.rest.as_ref().map(|rest| (&self.other, rest)))
    }

    fn begin_batch(&mut self) {
        self.in_other = 0;
        for series in self.groups.values_mut().chain(&mut self.rest).chain([&mut self.total]) {
            series.threads = None;
        }
    }

    /// `began` is when the batch did by the wall clock, `now` when it ended by [`Groups::clock`].
    fn add(&mut self, group: &Group, shape: Shape, limit: usize, (began, now): (Timestamp, Nanos)) {
        self.total.add(group, shape, now);
        let has_place = self.groups.len() < limit || self.groups.contains_key(&group.key);
        // A process may have that very name.
        let series = if has_place && group.key != self.other {
            self.groups.entry(group.key.clone()).or_insert_with(|| Series::new(began))
        } else {
            self.in_other += 1;
            self.rest.get_or_insert_with(|| Series::new(began))
        };
        series.add(group, shape, now);
    }

    fn expire(&mut self, now: Nanos, after: Nanos) {
        let lives = |series: &Series| now.0.saturating_sub(series.last.0) < after.0;
        let before = self.groups.len();
        self.groups.retain(|_, series| lives(series));
        self.expired += (before - self.groups.len()) as u64;
        self.rest.take_if(|rest| !lives(rest));
    }
}

impl Series {
    fn new(began: Timestamp) -> Self {
        Self { began, last: Nanos(0), threads: None, states: States::default(), metrics: BTreeMap::new() }
    }

    fn add(&mut self, group: &Group, shape: Shape, now: Nanos) {
        self.last = now;
        self.threads = Some(self.threads.unwrap_or(0).saturating_add(group.threads));
        let mut times = self.states.all();
        for (time, added) in times.iter_mut().zip(group.states.all()) {
            *time += added;
        }
        self.states = States::from_all(times);
        for (&metric, histogram) in &group.histograms {
            self.metrics.entry(metric).or_default().add(shape, histogram);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{batch, group};
    use super::super::shape::BucketFactor;
    use super::*;

    const SHAPE: Shape = Shape::Bounds(BucketFactor::Four);

    fn groups(limit: usize, expire_after: Nanos) -> Groups {
        Groups::new(SHAPE, Limits { groups: limit, expire_after })
    }

    fn count(series: &Series) -> u64 {
        series.metrics.values().map(|samples| samples.count).sum()
    }

    fn names(groups: &Groups) -> Vec<&str> {
        groups.selectors["web"].series().map(|(key, _)| key.process.as_deref().unwrap()).collect()
    }

    #[test]
    fn groups_beyond_the_limit_are_summed_and_nothing_is_lost() {
        let mut groups = groups(2, Nanos(u64::MAX));
        groups.add(&batch(0, &[group("a", 1), group("b", 2), group("c", 3), group("d", 4)]));
        assert_eq!(names(&groups), ["a", "b", OTHERS]);
        let selector = &groups.selectors["web"];
        assert_eq!(selector.series().map(|(_, series)| count(series)).collect::<Vec<_>>(), [1, 2, 7]);
        assert_eq!((count(&selector.total), selector.in_other), (10, 2));
        let threads: Vec<_> = selector.series().map(|(_, series)| series.threads).collect();
        assert_eq!(threads, [Some(1), Some(1), Some(2)]);
    }

    #[test]
    fn a_process_named_like_the_rest_is_part_of_it() {
        let mut groups = groups(5, Nanos(u64::MAX));
        groups.add(&batch(0, &[group(OTHERS, 1), group("a", 1)]));
        assert_eq!(names(&groups), ["a", OTHERS]);
    }

    #[test]
    fn a_group_that_is_gone_expires_and_stays_in_the_total() {
        let mut groups = groups(2, Nanos(2_000_000_000));
        groups.add(&batch(0, &[group("a", 1), group("b", 1), group("c", 1)]));
        groups.add(&batch(1, &[group("b", 1)]));
        assert_eq!(names(&groups), ["a", "b", OTHERS]);
        assert_eq!(groups.selectors["web"].groups.values().next().unwrap().threads, None);
        groups.add(&batch(2, &[group("b", 1)]));
        assert_eq!(names(&groups), ["b"]);
        let selector = &groups.selectors["web"];
        assert_eq!((selector.expired, count(&selector.total)), (1, 5));
        // Its place is free.
        groups.add(&batch(3, &[group("b", 1), group("d", 1)]));
        assert_eq!(names(&groups), ["b", "d"]);
        assert_eq!(groups.selectors["web"].groups.values().last().unwrap().began, batch(3, &[]).from);
    }
}
