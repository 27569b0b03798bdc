//! Rows of the tables of threads: single threads, or threads with a common name.

use super::units::count;
use super::wrap::shortened;
use model::metric::Metric;
use model::outside_text::printable;
use model::profile::Profile;
use model::profile::histogram::Histogram;
use model::profile::thread::{BlockedOn, Open, Thread, Waits, WithoutSlot};
use model::profile::units::{Nanos, total};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// A row: one thread, or the sum of several.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub(super) label: String,
    metrics: [Option<Cow<'a, Histogram>>; Metric::COUNT],
    pub(super) voluntary_switches: u64,
    pub(super) involuntary_switches: u64,
    pub(super) minor_faults: u64,
    pub(super) major_faults: u64,
    /// `None` if unknown for any thread.
    pub(super) faults_without_latency: Option<u64>,
    pub(super) migrations: u64,
    pub(super) runnable_idle: Option<Waits>,
    pub(super) throttled: Option<Waits>,
    pub(super) unattributed_wait: Option<Waits>,
    /// States of threads still alive at the end.
    pub(super) open: Vec<Open>,
    /// Longest sum first.
    pub(super) blocked_on: Vec<BlockedOn>,
}

/// The sum of waits that have no histogram.
fn waits(threads: &[&Thread], of: fn(&Thread) -> Option<Waits>) -> Option<Waits> {
    summed(threads.iter().filter_map(|thread| of(thread)))
}

/// The sum of several threads' waits.
pub(super) fn summed(waits: impl Iterator<Item = Waits>) -> Option<Waits> {
    waits.reduce(|a, b| Waits {
        count: a.count.saturating_add(b.count),
        sum_ns: a.sum_ns + b.sum_ns,
        max_ns: a.max_ns.max(b.max_ns),
    })
}

/// The rows of a profile, ordered by the start of their first thread.
///
/// Above `most` threads, threads whose names differ only in a trailing number share a row. If there are still
/// too many rows, those with the least CPU time share the last.
pub(super) fn of(profile: &Profile, most: usize) -> Vec<Group<'_>> {
    let several_processes =
        profile.threads.iter().map(|thread| thread.pid).collect::<BTreeSet<_>>().len() > 1;
    let threads: Vec<&Thread> = profile.threads.iter().collect();
    let mut groups: Vec<Group<'_>> = if threads.len() > most {
        by_name(&threads, most.max(1))
            .into_iter()
            .map(|(name, members)| match members.as_slice() {
                [only] => Group::of(own_label(only, several_processes), &members),
                _ => {
                    Group::of(format!("{} ({} threads)", shown(&name), count(members.len() as u64)), &members)
                }
            })
            .collect()
    } else {
        threads.iter().map(|&thread| Group::of(own_label(thread, several_processes), &[thread])).collect()
    };
    groups.extend(profile.without_slot.as_ref().map(Group::without_slot));
    groups
}

fn own_label(thread: &Thread, several_processes: bool) -> String {
    let name = if thread.name.is_empty() { "(no name)" } else { &shown(&thread.name) };
    if several_processes {
        format!("{name} {}/{}", thread.pid, thread.tid)
    } else {
        format!("{name} {}", thread.tid)
    }
}

/// A name as row label, cut to the longest name that the kernel has (15 bytes of a thread, under 40 of a system
/// call): rows are padded to the longest label, and a damaged profile may hold any text.
pub(super) fn shown(name: &str) -> String {
    const LONGEST: usize = 40;
    shortened(&printable(name), LONGEST)
}

/// Groups threads by name without number, in at most `most` rows.
fn by_name<'a>(threads: &[&'a Thread], most: usize) -> Vec<(String, Vec<&'a Thread>)> {
    let mut rows: Vec<(String, Vec<&Thread>)> = Vec::new();
    let mut indices: HashMap<&str, usize> = HashMap::new();
    for &thread in threads {
        let stem = stem(&thread.name);
        let index = *indices.entry(stem).or_insert_with(|| {
            rows.push((stem.to_owned(), Vec::new()));
            rows.len() - 1
        });
        rows[index].1.push(thread);
    }
    for (name, members) in &mut rows {
        match members.first() {
            Some(first) if members.iter().all(|member| member.name == first.name) => {
                name.clone_from(&first.name)
            }
            _ => name.push('*'),
        }
    }
    fold_the_rest(&mut rows, most);
    rows
}

/// A name without its trailing number.
fn stem(name: &str) -> &str {
    let stem = name.trim_end_matches(|character: char| character.is_ascii_digit());
    if stem.is_empty() { name } else { stem }
}

fn fold_the_rest(rows: &mut Vec<(String, Vec<&Thread>)>, most: usize) {
    if rows.len() <= most {
        return;
    }
    let cpu = |members: &[&Thread]| members.iter().map(|member| member.sum(Metric::OnCpu)).sum::<Nanos>();
    let mut by_cpu: Vec<(Nanos, usize)> =
        rows.iter().enumerate().map(|(index, (_, members))| (cpu(members), index)).collect();
    by_cpu.sort_unstable_by(|a, b| b.cmp(a));
    let kept: BTreeSet<usize> = by_cpu.iter().take(most - 1).map(|&(_, index)| index).collect();
    let mut rest = Vec::new();
    let mut index = 0;
    rows.retain_mut(|(_, members)| {
        let keep = kept.contains(&index);
        index += 1;
        if !keep {
            rest.append(members);
        }
        keep
    });
    rows.push(("other names".to_owned(), rest));
}

impl<'a> Group<'a> {
    fn of(label: String, threads: &[&'a Thread]) -> Self {
        let sum = |figure: fn(&Thread) -> u64| total(threads.iter().map(|thread| figure(thread)));
        Self {
            label,
            metrics: Metric::ALL.map(|metric| merged(threads, metric)),
            voluntary_switches: sum(|thread| thread.voluntary_switches),
            involuntary_switches: sum(|thread| thread.involuntary_switches),
            minor_faults: sum(|thread| thread.minor_faults),
            major_faults: sum(|thread| thread.major_faults),
            faults_without_latency: Some(sum(|thread| thread.faults_without_latency)),
            migrations: sum(|thread| thread.migrations),
            runnable_idle: waits(threads, |thread| thread.runnable_idle),
            throttled: waits(threads, |thread| thread.throttled),
            unattributed_wait: waits(threads, |thread| thread.unattributed_wait),
            open: threads.iter().filter_map(|thread| thread.open).collect(),
            blocked_on: blocked_on(threads),
        }
    }

    fn without_slot(rest: &'a WithoutSlot) -> Self {
        Self {
            label: format!("without slot ({} threads)", count(rest.threads)),
            metrics: Metric::ALL.map(|metric| rest.metrics.get(metric.name()).map(Cow::Borrowed)),
            voluntary_switches: rest.voluntary_switches,
            involuntary_switches: rest.involuntary_switches,
            minor_faults: rest.minor_faults,
            major_faults: rest.major_faults,
            migrations: rest.kernel.migrations,
            ..Self::default()
        }
    }

    pub(super) fn histogram(&self, metric: Metric) -> Option<&Histogram> {
        self.metrics[metric.index()].as_deref()
    }
}

fn merged<'a>(threads: &[&'a Thread], metric: Metric) -> Option<Cow<'a, Histogram>> {
    match threads {
        [only] => only.histogram(metric).map(Cow::Borrowed),
        _ => Histogram::merged(threads.iter().filter_map(|thread| thread.histogram(metric))).map(Cow::Owned),
    }
}

fn blocked_on(threads: &[&Thread]) -> Vec<BlockedOn> {
    let mut sums: BTreeMap<&str, BlockedOn> = BTreeMap::new();
    for wait in threads.iter().flat_map(|thread| &thread.blocked_on) {
        match sums.get_mut(wait.syscall.as_str()) {
            None => {
                sums.insert(&wait.syscall, wait.clone());
            }
            Some(sum) => {
                sum.count = sum.count.saturating_add(wait.count);
                sum.sum_ns += wait.sum_ns;
                sum.max_ns = sum.max_ns.max(wait.max_ns);
            }
        }
    }
    let mut sums: Vec<BlockedOn> = sums.into_values().collect();
    sums.sort_by_key(|sum| std::cmp::Reverse(sum.sum_ns));
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::fixture;

    fn labels(profile: &Profile, most: usize) -> Vec<String> {
        of(profile, most).into_iter().map(|group| group.label).collect()
    }

    #[test]
    fn few_threads_have_a_row_each() {
        let profile = fixture::pool();
        let labels = labels(&profile, 7);
        assert_eq!(labels.len(), 7);
        assert_eq!(labels[1], "pool-worker-0 4101");
    }

    #[test]
    fn many_threads_share_a_row_by_name() {
        let mut profile = fixture::pool();
        assert_eq!(labels(&profile, 6), ["thread-pool-wor 4100", "pool-worker-* (6 threads)"]);
        for thread in &mut profile.threads {
            thread.name = "same".to_owned();
        }
        assert_eq!(labels(&profile, 6), ["same (7 threads)"]);
    }

    #[test]
    fn a_row_is_the_sum_of_its_threads() {
        let profile = fixture::pool();
        let groups = of(&profile, 6);
        let workers = &profile.threads[1..];
        let slices: u64 = workers.iter().map(|thread| thread.count(Metric::OnCpu)).sum();
        let histogram = groups[1].histogram(Metric::OnCpu).unwrap();
        assert_eq!((histogram.count, histogram.bucketed()), (slices, slices));
        let waits: u64 = workers.iter().flat_map(|thread| &thread.blocked_on).map(|wait| wait.count).sum();
        assert_eq!(groups[1].blocked_on.iter().map(|wait| wait.count).sum::<u64>(), waits);
        assert_eq!(groups[1].blocked_on.len(), 2);
    }

    #[test]
    fn too_many_names_share_the_last_row() {
        let mut profile = fixture::pool();
        for (number, thread) in profile.threads.iter_mut().enumerate() {
            thread.name = format!("name{}", ["a", "b", "c", "d", "e", "f", "g"][number]);
        }
        let labels = labels(&profile, 3);
        assert_eq!(labels.len(), 3);
        assert_eq!(labels[2], "other names (5 threads)");
    }

    #[test]
    fn with_several_processes_the_pid_is_shown() {
        let mut profile = fixture::pool();
        profile.threads[1].pid = 5000;
        assert_eq!(labels(&profile, 16)[1], "pool-worker-0 5000/4101");
    }

    #[test]
    fn threads_without_a_slot_have_a_row() {
        let profile = fixture::overfull();
        assert_eq!(labels(&profile, 16).last().map(String::as_str), Some("without slot (12 threads)"));
    }
}
