//! A recording that goes on for weeks: processes join and leave, each a family with what it starts, and execs outside the
//! target are told of. What it keeps is bounded by the slots and families there are, not by what has ever lived.

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

/// Quiet walks after which there is nothing left to close: between the two every program that was at work on one of the
/// threads, or gave birth to one, has come to its end.
const QUIET_WALKS: u32 = 2;

/// After so many walks a record is closed whatever is under way: as when a recording is closed.
const PATIENCE: u32 = 16;

/// Walks at most, however many threads are born meanwhile.
const MOST_WALKS: u32 = 64;

/// The maps of families.
pub(super) struct Families {
    counts: Array<MapData, Family>,
    rules: Array<MapData, u32>,
    execs: RingBuf<MapData>,
}

impl Families {
    pub(super) fn take(ebpf: &mut Ebpf) -> Result<Self> {
        Ok(Self { counts: take(ebpf, "FAMILIES")?, rules: take(ebpf, "RULES")?, execs: take(ebpf, "EXECS")? })
    }

    fn rule(&mut self, family: u16, rules: u32) -> Result<()> {
        self.rules.set(family.into(), rules, 0).context("cannot tell the programs of a family")
    }
}

impl Session {
    /// Families there can be at a time; their numbers are 1 to this.
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

    /// Has processes join, each as a family whose number is free: `follows` if what they start joins too. Returns how many
    /// threads of each have, 0 for one that has ended.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub fn admit(&mut self, processes: &[(Living, u16, bool)]) -> Result<Vec<u64>> {
        let mut joined = Vec::new();
        for some in processes.chunks(CHOSEN_AT_ONCE as usize) {
            for &(process, family, follows) in some {
                self.families.rule(family, if follows { 0 } else { rule::THREADS_ONLY })?;
                self.choose(process, family)?;
            }
            self.join()?;
            for (process, ..) in some {
                joined.push(self.joined(*process)?);
                self.chosen.remove(&process.pid).context("cannot take back a choice")?;
            }
        }
        Ok(joined)
    }

    /// Has families leave, with all that their processes have started. Returns the records of their threads, which go on
    /// unrecorded.
    ///
    /// # Errors
    /// If the kernel refuses, or the records can't be read.
    pub fn release(&mut self, families: &BTreeSet<u16>) -> Result<Vec<ThreadRecord>> {
        if families.is_empty() {
            return Ok(Vec::new());
        }
        self.close_families(families)?;
        wait_for_programs();
        self.set_rules(families, rule::RELEASED | rule::FORGOTTEN)?;
        hooks::walk_tasks(&mut self.ebpf, RELEASE)?;
        self.set_rules(families, rule::RELEASED)?;
        let mut records = Vec::new();
        for number in 0..self.slots_used()? {
            let slot = self.slot_memory.read(number)?;
            let is_new = slot.until_ns != self.collected_until[number as usize];
            if slot.phase == phase::CLOSED && is_new && families.contains(&slot.family) {
                records.push(self.collect(number)?);
            }
        }
        Ok(records)
    }

    fn close_families(&mut self, families: &BTreeSet<u16>) -> Result<()> {
        let mut quiet = 0;
        self.set_rules(families, rule::RELEASED)?;
        for walk in 1..=MOST_WALKS {
            if walk == PATIENCE {
                self.set_rules(families, rule::RELEASED | rule::IMPATIENT)?;
            }
            let before = self.global()?.closings;
            hooks::walk_tasks(&mut self.ebpf, RELEASE)?;
            quiet = if self.global()?.closings == before { quiet + 1 } else { 0 };
            if quiet == QUIET_WALKS {
                return Ok(());
            }
            thread::sleep(PAUSE);
            wait_for_programs();
        }
        Ok(())
    }

    fn set_rules(&mut self, families: &BTreeSet<u16>, rules: u32) -> Result<()> {
        families.iter().try_for_each(|&family| self.families.rule(family, rules))
    }

    /// The programs' counts of a family. One without threads has no exit left that [`Source::collect_exited`] would
    /// not hand out now.
    ///
    /// [`Source::collect_exited`]: crate::record::Source::collect_exited
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub fn family(&self, family: u16) -> Result<Family> {
        self.families.counts.get(&family.into(), 0).context("cannot read the count of a family's threads")
    }

    /// The next process outside the target that has executed a program.
    pub fn next_exec(&mut self) -> Option<Executed> {
        let message = self.families.execs.next()?;
        let word = |from: usize| message.get(from..from + 4)?.first_chunk().copied().map(u32::from_ne_bytes);
        let (pid, low, high) = (word(0)?, word(8)?, word(12)?);
        let name = *message.get(16..)?.first_chunk()?;
        Some(Executed { pid, reserved: 0, start_ticks: u64::from(high) << 32 | u64::from(low), name })
    }

    /// Execs that were not announced so far.
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub fn missed_execs(&self) -> Result<u64> {
        Ok(self.global()?.missed_execs)
    }

    /// Becomes readable when a process outside the target has executed a program.
    #[must_use]
    pub fn execs(&self) -> BorrowedFd<'_> {
        self.families.execs.as_fd()
    }

    /// An interval has ended: threads without a record that live on are lost to the next one too.
    pub fn cut(&mut self) {
        self.unrecorded.cut();
    }

    /// Slots that are in use, of those there are.
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
