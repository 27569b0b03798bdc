//! A recording that goes on for weeks: process trees join and leave, and execs outside the target are reported. Its
//! memory is bounded by the numbers of slots and trees, not by the threads that have ever lived.

use super::{PAUSE, Session, take, wait_for_programs};
use crate::kernel::hooks;
use crate::kernel::load::{self, Living, Target};
use crate::kernel::memory::Access;
use crate::kernel::probes::Wanted;
use crate::kernel::probes::attach::CHOSEN_AT_ONCE;
use crate::kernel::probes::daemon::RELEASE;
use crate::record::ThreadRecord;
use crate::settings::Settings;
use anyhow::{Context as _, Result};
use aya::maps::{Array, MapData, RingBuf};
use aya::{Btf, Ebpf};
pub use profiler_ebpf::layout::{Executed, Family};
use profiler_ebpf::layout::{FAMILIES, phase, rule};
use std::collections::BTreeSet;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::thread;

/// Consecutive passes without anything to close after which all is closed: between the two, every program that was at
/// work on one of the threads, or attached a newborn thread, has returned.
const QUIET_PASSES: u32 = 2;

/// Passes after which a record is closed even during a switch: as when a recording is closed.
const PATIENCE: u32 = 16;

/// Maximum number of passes, however many threads are born meanwhile.
const MOST_PASSES: u32 = 64;

/// The maps of process trees.
pub(super) struct Trees {
    counts: Array<MapData, Family>,
    rules: Array<MapData, u32>,
    execs: RingBuf<MapData>,
}

impl Trees {
    pub(super) fn take(ebpf: &mut Ebpf) -> Result<Self> {
        Ok(Self { counts: take(ebpf, "FAMILIES")?, rules: take(ebpf, "RULES")?, execs: take(ebpf, "EXECS")? })
    }

    fn rule(&mut self, tree: u16, rules: u32) -> Result<()> {
        self.rules
            .set(tree.into(), rules, 0)
            .context("cannot set the rules of a process tree in the BPF programs")
    }
}

impl Session {
    /// Maximum number of process trees at a time; their numbers are 1 to this.
    pub const MOST_FAMILIES: u16 = FAMILIES as u16 - 1;

    /// Starts a recording without a target.
    ///
    /// # Errors
    /// If the kernel refuses a map, a program or a hook.
    pub fn watch(settings: &Settings) -> Result<Self> {
        let btf = Btf::from_sys_fs().context("cannot read the kernel's type information")?;
        let wanted = Wanted {
            limits: settings.limits,
            follow: settings.follow,
            living: 0,
            snapshots: true,
            watches: true,
            throttles_queues: false,
        };
        let mut session = Self::attached(load::load(Target::default(), wanted, &btf)?, Access::Take, &btf)?;
        // Tells the programs in which pid namespace this process is: from here on execs are announced.
        session.join()?;
        Ok(session)
    }

    /// Attaches to processes, each a tree with a free number: its children join too if `follows`. Returns the number of
    /// threads of each that were attached to, 0 for a process that has ended.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn admit(&mut self, processes: &[(Living, u16, bool)]) -> Result<Vec<u64>> {
        let mut joined = Vec::new();
        for some in processes.chunks(CHOSEN_AT_ONCE as usize) {
            for &(process, tree, follows) in some {
                self.trees.rule(tree, if follows { 0 } else { rule::THREADS_ONLY })?;
                self.choose(process, tree)?;
            }
            self.join()?;
            for (process, ..) in some {
                joined.push(self.joined(*process)?);
                self.chosen.remove(&process.pid).context("cannot take back a choice")?;
            }
        }
        Ok(joined)
    }

    /// Releases process trees. Returns the records of their threads, which go on unrecorded.
    ///
    /// # Errors
    /// If the kernel refuses, or the records can't be read.
    pub fn release(&mut self, trees: &BTreeSet<u16>) -> Result<Vec<ThreadRecord>> {
        if trees.is_empty() {
            return Ok(Vec::new());
        }
        self.close_trees(trees)?;
        wait_for_programs();
        self.set_rules(trees, rule::RELEASED | rule::FORGOTTEN)?;
        hooks::walk_tasks(&mut self.ebpf, RELEASE)?;
        self.set_rules(trees, rule::RELEASED)?;
        let mut records = Vec::new();
        for number in 0..self.slots_used()? {
            let slot = self.slot_memory.read(number)?;
            let is_new = slot.until_ns != self.collected_until[number as usize];
            if slot.phase == phase::CLOSED && is_new && trees.contains(&slot.family) {
                records.push(self.collect(number)?);
            }
        }
        Ok(records)
    }

    fn close_trees(&mut self, trees: &BTreeSet<u16>) -> Result<()> {
        let mut quiet = 0;
        self.set_rules(trees, rule::RELEASED)?;
        for pass in 1..=MOST_PASSES {
            if pass == PATIENCE {
                self.set_rules(trees, rule::RELEASED | rule::IMPATIENT)?;
            }
            let before = self.global()?.closings;
            hooks::walk_tasks(&mut self.ebpf, RELEASE)?;
            quiet = if self.global()?.closings == before { quiet + 1 } else { 0 };
            if quiet == QUIET_PASSES {
                return Ok(());
            }
            thread::sleep(PAUSE);
            wait_for_programs();
        }
        Ok(())
    }

    fn set_rules(&mut self, trees: &BTreeSet<u16>, rules: u32) -> Result<()> {
        trees.iter().try_for_each(|&tree| self.trees.rule(tree, rules))
    }

    /// Returns the programs' counts of a process tree. Of a tree without threads, [`Source::collect_exited`] returns
    /// every exit by now.
    ///
    /// [`Source::collect_exited`]: crate::record::Source::collect_exited
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub fn family(&self, tree: u16) -> Result<Family> {
        self.trees.counts.get(&tree.into(), 0).context("cannot read the count of a process tree's threads")
    }

    /// Takes the next exec of a process outside the target.
    pub fn next_exec(&mut self) -> Option<Executed> {
        let message = self.trees.execs.next()?;
        let word = |from: usize| message.get(from..from + 4)?.first_chunk().copied().map(u32::from_ne_bytes);
        let (pid, low, high) = (word(0)?, word(8)?, word(12)?);
        let name = *message.get(16..)?.first_chunk()?;
        Some(Executed { pid, reserved: 0, start_ticks: u64::from(high) << 32 | u64::from(low), name })
    }

    /// Returns the number of execs that were not reported so far.
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub fn missed_execs(&self) -> Result<u64> {
        Ok(self.global()?.missed_execs)
    }

    /// Becomes readable when a process outside the target has executed a program.
    #[must_use]
    pub fn execs(&self) -> BorrowedFd<'_> {
        self.trees.execs.as_fd()
    }

    /// Ends an interval: threads without a record that live on are lost to the next one too.
    pub fn cut(&mut self) {
        self.unrecorded.cut();
    }

    /// Returns the numbers of slots in use and of all slots.
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub fn slots(&self) -> Result<(u32, u32)> {
        let mut in_use = 0;
        for number in 0..self.slots_used()? {
            let slot = self.slot_memory.read(number)?;
            let is_collected = slot.until_ns == self.collected_until[number as usize];
            in_use += u32::from(slot.phase == phase::LIVE || (slot.phase != phase::FREE && !is_collected));
        }
        Ok((in_use, self.serials.len() as u32))
    }
}
