//! A profile prepared for the report: its title, and its histograms, merged once for all sections.

use super::groups::{self, Group};
use super::page::Page;
use super::style::Paint;
use super::titles::titles;
use super::units::{counted, size};
use super::wrap;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::machine::Machine;
use model::profile::units::Nanos;
use model::profile::{Profile, Workload};

/// A profile with values that several sections need.
pub(super) struct Subject<'a> {
    pub(super) profile: &'a Profile,
    pub(super) title: String,
    /// Histograms over all threads, by [`Metric::index`]. Threads without a slot add to exact totals only.
    pub(super) metrics: [Option<Histogram>; Metric::COUNT],
    /// The threads, one by one or by name.
    pub(super) groups: Vec<Group<'a>>,
}

impl<'a> Subject<'a> {
    pub(super) fn all(profiles: &[&'a Profile], threads: usize) -> Vec<Self> {
        profiles
            .iter()
            .zip(titles(profiles))
            .map(|(&profile, title)| {
                let groups = groups::of(profile, threads);
                // Merges the groups' histograms, which avoids a second pass over all threads' buckets.
                let metrics = Metric::ALL.map(|metric| {
                    Histogram::merged(groups.iter().filter_map(|group| group.histogram(metric)))
                });
                Self { profile, title, metrics, groups }
            })
            .collect()
    }

    pub(super) fn metric(&self, metric: Metric) -> Option<&Histogram> {
        self.metrics[metric.index()].as_ref()
    }

    /// Wall time of the target; as measured for getrusage, where that exists.
    pub(super) fn wall(&self) -> Nanos {
        self.profile.usage.as_ref().map_or(self.profile.run.wall_ns, |usage| usage.wall_ns)
    }

    /// The number of threads, including those without a slot.
    pub(super) fn thread_count(&self) -> u64 {
        let without_slot = self.profile.without_slot.as_ref().map_or(0, |rest| rest.threads);
        without_slot.saturating_add(self.profile.threads.len() as u64)
    }

    /// True if the target was killed by a signal or exited with a non-zero code.
    pub(super) fn failed(&self) -> bool {
        self.profile.run.signal.is_some() || self.profile.run.exit_code.is_some_and(|code| code != 0)
    }
}

/// Mean number of concurrent tasks over the workload's own wall time.
pub(super) fn effective_concurrency(workload: &Workload) -> Option<f64> {
    (workload.wall_ns.0 > 0).then(|| workload.task_time_ns.0 as f64 / workload.wall_ns.0 as f64)
}

/// Appends command, time and machine.
pub(super) fn header(page: &mut Page<'_>, subjects: &[Subject<'_>]) {
    let several = subjects.len() > 1;
    let label = |subject: &Subject<'_>| if several { subject.title.clone() } else { "command".to_owned() };
    let width = subjects.iter().map(|subject| wrap::width(&label(subject))).max().unwrap_or(0).max(8) + 2;
    for subject in subjects {
        let command = subject.profile.run.command.join(" ");
        let command = if command.is_empty() { "(was running already)".to_owned() } else { command };
        page.labelled(&label(subject), width, Paint::Strong, &command);
        if let Some(attached) = &subject.profile.run.attached {
            page.labelled("attached", width, Paint::Plain, &attached.describe());
        }
    }
    let mut machines: Vec<&Machine> = subjects.iter().map(|subject| &subject.profile.machine).collect();
    machines.dedup();
    for machine in machines {
        page.labelled("machine", width, Paint::Plain, &describe(machine));
    }
    if let Some(first) = subjects.first().map(|subject| subject.profile) {
        let recorded = format!("{} by {} {}", first.run.started_at, first.tool.name, first.tool.version);
        page.labelled("recorded", width, Paint::Plain, &recorded);
    }
}

fn describe(machine: &Machine) -> String {
    let known = [
        machine.cpu_model.clone(),
        machine.topology.threads.map(|threads| match machine.topology.cores {
            Some(cores) => format!("{} on {}", counted(threads.into(), "CPU"), counted(cores.into(), "core")),
            None => counted(threads.into(), "CPU"),
        }),
        machine.memory_bytes.map(|memory| size(memory.0 as f64)),
        machine
            .kernel
            .as_deref()
            .and_then(|kernel| kernel.split(' ').next())
            .map(|kernel| format!("Linux {kernel}")),
        machine.preemption.as_ref().map(|model| format!("preemption {model}")),
        machine.governor.as_ref().map(|governor| format!("governor {governor}")),
        machine.frequency_driver.as_ref().map(|driver| match &machine.frequency_driver_mode {
            Some(mode) => format!("{driver} ({mode})"),
            None => driver.clone(),
        }),
        machine.energy_preference.as_ref().map(|preference| format!("energy preference {preference}")),
        machine.smt_active.map(|active| format!("SMT {}", if active { "on" } else { "off" })),
    ];
    let known: Vec<String> = known.into_iter().flatten().collect();
    if known.is_empty() { "not known".to_owned() } else { known.join(", ") }
}
