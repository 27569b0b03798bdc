//! The watch itself: has processes join and leave, and sums what is added to their threads. `admission` finds who
//! joins, `frames` is for who looks on.

mod admission;
mod frames;

use super::batch::{Batch, Group, Key};
use super::config::{SelectorConfig, WatchConfig};
use super::members::Members;
use super::names::Names;
use super::scans::Scans;
use super::selectors::{Selectors, Watched};
use super::status::{SelectorStatus, WatchStatus};
use super::viewer::{Shared, Viewers, Who};
use crate::clock::monotonic_now;
use crate::kernel::session::Session;
use crate::record::deltas::Deltas;
use crate::record::{Source as _, ThreadRecord};
use crate::target::select;
use anyhow::Result;
use jiff::Timestamp;
use model::losses::{Loss, LossCounts};
use model::profile::units::{Nanos, total};
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// A machine that is watched.
pub struct Watcher {
    session: Session,
    selectors: Selectors,
    members: Members,
    names: Names,
    deltas: Deltas,
    viewers: Viewers,
    /// The start of the current interval, by the wall clock.
    begun: Timestamp,
    /// Groups of the interval that is under way whose selectors are gone.
    left: Vec<Group>,
    /// Selectors that are being taken out.
    gone: Vec<Watched>,
    /// The losses of the current interval so far that the session does not count.
    lost: LossCounts,
    /// The session's losses at the start of the current interval.
    lost_before: LossCounts,
    /// Execs that were missed when all processes were last looked through.
    missed_execs: u64,
    /// True if a process was turned away, and there may be room for it now.
    look_through: bool,
    scans: Scans,
}

impl Watcher {
    /// Starts to watch, with nobody chosen.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn start(config: &WatchConfig) -> Result<Self> {
        select::check_proc()?;
        let session = Session::watch(&config.settings()?)?;
        Ok(Self {
            lost_before: session.lost()?,
            session,
            selectors: Selectors::default(),
            members: Members::default(),
            names: Names::default(),
            deltas: Deltas::new(monotonic_now()?),
            viewers: Viewers::default(),
            begun: Timestamp::now(),
            left: Vec::new(),
            gone: Vec::new(),
            lost: LossCounts::default(),
            missed_execs: 0,
            look_through: false,
            scans: Scans::new(),
        })
    }

    /// Takes on the selectors of a configuration. Who belongs to one that has not changed stays with it.
    ///
    /// # Errors
    /// If one is not valid, and then nothing has changed; or if the kernel refuses.
    pub fn select(&mut self, configs: &[SelectorConfig]) -> Result<()> {
        let gone = self.selectors.replace(configs)?;
        self.part_with(gone)?;
        self.look_through()
    }

    /// Adds a selector, until it is taken out or the daemon ends. Returns how many processes it has.
    ///
    /// # Errors
    /// If it is not valid or names a process by a number that none has, or the kernel refuses.
    pub fn attach(&mut self, config: SelectorConfig) -> Result<usize> {
        select::check_pids(config.pid.as_deref().unwrap_or_default())?;
        let label = config.label.clone();
        self.selectors.add(config)?;
        self.look_through()?;
        Ok(self.members.of(&label).count())
    }

    /// Takes a selector out: its processes leave, with all that they have started. Returns how many there were.
    ///
    /// # Errors
    /// If there is none, or the kernel refuses.
    pub fn detach(&mut self, label: &str) -> Result<usize> {
        let processes = self.members.of(label).count();
        let watched = self.selectors.remove(label)?;
        self.part_with(vec![watched])?;
        self.look_through()?;
        Ok(processes)
    }

    /// Their processes leave. What was added to them is in the interval that is under way.
    fn part_with(&mut self, gone: Vec<Watched>) -> Result<()> {
        let families = gone.iter().flat_map(|watched| self.members.of(&watched.label));
        let families: BTreeSet<u16> = families.map(|(family, _)| family).collect();
        self.gone = gone;
        self.collect()?;
        let records = self.session.release(&families)?;
        let now = monotonic_now()?;
        records.into_iter().for_each(|record| self.add_final(record, now));
        // Their last exits may still be waiting.
        self.collect()?;
        self.members.remove(&families);
        for mut watched in std::mem::take(&mut self.gone) {
            let closed = watched.groups.close(now);
            self.left.extend(closed.groups);
            self.lost += closed.lost;
        }
        Ok(())
    }

    /// Adds what was added to a thread whose record is final.
    fn add_final(&mut self, mut record: ThreadRecord, now: Nanos) {
        let name = self.name_of(&record);
        let added = self.deltas.taken(&mut record, true);
        let Some(member) = self.members.get(record.family) else { return };
        self.viewers.end(&record, added.as_ref(), Who { selector: &member.label, process: &name });
        let Some(added) = added else { return };
        let is_its = |watched: &&mut Watched| watched.label == member.label;
        let gone = self.gone.iter_mut().find(is_its);
        if let Some(watched) = gone.or_else(|| self.selectors.get_mut(&member.label)) {
            watched.groups.add(&record, &name, added, false, now);
        }
    }

    /// Becomes readable when [`Self::executed`] has something to do.
    #[must_use]
    pub fn execs(&self) -> BorrowedFd<'_> {
        self.session.execs()
    }

    /// Becomes readable when [`Self::collect`] must not wait: slots may run short.
    #[must_use]
    pub fn exits(&self) -> BorrowedFd<'_> {
        use std::os::fd::AsFd as _;
        self.session.as_fd()
    }

    /// Takes the threads that have ended, so that their slots are free again, and the processes.
    ///
    /// # Errors
    /// If they can't be read.
    pub fn collect(&mut self) -> Result<()> {
        // In this order: the last exit of a family without threads is there to be collected.
        let counted = self.members.count(&self.session)?;
        let ended = self.session.collect_exited()?;
        self.names.learn(&ended);
        let now = monotonic_now()?;
        for record in ended {
            self.lost[Loss::ClockBackwards] += record.clock_backwards;
            self.add_final(record, now);
        }
        for (label, threads) in counted.without_slot {
            if let Some(watched) = self.selectors.get_mut(&label) {
                watched.threads_without_slot += threads;
            }
        }
        self.look_through |=
            !counted.ended.is_empty() && self.selectors.iter().any(|watched| watched.turned_away > 0);
        self.members.remove(&counted.ended);
        Ok(())
    }

    /// Adds what was added until now to the interval that is under way, and to what each viewer will see; `seen_by` is the
    /// one whose frame this is for. Returns the moment.
    fn take_snapshot(&mut self, seen_by: Option<&Shared>) -> Result<Nanos> {
        self.collect()?;
        let Self { session, selectors, members, names, deltas, viewers, .. } = self;
        let mut pids = BTreeSet::new();
        let now = session.take_snapshot(|mut record, now| {
            pids.insert(record.pid);
            let Some(member) = members.get(record.family) else { return };
            let process = names.of(&record, &member.process.name);
            let added = deltas.taken(&mut record, false);
            let who = Who { selector: &member.label, process: &process };
            viewers.see(&record, added.as_ref(), who, now, seen_by);
            if let (Some(added), Some(watched)) = (added, selectors.get_mut(&member.label)) {
                watched.groups.add(&record, &process, added, true, now);
            }
        })?;
        names.keep(&pids);
        Ok(now)
    }

    /// The growth in the current interval, until now.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn so_far(&mut self) -> Result<Batch> {
        let now = self.take_snapshot(None)?;
        let mut lost = self.lost_until_now(self.session.lost()?);
        let mut groups = BTreeMap::new();
        merge(&mut groups, self.left.iter().cloned());
        for watched in self.selectors.iter() {
            let open = watched.groups.so_far();
            merge(&mut groups, open.groups);
            lost += open.lost;
        }
        let length_ns = Nanos(now.0.saturating_sub(self.deltas.begun().0));
        let groups = groups.into_values().collect();
        Ok(Batch { from: self.begun, until: Timestamp::now(), length_ns, groups, lost })
    }

    /// Ends the interval that is under way.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn end_interval(&mut self) -> Result<Batch> {
        let now = self.take_snapshot(None)?;
        let losses = self.session.lost()?;
        self.session.cut();
        let mut lost = self.lost_until_now(losses);
        (self.lost, self.lost_before) = (LossCounts::default(), losses);
        let mut groups = BTreeMap::new();
        merge(&mut groups, std::mem::take(&mut self.left));
        for watched in self.selectors.iter_mut() {
            let closed = watched.groups.close(now);
            merge(&mut groups, closed.groups);
            lost += closed.lost;
        }
        let (from_ns, until_ns) = self.deltas.cut(now);
        let until = Timestamp::now();
        let from = std::mem::replace(&mut self.begun, until);
        let length_ns = Nanos(until_ns.0.saturating_sub(from_ns.0));
        Ok(Batch { from, until, length_ns, groups: groups.into_values().collect(), lost })
    }

    fn lost_until_now(&self, now: LossCounts) -> LossCounts {
        let mut lost = now - self.lost_before;
        lost += self.lost;
        lost
    }

    fn name_of(&mut self, record: &ThreadRecord) -> Arc<str> {
        let chosen = self.members.get(record.family).map_or("", |member| &member.process.name);
        self.names.of(record, chosen)
    }

    /// Processes that are watched, and their threads with those of what they have started: of what is known already,
    /// unlike [`status`](Self::status), which looks at every slot.
    #[must_use]
    pub fn size(&self) -> (u64, u64) {
        (self.members.processes(), self.members.threads())
    }

    /// The selectors with their processes, and the slots in use.
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub fn status(&mut self) -> Result<WatchStatus> {
        self.collect()?;
        let (slots_used, slots) = self.session.slots()?;
        let selectors = self.selectors.iter().map(|watched| {
            let members = || self.members.of(&watched.label).map(|(_, member)| member);
            SelectorStatus {
                selector: watched.config.clone(),
                temporary: watched.is_temporary,
                processes: members().count() as u64,
                threads: total(members().map(|member| member.threads)),
                processes_turned_away: watched.turned_away,
                threads_without_slot: watched.threads_without_slot,
                problem: watched.problem.clone(),
            }
        });
        let selectors = selectors.collect();
        Ok(WatchStatus {
            interval_begun: self.begun,
            slots_used,
            slots,
            selectors,
            lost: self.lost_until_now(self.session.lost()?),
        })
    }
}

/// Puts groups together that have the same key.
fn merge(into: &mut BTreeMap<Key, Group>, groups: impl IntoIterator<Item = Group>) {
    for group in groups {
        match into.get_mut(&group.key) {
            Some(sum) => sum.add(group),
            None => drop(into.insert(group.key.clone(), group)),
        }
    }
}
