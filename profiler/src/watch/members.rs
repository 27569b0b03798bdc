//! The processes that were chosen: each is a family with what it starts, and leaves when the last of these has ended.

use crate::kernel::session::{Family, Session};
use crate::target::select::Process;
use anyhow::Result;
use model::profile::units::total;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A process that was chosen.
pub(super) struct Member {
    /// The label of the selector that chose it.
    pub(super) label: Arc<str>,
    pub(super) process: Process,
    /// The value of [`Family::without_slot`] before it had this number.
    without_slot: u64,
    /// Threads of the family that were part of the target when they were last counted.
    pub(super) threads: u64,
}

/// All of them, by the number of their family.
#[derive(Default)]
pub(super) struct Members {
    all: BTreeMap<u16, Member>,
    last_number: u16,
}

impl Members {
    pub(super) fn get(&self, family: u16) -> Option<&Member> {
        self.all.get(&family)
    }

    pub(super) fn of<'a>(&'a self, label: &'a str) -> impl Iterator<Item = (u16, &'a Member)> {
        self.all
            .iter()
            .filter(move |(_, member)| &*member.label == label)
            .map(|(family, member)| (*family, member))
    }

    /// The number of processes.
    pub(super) fn processes(&self) -> u64 {
        self.all.len() as u64
    }

    /// Their threads, with those of what they have started, when they were last counted.
    pub(super) fn threads(&self) -> u64 {
        total(self.all.values().map(|member| member.threads))
    }

    pub(super) fn has(&self, process: &Process) -> bool {
        let is_it = |member: &Member| {
            (member.process.pid, member.process.start_ticks) == (process.pid, process.start_ticks)
        };
        self.all.values().any(is_it)
    }

    /// Numbers that no family has, at most so many. One whose last threads still have to leave their CPU is not free.
    pub(super) fn free(&mut self, session: &Session, most: usize) -> Result<Vec<(u16, Family)>> {
        let mut free = Vec::new();
        for _ in 0..Session::MOST_FAMILIES {
            if free.len() == most {
                break;
            }
            self.last_number = self.last_number % Session::MOST_FAMILIES + 1;
            if !self.all.contains_key(&self.last_number) {
                let counted = session.family(self.last_number)?;
                if counted.threads == 0 {
                    free.push((self.last_number, counted));
                }
            }
        }
        Ok(free)
    }

    pub(super) fn add(
        &mut self,
        (family, before): (u16, Family),
        label: Arc<str>,
        process: Process,
        threads: u64,
    ) {
        self.all.insert(family, Member { label, process, without_slot: before.without_slot, threads });
    }

    pub(super) fn remove(&mut self, families: &BTreeSet<u16>) {
        self.all.retain(|family, _| !families.contains(family));
    }

    /// Counts their threads. Returns those that have none left, and for each threads that found no slot since the last time.
    pub(super) fn count(&mut self, session: &Session) -> Result<Counted> {
        let mut counted = Counted::default();
        for (&family, member) in &mut self.all {
            let Family { threads, without_slot } = session.family(family)?;
            member.threads = threads;
            if threads == 0 {
                counted.ended.insert(family);
            }
            let more = without_slot - member.without_slot;
            if more > 0 {
                counted.without_slot.push((member.label.clone(), more));
                member.without_slot = without_slot;
            }
        }
        Ok(counted)
    }
}

/// Changes among the members.
#[derive(Default)]
pub(super) struct Counted {
    /// Families of which nothing is left.
    pub(super) ended: BTreeSet<u16>,
    /// Labels of selectors, and threads that found no slot.
    pub(super) without_slot: Vec<(Arc<str>, u64)>,
}
