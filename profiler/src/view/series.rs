//! Series for exports and figures: the distributions of the chosen metrics, for each thread, name, process or run.

use glob::Pattern;
use model::metric::Metric;
use model::profile::Profile;
use model::profile::histogram::Histogram;
use model::profile::thread::{Thread, WithoutSlot};
use model::profile::units::Nanos;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The kind of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// One for each thread
    Thread,
    /// One for each name that threads have
    Name,
    /// One for each process
    Process,
    /// One for each profile
    Run,
}

impl GroupBy {
    /// Every kind of row.
    pub const ALL: &'static [Self] = &[Self::Thread, Self::Name, Self::Process, Self::Run];

    /// As it is typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Name => "name",
            Self::Process => "process",
            Self::Run => "run",
        }
    }
}

/// The choice of threads and metrics.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Only these metrics; all of them if empty.
    pub metrics: Vec<Metric>,
    /// Only threads whose name matches.
    pub threads: Option<Pattern>,
    /// The kind of the rows.
    pub group_by: GroupBy,
}

/// Threads that are shown as one, and their distributions.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    /// The position of its profile among the given profiles.
    pub run: usize,
    /// The key.
    pub key: Key,
    /// The threads in it; none if they had no slots.
    pub threads: Vec<&'a Thread>,
    /// The chosen metrics that have samples. Those of threads without a slot have no buckets.
    pub histograms: BTreeMap<Metric, Cow<'a, Histogram>>,
}

/// The key of a group. Unique within its run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A thread. A number can be used again, so its start belongs to it.
    Thread {
        /// Process id.
        pid: u32,
        /// Thread id.
        tid: u32,
        /// The time at which the kernel created it.
        start_ns: Nanos,
        /// Its last name.
        name: String,
    },
    /// Threads of one name, of whatever process.
    Name(String),
    /// Threads of one process.
    Process {
        /// Process id.
        pid: u32,
        /// The name of the thread that the process began with, or of the first that was recorded.
        name: String,
    },
    /// All threads of a run.
    Run,
    /// The threads of a run that got no slot.
    WithoutSlot,
}

impl<'a> Group<'a> {
    /// Time in all of its samples.
    #[must_use]
    pub fn weight(&self) -> Nanos {
        self.histograms.values().map(|histogram| histogram.sum_ns).sum()
    }

    /// All samples of several groups as those of one, which has the key of the first; `None` if there is no first.
    #[must_use]
    pub fn together(groups: &[&Self]) -> Option<Self> {
        let first = groups.first()?;
        let merged = |metric: Metric| {
            let all = groups.iter().filter_map(|group| group.histograms.get(&metric)).map(AsRef::as_ref);
            Some((metric, Cow::Owned(Histogram::merged(all)?)))
        };
        Some(Self {
            run: first.run,
            key: first.key.clone(),
            threads: groups.iter().flat_map(|group| group.threads.iter().copied()).collect(),
            histograms: Metric::ALL.into_iter().filter_map(merged).collect(),
        })
    }
}

/// The groups of all profiles, those of one profile together, each in the order in which its first thread started.
#[must_use]
pub fn select<'a>(profiles: &[&'a Profile], selection: &Selection) -> Vec<Group<'a>> {
    profiles.iter().enumerate().flat_map(|(run, profile)| of_run(run, profile, selection)).collect()
}

fn of_run<'a>(run: usize, profile: &'a Profile, selection: &Selection) -> Vec<Group<'a>> {
    let is_chosen =
        |thread: &&Thread| selection.threads.as_ref().is_none_or(|pattern| pattern.matches(&thread.name));
    let mut order: Vec<Key> = Vec::new();
    let mut members: BTreeMap<Key, Vec<&Thread>> = BTreeMap::new();
    for thread in profile.threads.iter().filter(is_chosen) {
        let key = key(profile, thread, selection.group_by);
        if !members.contains_key(&key) {
            order.push(key.clone());
        }
        members.entry(key).or_default().push(thread);
    }
    let mut groups: Vec<Group<'a>> = order
        .into_iter()
        .filter_map(|key| {
            let threads = members.remove(&key)?;
            let histograms = merged(&threads, &selection.metrics);
            Some(Group { run, key, threads, histograms })
        })
        .collect();
    // Their names are not known, so no pattern matches them.
    if selection.threads.is_none() {
        groups.extend(profile.without_slot.as_ref().map(|rest| without_slot(run, rest, &selection.metrics)));
    }
    groups
}

fn key(profile: &Profile, thread: &Thread, group_by: GroupBy) -> Key {
    let Thread { pid, tid, start_ns, .. } = *thread;
    match group_by {
        GroupBy::Thread => Key::Thread { pid, tid, start_ns, name: thread.name.clone() },
        GroupBy::Name => Key::Name(thread.name.clone()),
        GroupBy::Process => {
            let own = || profile.threads.iter().filter(|other| other.pid == pid);
            let leader = own().find(|other| other.tid == pid).or_else(|| own().next()).unwrap_or(thread);
            Key::Process { pid, name: leader.name.clone() }
        }
        GroupBy::Run => Key::Run,
    }
}

fn is_chosen(metric: Metric, metrics: &[Metric]) -> bool {
    metrics.is_empty() || metrics.contains(&metric)
}

fn merged<'a>(threads: &[&'a Thread], metrics: &[Metric]) -> BTreeMap<Metric, Cow<'a, Histogram>> {
    let chosen = Metric::ALL.into_iter().filter(|&metric| is_chosen(metric, metrics));
    chosen
        .filter_map(|metric| {
            let mut all = threads.iter().filter_map(|thread| thread.histogram(metric));
            let histogram = match (all.next(), all.next()) {
                (first, None) => Cow::Borrowed(first?),
                _ => {
                    let all = threads.iter().filter_map(|thread| thread.histogram(metric));
                    Cow::Owned(Histogram::merged(all)?)
                }
            };
            Some((metric, histogram))
        })
        .collect()
}

fn without_slot<'a>(run: usize, rest: &'a WithoutSlot, metrics: &[Metric]) -> Group<'a> {
    let chosen = Metric::ALL.into_iter().filter(|&metric| is_chosen(metric, metrics));
    let histograms =
        chosen.filter_map(|metric| Some((metric, Cow::Borrowed(rest.metrics.get(metric.name())?)))).collect();
    Group { run, key: Key::WithoutSlot, threads: Vec::new(), histograms }
}

impl Key {
    /// For a person: short, and not always unique.
    #[must_use]
    pub fn label(&self) -> String {
        let shown = |name: &str| if name.is_empty() { "(no name)".to_owned() } else { name.to_owned() };
        match self {
            Self::Thread { pid, tid, name, .. } if pid == tid => format!("{} {tid}", shown(name)),
            Self::Thread { pid, tid, name, .. } => format!("{} {pid}/{tid}", shown(name)),
            Self::Name(name) => shown(name),
            Self::Process { pid, name } => format!("{} {pid}", shown(name)),
            Self::Run => "all threads".to_owned(),
            Self::WithoutSlot => "threads without a slot".to_owned(),
        }
    }

    /// The process, where it is one.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match *self {
            Self::Thread { pid, .. } | Self::Process { pid, .. } => Some(pid),
            _ => None,
        }
    }

    /// The thread, where it is one.
    #[must_use]
    pub fn tid(&self) -> Option<u32> {
        if let Self::Thread { tid, .. } = *self { Some(tid) } else { None }
    }

    /// The time of its creation, where it is a thread.
    #[must_use]
    pub fn start_ns(&self) -> Option<Nanos> {
        if let Self::Thread { start_ns, .. } = *self { Some(start_ns) } else { None }
    }

    /// The name that its threads have, where they have one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Thread { name, .. } | Self::Process { name, .. } | Self::Name(name) => Some(name),
            Self::Run | Self::WithoutSlot => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::fixture;

    fn selection(group_by: GroupBy) -> Selection {
        Selection { metrics: Vec::new(), threads: None, group_by }
    }

    fn samples(groups: &[Group<'_>]) -> u64 {
        groups.iter().flat_map(|group| group.histograms.values()).map(|histogram| histogram.count).sum()
    }

    #[test]
    fn however_it_is_grouped_every_sample_is_in_one_group() {
        let (one, two) = (fixture::tokio(), fixture::overfull());
        let profiles = [&one, &two];
        let all = samples(&select(&profiles, &selection(GroupBy::Thread)));
        let threads = one.threads.iter().chain(&two.threads).flat_map(|thread| thread.histograms.values());
        let rest = two.without_slot.iter().flat_map(|rest| rest.metrics.values());
        assert_eq!(all, threads.chain(rest).map(|histogram| histogram.count).sum::<u64>());
        for group_by in [GroupBy::Name, GroupBy::Process, GroupBy::Run] {
            assert_eq!(samples(&select(&profiles, &selection(group_by))), all, "{group_by:?}");
        }
    }

    #[test]
    fn only_what_is_chosen_is_there() {
        let profile = fixture::tokio();
        let name = profile.threads[0].name.clone();
        let chosen = Selection {
            metrics: vec![Metric::Blocked],
            threads: Some(Pattern::new(&name).unwrap()),
            group_by: GroupBy::Thread,
        };
        let groups = select(&[&profile], &chosen);
        assert!(!groups.is_empty());
        for group in &groups {
            assert_eq!(group.key.name(), Some(name.as_str()));
            assert!(group.histograms.keys().all(|&metric| metric == Metric::Blocked));
        }
    }
}
