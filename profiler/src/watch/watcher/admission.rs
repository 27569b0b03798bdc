//! Processes that join: those that have executed a program, moved into a control group or got another name.

use super::Watcher;
use crate::kernel::load::Living;
use crate::outside_bytes::kernel_name;
use crate::target::select::{self, Process};
use anyhow::Result;
use model::outside_text::excerpt;
use std::sync::Arc;

/// Execs that are looked at before anything else has its turn: two thirds of what can wait.
const EXECS_AT_ONCE: usize = 1024;

impl Watcher {
    /// Has processes join that have executed a program, that have moved into a control group or that have got another name.
    /// Returns whether there are more.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn executed(&mut self) -> Result<bool> {
        let mut candidates = self.selectors.poll();
        let mut is_more = true;
        for _ in 0..EXECS_AT_ONCE {
            let Some(executed) = self.session.next_exec() else {
                is_more = false;
                break;
            };
            if self.selectors.may_match(executed.pid, &kernel_name(&executed.name)) {
                candidates.insert(executed.pid);
            }
        }
        let missed = self.session.missed_execs()?;
        let is_due = self.selectors.any_by_name() && self.scans.is_due();
        if missed != self.missed_execs || is_due || std::mem::take(&mut self.look_through) {
            self.missed_execs = missed;
            self.look_through()?;
        } else {
            self.admit(candidates)?;
        }
        Ok(is_more)
    }

    /// Compares all processes with the selectors.
    pub(super) fn look_through(&mut self) -> Result<()> {
        self.selectors.poll();
        self.selectors.iter_mut().for_each(|watched| watched.turned_away = 0);
        let selectors = &self.selectors;
        let by_name = selectors.any_by_name();
        let may_match = |pid: &u32| match by_name {
            true => select::running(*pid).is_some_and(|process| selectors.any_matches(&process)),
            // Most match nothing: that is found out without a look at more than their names.
            false => select::name(*pid).is_some_and(|name| selectors.may_match(*pid, &name)),
        };
        let pids: Vec<u32> =
            self.scans.take(|| Ok(select::all_pids()?.into_iter().filter(may_match).collect()))?;
        self.admit(pids)
    }

    /// Has those join that match a selector, as far as there is room.
    fn admit(&mut self, pids: impl IntoIterator<Item = u32>) -> Result<()> {
        let mut chosen: Vec<(Arc<str>, bool, Process)> = Vec::new();
        for process in pids.into_iter().filter_map(select::running) {
            if self.members.has(&process) {
                continue;
            }
            let Some(watched) = self.selectors.of(&process) else { continue };
            let label = watched.label.clone();
            let has =
                self.members.of(&label).count() + chosen.iter().filter(|(other, ..)| *other == label).count();
            if has < watched.config.max_processes {
                chosen.push((label, watched.config.follow, process));
            } else {
                watched.turned_away += 1;
            }
        }
        let free = self.members.free(&self.session, chosen.len())?;
        for (label, ..) in chosen.drain(free.len()..) {
            if let Some(watched) = self.selectors.get_mut(&label) {
                watched.turned_away += 1;
            }
        }
        let living = |process: &Process| Living { pid: process.pid, start_ticks: process.start_ticks };
        let joining: Vec<(Living, u16, bool)> = chosen
            .iter()
            .zip(&free)
            .map(|((_, follow, process), (family, _))| (living(process), *family, *follow))
            .collect();
        if joining.is_empty() {
            return Ok(());
        }
        let joined = self.session.admit(&joining)?;
        for (((label, _, process), place), threads) in chosen.into_iter().zip(free).zip(joined) {
            // It has ended meanwhile, or is part of the target already: somebody's child.
            if threads > 0 {
                let name = excerpt(&process.name);
                tracing::info!(selector = &*label, pid = process.pid, name, threads, "process joined");
                self.members.add(place, label, process, threads);
            }
        }
        Ok(())
    }
}
