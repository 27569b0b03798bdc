//! The data of the view as of the last refresh. Its size is bounded by the living threads, the last
//! [`MOST_ENDED`] ended ones, and [`HISTORY`] values of each.

use super::column::{Column, Values, values};
use super::feed::{Added, Frame, Known, Standing, ThreadUpdate};
use crate::record::assemble::Seen;
use crate::record::{End, ThreadRecord};
use crate::report::printable;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::interval::States;
use model::profile::thread::{BlockedOn, OpenState};
use model::profile::units::Nanos;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// Intervals kept as history.
pub const HISTORY: usize = 60;

/// Intervals for which an ended thread stays visible.
pub const SHOWN_AFTER_END: u64 = 10;

/// The most ended threads visible at a time; the earliest are dropped first.
pub const MOST_ENDED: usize = 1_000;

/// The identity of a row, stable across changes of name and reuse of pids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// The thread with this [`ThreadRecord::serial`].
    Thread(u64),
    /// The process with this pid.
    Process(u32),
}

/// The state of a thread at a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// In a state that a metric measures.
    State(OpenState),
    /// Woken, and not yet on a CPU.
    Woken,
    /// Ended.
    Ended,
    /// Left the target alive; its state is unknown.
    Left,
}

impl Doing {
    fn of(record: &ThreadRecord, is_final: bool) -> Self {
        match record.end {
            End::Exited { .. } => Self::Ended,
            End::Open { .. } if is_final => Self::Left,
            // A wake before the block does not count: the thread was still on its CPU.
            End::Open { state: OpenState::Blocked, since_ns, woken_ns: Some(woken), .. }
                if woken >= since_ns =>
            {
                Self::Woken
            }
            End::Open { state, .. } => Self::State(state),
        }
    }

    /// A description of at most nine characters.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::State(state) => state.label(),
            Self::Woken => "woken",
            Self::Ended => "ended",
            Self::Left => "left",
        }
    }

    /// True if the record is final.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Left)
    }
}

/// The values of the last intervals, newest last.
///
/// A missing value is NaN. f32 has more digits than a column shows; [`Values`] would take four times the
/// memory, 19 MB for 2000 threads.
#[derive(Clone, Debug, Default)]
pub struct History(VecDeque<[f32; Column::COUNT]>);

impl History {
    fn push(&mut self, values: Values) {
        if self.0.len() == HISTORY {
            self.0.pop_front();
        }
        self.0.push_back(values.map(|value| value.map_or(f32::NAN, |value| value as f32)));
    }

    /// The values of one column.
    pub fn of(&self, column: Column) -> impl DoubleEndedIterator<Item = Option<f64>> {
        self.0.iter().map(move |values| {
            let value = f64::from(values[column.index()]);
            (!value.is_nan()).then_some(value)
        })
    }
}

/// A thread.
#[derive(Clone, Debug)]
pub struct Thread {
    /// The whole record.
    pub record: ThreadRecord,
    /// The printable name.
    pub name: Arc<str>,
    /// The state at the refresh.
    pub doing: Doing,
    /// Switches, times and samples of the last interval.
    pub added: Added,
    /// Figures of the last interval.
    pub values: Values,
    /// Figures of the last intervals, including this one.
    pub history: History,
    /// The number of the refresh at which it had ended.
    ended_at: Option<u64>,
}

/// The sum of a process's threads.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// The number of living threads.
    pub threads: u64,
    /// Switches, times and samples of the last interval.
    pub added: Added,
    /// Figures of the last interval.
    pub values: Values,
    /// Figures of the last intervals, including this one.
    pub history: History,
}

/// The data of the view.
#[derive(Clone, Debug)]
pub struct Model {
    /// Threads by serial; shared with the paused copy.
    pub threads: BTreeMap<u64, Arc<Thread>>,
    /// Processes by pid; empty unless rows are processes.
    pub processes: BTreeMap<u32, Process>,
    /// Printable names of processes.
    names: HashMap<u32, Arc<str>>,
    /// Printable labels of the daemon's selectors that matched them.
    selectors: HashMap<u32, Arc<str>>,
    /// Start of the view.
    pub begun: Nanos,
    /// Time of the last refresh.
    pub until: Nanos,
    /// Length of the last interval.
    pub length: Nanos,
    /// Number of refreshes.
    pub refreshes: u64,
    /// State of the recording as a whole.
    pub standing: Standing,
    /// Ended threads no longer in `threads`.
    pub gone: u64,
    /// Living threads.
    pub living: usize,
    /// Processes of living threads.
    pub living_processes: usize,
}

impl Model {
    /// An empty model; `names` are those of processes known before.
    #[must_use]
    pub fn new(begun: Nanos, names: impl IntoIterator<Item = (u32, String)>) -> Self {
        let names = names.into_iter().map(|(pid, name)| (pid, printable(&name).into())).collect();
        let standing = Standing { lives: true, ..Standing::default() };
        Self {
            threads: BTreeMap::new(),
            processes: BTreeMap::new(),
            names,
            selectors: HashMap::new(),
            begun,
            until: begun,
            length: Nanos(0),
            refreshes: 0,
            standing,
            gone: 0,
            living: 0,
            living_processes: 0,
        }
    }

    /// Takes the data of a refresh; `by_process` to sum processes, too.
    pub fn take(&mut self, frame: Frame, by_process: bool) {
        let Frame { from, until, threads, processes, standing } = frame;
        self.length = Nanos(until.0.saturating_sub(from.0));
        (self.until, self.standing) = (until, standing);
        self.refreshes += 1;
        for (pid, Known { name, selector }) in processes {
            self.names.insert(pid, printable(&name).into());
            self.selectors.insert(pid, printable(&selector).into());
        }
        for update in threads {
            self.take_thread(update);
        }
        self.remove_ended();
        let living = || self.threads.values().filter(|thread| !thread.doing.is_over());
        let pids: BTreeSet<u32> = living().map(|thread| thread.record.pid).collect();
        (self.living, self.living_processes) = (living().count(), pids.len());
        if by_process {
            self.sum_processes(true);
        } else {
            self.processes.clear();
        }
    }

    fn take_thread(&mut self, ThreadUpdate { record, is_final, added }: ThreadUpdate) {
        if record.pid == record.tid {
            self.names.insert(record.pid, printable(&record.name).into());
        }
        let (doing, values) = (Doing::of(&record, is_final), values(&added, self.length));
        let ended_at = doing.is_over().then_some(self.refreshes);
        let name: Arc<str> = printable(&record.name).into();
        let known = self.threads.entry(record.serial).or_insert_with(|| {
            let (record, name, added) = (record.clone(), Arc::clone(&name), Added::default());
            Arc::new(Thread { record, name, doing, added, values, history: History::default(), ended_at })
        });
        // Copies the thread if a paused view still shares it.
        let thread = Arc::make_mut(known);
        thread.history.push(values);
        (thread.record, thread.name, thread.added) = (record, name, added);
        (thread.doing, thread.values, thread.ended_at) = (doing, values, ended_at);
    }

    fn remove_ended(&mut self) {
        let mut ended: Vec<(u64, u64)> =
            self.threads.iter().filter_map(|(serial, thread)| Some((thread.ended_at?, *serial))).collect();
        ended.sort_unstable();
        let too_many = ended.len().saturating_sub(MOST_ENDED);
        for (index, (at, serial)) in ended.into_iter().enumerate() {
            let age = self.refreshes - at;
            if index < too_many || age >= SHOWN_AFTER_END {
                self.threads.remove(&serial);
                self.gone += 1;
            } else if age > 0
                && let Some(thread) = self.threads.get_mut(&serial)
            {
                // The thread is not in this frame: nothing was added.
                let thread = Arc::make_mut(thread);
                (thread.added, thread.values) = (Added::default(), Values::default());
                thread.history.push(Values::default());
            }
        }
        let threads = &self.threads;
        if self.names.len() > 2 * threads.len() + MOST_ENDED {
            let pids: BTreeSet<u32> = threads.values().map(|thread| thread.record.pid).collect();
            self.names.retain(|pid, _| pids.contains(pid));
            self.selectors.retain(|pid, _| pids.contains(pid));
        }
    }

    /// Sums the threads of each process; `is_new` after a new interval, which extends the history.
    pub fn sum_processes(&mut self, is_new: bool) {
        let mut before = std::mem::take(&mut self.processes);
        let mut members: BTreeMap<u32, Vec<&Thread>> = BTreeMap::new();
        for thread in self.threads.values() {
            members.entry(thread.record.pid).or_default().push(thread);
        }
        for (pid, threads) in members {
            let added = summed(threads.iter().map(|thread| &thread.added));
            let values = values(&added, self.length);
            let mut history = before.remove(&pid).map(|process| process.history).unwrap_or_default();
            if is_new || history.0.is_empty() {
                history.push(values);
            }
            let living = threads.iter().filter(|thread| !thread.doing.is_over()).count() as u64;
            self.processes.insert(pid, Process { threads: living, added, values, history });
        }
    }

    /// The name of a process.
    #[must_use]
    pub fn process_name(&self, pid: u32) -> Option<&Arc<str>> {
        self.names.get(&pid)
    }

    /// The label of the selector that matched a process.
    #[must_use]
    pub fn selector(&self, pid: u32) -> Option<&Arc<str>> {
        self.selectors.get(&pid)
    }

    /// The threads that a row stands for.
    pub fn members(&self, identity: Identity) -> impl Iterator<Item = &Thread> + Clone {
        let (one, all) = match identity {
            Identity::Thread(serial) => (self.threads.get(&serial), None),
            Identity::Process(pid) => {
                let is_member = move |thread: &&Arc<Thread>| thread.record.pid == pid;
                (None, Some(self.threads.values().filter(is_member)))
            }
        };
        one.into_iter().chain(all.into_iter().flatten()).map(Arc::as_ref)
    }
}

/// The sum of what was added to several threads.
pub fn summed<'a>(parts: impl Iterator<Item = &'a Added> + Clone) -> Added {
    let seen = summed_seen(parts.clone().map(|part| part.seen));
    let mut states = States::default().all();
    for part in parts.clone() {
        states.iter_mut().zip(part.states.all()).for_each(|(sum, more)| *sum += more);
    }
    let histograms = merged(parts.map(|part| &part.histograms));
    Added { seen, states: States::from_all(states), histograms }
}

/// The sum of several threads' switches and faults.
pub fn summed_seen(parts: impl Iterator<Item = Seen>) -> Seen {
    parts.fold(Seen::default(), |sum, more| Seen {
        voluntary_switches: sum.voluntary_switches + more.voluntary_switches,
        involuntary_switches: sum.involuntary_switches + more.involuntary_switches,
        minor_faults: sum.minor_faults + more.minor_faults,
        major_faults: sum.major_faults + more.major_faults,
    })
}

/// Merged histograms of several threads, by metric.
pub fn merged<'a>(
    parts: impl Iterator<Item = &'a BTreeMap<Metric, Histogram>> + Clone,
) -> BTreeMap<Metric, Histogram> {
    let of = |metric| Histogram::merged(parts.clone().filter_map(|part| part.get(&metric)));
    Metric::ALL.into_iter().filter_map(|metric| Some((metric, of(metric)?))).collect()
}

/// System calls that several threads were blocked on, largest sum first.
pub fn blocked_on<'a>(threads: impl Iterator<Item = &'a Thread>) -> Vec<BlockedOn> {
    let mut sums: BTreeMap<&str, BlockedOn> = BTreeMap::new();
    for wait in threads.flat_map(|thread| &thread.record.blocked_on) {
        sums.entry(&wait.syscall)
            .and_modify(|sum| {
                sum.count += wait.count;
                sum.sum_ns += wait.sum_ns;
                sum.max_ns = sum.max_ns.max(wait.max_ns);
            })
            .or_insert_with(|| wait.clone());
    }
    let mut all: Vec<BlockedOn> = sums.into_values().collect();
    all.sort_by(|a, b| b.sum_ns.cmp(&a.sum_ns).then_with(|| a.syscall.cmp(&b.syscall)));
    all
}

#[cfg(test)]
mod tests;
