//! The lines of a figure: the groups of each profile, repeated runs of the same command as one.

use super::curve::Curve;
use crate::report::{printable, shortened, titles};
use crate::view::Subject;
use crate::view::series::{Group, Key};
use model::metric::Metric;
use model::profile::Profile;
use model::profile::histogram::Histogram;
use model::profile::thread::Thread;
use model::profile::units::Nanos;
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// So few runs are compared rather than taken for repetitions.
const FEWEST_REPEATED: usize = 3;

/// A longer name is no name that the kernel has.
const LONGEST_NAME: usize = 40;

/// The profiles that one line is made of: one, or the repeated runs of a command.
struct Runs {
    /// Their places.
    members: Vec<usize>,
    title: String,
}

/// One line: the distributions of a group, one a run.
pub(super) struct Line<'a> {
    /// The title of its run; empty if it is of several.
    pub(super) title: String,
    /// The name within its run.
    pub(super) own: String,
    /// The label in the figure.
    pub(super) label: String,
    runs: Vec<Cow<'a, Group<'a>>>,
}

impl Line<'_> {
    /// The distribution of a metric in each run that has one.
    pub(super) fn histograms(&self, metric: Metric) -> Vec<&Histogram> {
        self.runs.iter().filter_map(|group| group.histograms.get(&metric)).map(AsRef::as_ref).collect()
    }

    /// Their quantile function; `None` if no sample is in a bucket.
    pub(super) fn curve(&self, metric: Metric) -> Option<Curve> {
        Curve::of(&self.histograms(metric))
    }

    /// True if a sample of a metric is in a bucket.
    pub(super) fn has_buckets(&self, metric: Metric) -> bool {
        self.histograms(metric).iter().any(|histogram| !histogram.buckets.is_empty())
    }

    /// The threads of all runs.
    pub(super) fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.runs.iter().flat_map(|group| group.threads.iter().copied())
    }

    /// The number of its runs.
    pub(super) fn runs(&self) -> usize {
        self.runs.len()
    }

    /// Time in all of its samples.
    fn weight(&self) -> Nanos {
        self.runs.iter().map(|group| group.weight()).sum()
    }
}

/// The lines of a figure, at most `most`: those that stand for the least time are put together as the last.
///
/// With `each_run` no runs are joined.
pub(super) fn lines<'a>(subject: &'a Subject<'a>, each_run: bool, most: usize) -> Vec<Line<'a>> {
    let mut lines = all(subject, each_run);
    lines.retain(|line| line.runs.iter().any(|group| !group.histograms.is_empty()));
    fold(&mut lines, most);
    lines
}

/// The same of those that have a sample in a bucket, and the names of those that have none.
pub(super) fn with_buckets<'a>(
    subject: &'a Subject<'a>,
    each_run: bool,
    most: usize,
) -> (Vec<Line<'a>>, Vec<String>) {
    let has_any = |line: &Line<'_>| Metric::ALL.iter().any(|&metric| line.has_buckets(metric));
    let (mut lines, empty): (Vec<_>, Vec<_>) = all(subject, each_run).into_iter().partition(has_any);
    fold(&mut lines, most);
    (lines, empty.into_iter().map(|line| line.label).collect())
}

fn all<'a>(subject: &'a Subject<'a>, each_run: bool) -> Vec<Line<'a>> {
    let runs = repeated(subject.profiles, &subject.titles, each_run);
    let several = runs.len() > 1;
    let mut lines: Vec<Line<'a>> = Vec::new();
    for set in &runs {
        let mut places: BTreeMap<&Key, usize> = BTreeMap::new();
        for group in subject.groups.iter().filter(|group| set.members.contains(&group.run)) {
            match places.get(&group.key) {
                // A thread is never the same one in another run.
                Some(&place) if !matches!(group.key, Key::Thread { .. } | Key::Process { .. }) => {
                    lines[place].runs.push(Cow::Borrowed(group));
                }
                _ => {
                    let own = own_label(subject, &set.members, &set.title, group);
                    places.insert(&group.key, lines.len());
                    lines.push(Line {
                        title: set.title.clone(),
                        label: if several && group.key != Key::Run {
                            format!("{}: {own}", set.title)
                        } else {
                            own.clone()
                        },
                        own,
                        runs: vec![Cow::Borrowed(group)],
                    });
                }
            }
        }
    }
    lines
}

/// The label of a group without its run's title: a thread or process by its name alone if no other in
/// these runs has it.
pub(super) fn own_label(subject: &Subject<'_>, runs: &[usize], title: &str, group: &Group<'_>) -> String {
    let is_only_one = || {
        let others = subject.groups.iter().filter(|other| runs.contains(&other.run));
        others.filter(|other| other.key.name() == group.key.name()).count() == 1
    };
    let label = match &group.key {
        Key::Run => return title.to_owned(),
        Key::Thread { name, .. } | Key::Process { name, .. } if is_only_one() => {
            Key::Name(name.clone()).label()
        }
        // No two threads that live have the same number.
        Key::Thread { name, tid, .. } => format!("{} {tid}", Key::Name(name.clone()).label()),
        key => key.label(),
    };
    shortened(&printable(&label), LONGEST_NAME)
}

/// Three or more profiles of the same command on the same machine are repetitions.
fn repeated(profiles: &[&Profile], titles_of_all: &[String], each_run: bool) -> Vec<Runs> {
    let is_same = |one: &Profile, other: &Profile| {
        one.run.name == other.run.name && one.run.command == other.run.command && one.machine == other.machine
    };
    let mut sets: Vec<Vec<usize>> = Vec::new();
    for (place, profile) in profiles.iter().enumerate() {
        match sets.iter_mut().find(|set| !each_run && is_same(profiles[set[0]], profile)) {
            Some(set) => set.push(place),
            None => sets.push(vec![place]),
        }
    }
    let mut sets: Vec<Vec<usize>> = sets
        .into_iter()
        .flat_map(|set| {
            if set.len() < FEWEST_REPEATED {
                set.into_iter().map(|place| vec![place]).collect()
            } else {
                vec![set]
            }
        })
        .collect();
    sets.sort();
    if sets.iter().all(|set| set.len() == 1) {
        let single = |(place, title): (usize, &String)| Runs { members: vec![place], title: title.clone() };
        return titles_of_all.iter().enumerate().map(single).collect();
    }
    let first: Vec<&Profile> = sets.iter().map(|set| profiles[set[0]]).collect();
    sets.into_iter().zip(titles(&first)).map(|(members, title)| Runs { members, title }).collect()
}

fn fold(lines: &mut Vec<Line<'_>>, most: usize) {
    if lines.len() <= most {
        return;
    }
    let mut by_weight: Vec<usize> = (0..lines.len()).collect();
    by_weight.sort_by_key(|&place| Reverse(lines[place].weight()));
    let kept: BTreeSet<usize> = by_weight.into_iter().take(most.saturating_sub(1)).collect();
    let (own, rest): (Vec<_>, Vec<_>) =
        lines.drain(..).enumerate().partition(|(place, _)| kept.contains(place));
    let rest: Vec<Line<'_>> = rest.into_iter().map(|(_, line)| line).collect();
    let label = format!("{} others together", rest.len());
    let title = match rest.as_slice() {
        [first, others @ ..] if others.iter().all(|line| line.title == first.title) => first.title.clone(),
        _ => String::new(),
    };
    lines.extend(own.into_iter().map(|(_, line)| line));
    lines.extend(together(&rest).map(|group| Line {
        title,
        own: label.clone(),
        label,
        runs: vec![Cow::Owned(group)],
    }));
}

/// All samples of several lines as those of one group.
fn together<'a>(lines: &[Line<'a>]) -> Option<Group<'a>> {
    let groups: Vec<&Group<'a>> = lines.iter().flat_map(|line| line.runs.iter().map(AsRef::as_ref)).collect();
    Group::together(&groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::series::{GroupBy, Selection};
    use model::profile::fixture;

    fn labels(profiles: &[&Profile], group_by: GroupBy, each_run: bool, most: usize) -> Vec<(String, usize)> {
        let selection = Selection { metrics: Vec::new(), threads: None, group_by };
        let subject = Subject::new(profiles, &selection, false);
        lines(&subject, each_run, most).into_iter().map(|line| (line.label.clone(), line.runs())).collect()
    }

    fn named(labels: &[(String, usize)]) -> Vec<(&str, usize)> {
        labels.iter().map(|(label, runs)| (label.as_str(), *runs)).collect()
    }

    #[test]
    fn three_runs_of_a_command_are_one_line() {
        let (tokio, pool) = (fixture::tokio(), fixture::pool());
        let all = [&tokio, &pool, &tokio, &tokio];
        let joined = labels(&all, GroupBy::Run, false, 8);
        assert_eq!(named(&joined), [("tokio-workload", 3), ("thread-pool-workload", 1)]);
        let each = labels(&all, GroupBy::Run, true, 8);
        assert_eq!(each.len(), 4);
        assert_eq!(named(&each)[2], ("tokio-workload #2", 1));
    }

    #[test]
    fn two_runs_or_other_machines_are_compared() {
        let tokio = fixture::tokio();
        assert_eq!(labels(&[&tokio, &tokio], GroupBy::Run, false, 8).len(), 2);
        let mut elsewhere = fixture::tokio();
        elsewhere.machine.governor = Some("performance".to_owned());
        assert_eq!(labels(&[&tokio, &tokio, &elsewhere], GroupBy::Run, false, 8).len(), 3);
    }

    #[test]
    fn threads_of_a_name_are_found_in_every_run() {
        let tokio = fixture::tokio();
        let joined = labels(&[&tokio, &tokio, &tokio], GroupBy::Name, false, 8);
        assert_eq!(named(&joined), [("tokio-workload", 3), ("tokio-rt-worker", 3)]);
    }

    #[test]
    fn what_is_too_much_is_put_together_and_nothing_is_lost() {
        let crowded = fixture::crowded();
        let profiles = [&crowded];
        let selection = Selection { metrics: Vec::new(), threads: None, group_by: GroupBy::Thread };
        let subject = Subject::new(&profiles, &selection, false);
        let lines = lines(&subject, false, 8);
        assert_eq!(lines.len(), 8);
        assert_eq!(lines[7].label, "994 others together");
        let samples: u64 = lines
            .iter()
            .flat_map(|line| line.histograms(Metric::OnCpu))
            .map(|histogram| histogram.count)
            .sum();
        assert_eq!(samples, crowded.histogram(Metric::OnCpu).unwrap().count);
    }
}
