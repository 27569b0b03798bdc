//! The lines of a figure: groups of each profile, with repeated runs of one command joined.

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

/// The fewest runs of one command that count as repetitions; fewer are compared.
const FEWEST_REPEATED: usize = 3;

/// The longest name, in characters: the kernel's are shorter.
const LONGEST_NAME: usize = 40;

/// The profiles behind one line: one, or the repeated runs of a command.
struct Runs {
    /// Indices of the profiles.
    members: Vec<usize>,
    title: String,
}

/// One line: the distributions of a group, one for each run.
pub(super) struct Line<'a> {
    /// The run's title; empty for repeated runs.
    pub(super) title: String,
    /// The name of the group.
    pub(super) own: String,
    /// The label in the figure.
    pub(super) label: String,
    runs: Vec<Cow<'a, Group<'a>>>,
}

impl Line<'_> {
    /// A metric's distribution in each run that has one.
    pub(super) fn histograms(&self, metric: Metric) -> Vec<&Histogram> {
        self.runs.iter().filter_map(|group| group.histograms.get(&metric)).map(AsRef::as_ref).collect()
    }

    /// The quantile function over all runs; `None` if no sample is in a bucket.
    pub(super) fn curve(&self, metric: Metric) -> Option<Curve> {
        Curve::of(&self.histograms(metric))
    }

    /// True if any sample of the metric is in a bucket.
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

    /// The total time of all samples.
    fn weight(&self) -> Nanos {
        self.runs.iter().map(|group| group.weight()).sum()
    }
}

/// The lines of a figure, at most `most`: those with the least time are merged into the last.
///
/// With `each_run`, repeated runs stay separate.
pub(super) fn lines<'a>(subject: &'a Subject<'a>, each_run: bool, most: usize) -> Vec<Line<'a>> {
    let mut lines = all(subject, each_run);
    lines.retain(|line| line.runs.iter().any(|group| !group.histograms.is_empty()));
    fold(&mut lines, most);
    lines
}

/// As [`lines`], for groups with a sample in a bucket; also the names of the others.
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
        let mut indices: BTreeMap<&Key, usize> = BTreeMap::new();
        for group in subject.groups.iter().filter(|group| set.members.contains(&group.run)) {
            match indices.get(&group.key) {
                // Threads and processes of different runs are never the same.
                Some(&index) if !matches!(group.key, Key::Thread { .. } | Key::Process { .. }) => {
                    lines[index].runs.push(Cow::Borrowed(group));
                }
                _ => {
                    let own = own_label(subject, &set.members, &set.title, group);
                    indices.insert(&group.key, lines.len());
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

/// Row label, without the run's title. Threads and processes are labelled by name alone when the name is unique
/// in these runs.
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
        // A tid is unique among living threads.
        Key::Thread { name, tid, .. } => format!("{} {tid}", Key::Name(name.clone()).label()),
        key => key.label(),
    };
    shortened(&printable(&label), LONGEST_NAME)
}

/// Groups profiles: three or more of the same command on the same machine are repetitions.
fn repeated(profiles: &[&Profile], titles_of_all: &[String], each_run: bool) -> Vec<Runs> {
    let is_same = |one: &Profile, other: &Profile| {
        one.run.name == other.run.name && one.run.command == other.run.command && one.machine == other.machine
    };
    let mut sets: Vec<Vec<usize>> = Vec::new();
    for (index, profile) in profiles.iter().enumerate() {
        match sets.iter_mut().find(|set| !each_run && is_same(profiles[set[0]], profile)) {
            Some(set) => set.push(index),
            None => sets.push(vec![index]),
        }
    }
    let mut sets: Vec<Vec<usize>> = sets
        .into_iter()
        .flat_map(|set| {
            if set.len() < FEWEST_REPEATED {
                set.into_iter().map(|index| vec![index]).collect()
            } else {
                vec![set]
            }
        })
        .collect();
    sets.sort();
    if sets.iter().all(|set| set.len() == 1) {
        let single = |(index, title): (usize, &String)| Runs { members: vec![index], title: title.clone() };
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
    by_weight.sort_by_key(|&index| Reverse(lines[index].weight()));
    let kept: BTreeSet<usize> = by_weight.into_iter().take(most.saturating_sub(1)).collect();
    let (own, rest): (Vec<_>, Vec<_>) =
        lines.drain(..).enumerate().partition(|(index, _)| kept.contains(index));
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

/// Merges several lines into one group.
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
