//! Distributions over time: a histogram for each group, metric and interval with samples. A run without
//! intervals is a single interval.

use crate::view::series::Group;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::thread::Thread;
use model::profile::units::Nanos;
use model::profile::{Profile, interval};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// The intervals of a group and a metric, in order of time. Together they add up to the group's histogram.
pub(super) struct Series<'a> {
    pub(super) group: &'a Group<'a>,
    pub(super) metric: Metric,
    pub(super) intervals: Vec<Interval<'a>>,
}

/// A part of the run, in CLOCK_MONOTONIC time.
pub(super) struct Interval<'a> {
    pub(super) from_ns: Nanos,
    pub(super) until_ns: Nanos,
    pub(super) histogram: Cow<'a, Histogram>,
}

/// The series of these groups of a profile, in their order. Histograms without buckets are left out.
pub(super) fn intervals<'a>(profile: &'a Profile, groups: &[&'a Group<'a>]) -> Vec<Series<'a>> {
    let mut parts = parts(profile, groups);
    let mut all = Vec::new();
    for (index, &group) in groups.iter().enumerate() {
        for (&metric, histogram) in &group.histograms {
            let mut intervals = match profile.intervals.as_slice() {
                [] => vec![whole(profile, histogram)],
                _ => parts.remove(&(index, metric)).unwrap_or_default(),
            };
            intervals.retain(|interval| !interval.histogram.buckets.is_empty());
            all.push(Series { group, metric, intervals });
        }
    }
    all
}

fn whole<'a>(profile: &Profile, histogram: &'a Histogram) -> Interval<'a> {
    let from_ns = profile.run.started_ns;
    Interval { from_ns, until_ns: from_ns + profile.run.wall_ns, histogram: Cow::Borrowed(histogram) }
}

/// Intervals by index of the group and metric.
type Parts<'a> = BTreeMap<(usize, Metric), Vec<Interval<'a>>>;

fn parts<'a>(profile: &'a Profile, groups: &[&Group<'_>]) -> Parts<'a> {
    let group_of = group_of(profile, groups);
    let mut parts = Parts::new();
    for interval in &profile.intervals {
        let interval::Interval { from_ns, until_ns, .. } = *interval;
        for (key, histograms) in by_group(interval, &group_of) {
            let histogram = match histograms.as_slice() {
                [only] => Some(Cow::Borrowed(*only)),
                several => Histogram::merged(several.iter().copied()).map(Cow::Owned),
            };
            let made = histogram.map(|histogram| Interval { from_ns, until_ns, histogram });
            parts.entry(key).or_default().extend(made);
        }
    }
    parts
}

fn by_group<'a>(
    interval: &'a interval::Interval,
    group_of: &[Option<usize>],
) -> BTreeMap<(usize, Metric), Vec<&'a Histogram>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for part in &interval.threads {
        let Some(&Some(index)) = group_of.get(part.thread as usize) else { continue };
        for metric in Metric::ALL {
            if let Some(histogram) = part.histograms.get(metric.name()) {
                groups.entry((index, metric)).or_default().push(histogram);
            }
        }
    }
    groups
}

/// The index of each thread's group; `None` for threads that are not selected.
fn group_of(profile: &Profile, groups: &[&Group<'_>]) -> Vec<Option<usize>> {
    let members = groups.iter().enumerate().flat_map(|(index, group)| {
        group.threads.iter().map(move |&thread| (std::ptr::from_ref(thread), index))
    });
    let indices: HashMap<*const Thread, usize> = members.collect();
    profile.threads.iter().map(|thread| indices.get(&std::ptr::from_ref(thread)).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::series::{GroupBy, Selection, select};
    use model::profile::fixture;

    #[test]
    fn together_the_intervals_are_the_whole() {
        let mut profile = fixture::pool();
        for is_cut in [false, true] {
            if is_cut {
                fixture::cut_in_two(&mut profile);
            }
            for group_by in [GroupBy::Thread, GroupBy::Name, GroupBy::Process, GroupBy::Run] {
                let selection = Selection { metrics: Vec::new(), threads: None, group_by };
                let groups = select(&[&profile], &selection);
                let groups: Vec<&Group<'_>> = groups.iter().collect();
                let series = intervals(&profile, &groups);
                assert_eq!(series.len(), groups.iter().map(|group| group.histograms.len()).sum::<usize>());
                for Series { group, metric, intervals } in series {
                    assert!(intervals.is_sorted_by_key(|interval| interval.from_ns));
                    let together = Histogram::merged(intervals.iter().map(|interval| &*interval.histogram));
                    assert_eq!(together.unwrap().buckets, group.histograms[&metric].buckets);
                }
            }
        }
    }

    #[test]
    fn what_was_not_chosen_is_in_no_interval() {
        let mut profile = fixture::pool();
        fixture::cut_in_two(&mut profile);
        let name = profile.threads.last().unwrap().name.clone();
        let threads = Some(glob::Pattern::new(&name).unwrap());
        let selection = Selection { metrics: vec![Metric::Blocked], threads, group_by: GroupBy::Run };
        let groups = select(&[&profile], &selection);
        let groups: Vec<&Group<'_>> = groups.iter().collect();
        let series = intervals(&profile, &groups);
        let counted: u64 =
            series.iter().flat_map(|series| &series.intervals).map(|one| one.histogram.count).sum();
        assert_eq!(counted, profile.threads.last().unwrap().count(Metric::Blocked));
    }
}
