//! The life of a recording: load, attach, collect what has exited, close, collect the rest.

mod unrecorded;
mod watch;

pub use watch::{Executed, Family};

use super::hooks;
use super::hotplug::Cpus;
use super::load::{self, Living, Loaded, Target};
use super::memory::{Access, MappedArray};
use super::page_memory::PageMemory;
use super::probes::attach::JOIN;
use super::probes::records::CLOSE;
use super::probes::snapshot::SNAPSHOT;
use super::probes::{self, Probe, Wanted};
use super::slots;
use crate::clock::monotonic_now;
use crate::privilege;
use crate::record::{Census, Rest, SlotlessRecord, Snapshot, Source, ThreadRecord};
use crate::settings::Settings;
use anyhow::{Context, Result, bail};
use aya::maps::{Array, HashMap, Map, MapData, PerCpuArray, Queue, RingBuf};
use aya::{Btf, Ebpf};
use model::losses::{Loss, LossCounts};
use model::profile::units::Nanos;
use profiler_ebpf::layout::{Chosen, Global, Slot, SlotlessTotals, phase};
use rustix::thread::{MembarrierCommand, membarrier};
use std::{
    os::fd::{AsFd, BorrowedFd},
    thread,
    time::{Duration, Instant},
};
use unrecorded::Unrecorded;
use watch::Trees;

/// The most time that a thread whose parent has waited for it may take to leave its CPU: the parent is told before that
/// (kernel/exit.c `do_exit`: `exit_notify`, then `do_task_dead`), and a hypervisor can stop the CPU in between.
const LAST_SWITCH_LIMIT: Duration = Duration::from_secs(5);

/// The time between two passes, and before every wait for programs.
const PAUSE: Duration = Duration::from_millis(1);

/// The most time that threads born and switched meanwhile may keep the attaching pass from its end.
const JOIN_LIMIT: Duration = Duration::from_secs(5);

/// The tree of threads where process trees are not tracked.
const NO_FAMILY: u16 = 0;

/// A running recording. Dropping it detaches every program.
pub struct Session {
    ebpf: Ebpf,
    /// Those that are loaded.
    probes: Vec<&'static Probe>,
    slot_memory: MappedArray<Slot>,
    pages: PageMemory,
    exits: RingBuf<MapData>,
    free_slots: Queue<MapData, u32>,
    globals: Array<MapData, Global>,
    slotless: PerCpuArray<MapData, SlotlessTotals>,
    chosen: HashMap<MapData, u32, Chosen>,
    trees: Trees,
    cpus: Cpus,
    /// For each slot the end of the record that was last collected from it: tells a slot that was handed back
    /// and not used again from one that was never collected.
    collected_until: Vec<u64>,
    /// For each slot the [`ThreadRecord::serial`] of the thread that has it, or will have it next.
    serials: Vec<u64>,
    next_serial: u64,
    /// The start of attaching to the threads that lived already.
    joined_from: Nanos,
    /// Living threads without a record that snapshots came to.
    unrecorded: Unrecorded,
}

impl Session {
    /// Loads and attaches every program; the one for snapshots only if the settings have an interval. When this
    /// returns, the threads of the target that live already are being recorded, or its next exec starts its record.
    ///
    /// # Errors
    /// If the kernel refuses a map, a program or a hook.
    pub fn start(settings: &Settings, target: Target<'_>) -> Result<Self> {
        let btf = Btf::from_sys_fs().context("cannot read the kernel's type information")?;
        let wanted = Wanted {
            limits: settings.limits,
            follow: settings.follow,
            living: u32::try_from(target.living.len())?,
            snapshots: settings.interval.is_some(),
            watches: false,
            throttles_queues: false,
        };
        let mut session = Self::attached(load::load(target, wanted, &btf)?, Access::Read, &btf)?;
        if !target.living.is_empty() {
            for &process in target.living {
                session.choose(process, NO_FAMILY)?;
            }
            session.join()?;
        }
        Ok(session)
    }

    /// With every probe that is wanted attached.
    fn attached(loaded: Loaded, access: Access, btf: &Btf) -> Result<Self> {
        let mut session = Self::loaded(loaded, access)?;
        hooks::load_all(&mut session.ebpf, btf, &session.probes)?;
        hooks::attach_all(&mut session.ebpf, &session.probes, session.cpus.watched())?;
        Ok(session)
    }

    fn loaded(Loaded { mut ebpf, wanted }: Loaded, access: Access) -> Result<Self> {
        let (slots, pages) = (wanted.limits.max_threads, wanted.limits.pages());
        let page_memory = MappedArray::new(array(&ebpf, "PAGES")?, pages, access)?;
        let free_pages = take(&mut ebpf, "FREE_PAGES")?;
        Ok(Self {
            probes: probes::wanted(&probes::ALL, &wanted).collect(),
            slot_memory: MappedArray::new(array(&ebpf, "SLOTS")?, slots, access)?,
            pages: match access {
                Access::Read => PageMemory::read(page_memory, free_pages),
                Access::Take => PageMemory::taken(page_memory, free_pages, slots),
            },
            exits: take(&mut ebpf, "EXITS")?,
            free_slots: take(&mut ebpf, "FREE_SLOTS")?,
            globals: take(&mut ebpf, "GLOBALS")?,
            slotless: take(&mut ebpf, "SLOTLESS")?,
            chosen: take(&mut ebpf, "CHOSEN")?,
            trees: Trees::take(&mut ebpf)?,
            cpus: Cpus::listen()?,
            collected_until: vec![0; slots as usize],
            serials: (0..u64::from(slots)).collect(),
            next_serial: u64::from(slots),
            joined_from: monotonic_now()?,
            unrecorded: Unrecorded::default(),
            ebpf,
        })
    }

    /// Chooses a process, whose threads join with the next pass.
    fn choose(&mut self, Living { pid, start_ticks }: Living, tree: u16) -> Result<()> {
        let chosen = Chosen { start_ticks, joined: 0, family: tree.into(), reserved: 0 };
        self.chosen.insert(pid, chosen, 0).context("cannot choose a process")
    }

    /// Has the threads of the chosen processes join. Every probe is there, so that nothing is missed of one that has.
    ///
    /// Runs task-iterator passes until no thread is left to attach to: a pass misses threads that were born behind it,
    /// and those are born with their parents' part in the target only once their parents have it.
    fn join(&mut self) -> Result<()> {
        let begun = Instant::now();
        self.joined_from = monotonic_now()?;
        loop {
            let before = self.global()?;
            hooks::walk_tasks(&mut self.ebpf, JOIN)?;
            let after = self.global()?;
            let is_settled = (before.joined, before.postponed) == (after.joined, after.postponed);
            if is_settled || begun.elapsed() > JOIN_LIMIT {
                return Ok(());
            }
            thread::sleep(PAUSE);
        }
    }

    /// The moment from which on the threads that lived already were recorded, each a little later.
    #[must_use]
    pub fn joined_from(&self) -> Nanos {
        self.joined_from
    }

    /// The number of threads of a process that joined while they lived.
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub fn joined(&self, process: Living) -> Result<u64> {
        let chosen = self.chosen.get(&process.pid, 0).context("cannot read which processes have joined")?;
        Ok(chosen.joined)
    }

    /// Returns the losses so far, apart from those in the records.
    ///
    /// # Errors
    /// If the kernel does not tell.
    pub fn lost(&self) -> Result<LossCounts> {
        Ok(LossCounts::of([
            (Loss::ThreadsWithoutSlot, self.slotless_totals()?.iter().map(|totals| totals.threads).sum()),
            (Loss::ThreadsWithoutState, self.threads_without_state()?),
            (Loss::MissedProgramRuns, hooks::missed_runs(&self.ebpf)?),
            (Loss::MissedExecs, self.missed_execs()?),
            (Loss::CpusWatchedLate, self.cpus.late()),
        ]))
    }

    /// Threads that are not recorded: the kernel had no memory for their state, or no event reported their birth.
    fn threads_without_state(&self) -> Result<u64> {
        Ok(self.global()?.threads_without_state + self.unrecorded.total())
    }

    /// The loaded programs, for their statistics.
    pub(super) fn ebpf(&self) -> &Ebpf {
        &self.ebpf
    }

    /// Copies a finished slot and its pages, and hands both back.
    fn collect(&mut self, number: u32) -> Result<ThreadRecord> {
        let slot = self.slot_memory.read(number)?;
        let place = number as usize;
        let record = slots::record(&slot, number, &mut self.pages, self.serials[place])?;
        self.collected_until[place] = slot.until_ns;
        self.serials[place] = self.next_serial;
        self.next_serial += 1;
        self.pages.release(number, &slot)?;
        self.free_slots.push(number, 0).context("cannot hand back a slot")?;
        Ok(record)
    }

    /// Watches faults on CPUs that have come online. They count as watched late whether or not this succeeds: some
    /// distributions' kernels want CAP_SYS_ADMIN for it, which is given up by then.
    fn follow_cpus(&mut self) -> Result<()> {
        for cpu in self.cpus.arrived()? {
            let _watched = privilege::raised(|| hooks::attach_to_cpu(&mut self.ebpf, &self.probes, cpu));
        }
        Ok(())
    }

    /// The slot of the next thread that has exited.
    fn next_exit(&mut self) -> Option<u32> {
        let message = self.exits.next()?;
        message.first_chunk().map(|slot| u32::from_ne_bytes(*slot))
    }

    /// Takes a snapshot of the recorded threads: passes their records on one by one, each with the moment that it is
    /// of, and says when that was.
    ///
    /// In a session that [watches](Self::watch), a record's totals are those of all its samples, and its buckets those
    /// of the samples that were added since the last snapshot.
    ///
    /// # Errors
    /// If the task iterator fails or a record can't be read.
    pub fn take_snapshot(&mut self, mut see: impl FnMut(ThreadRecord, Nanos)) -> Result<Nanos> {
        let at_ns = monotonic_now()?;
        let census = self.census(SNAPSHOT)?;
        self.unrecorded.saw(census.unrecorded);
        for number in 0..self.slots_used()? {
            let serial = self.serials[number as usize];
            let record = slots::snapshot(&self.slot_memory, number, &mut self.pages, serial, at_ns)?;
            if let Some(record) = record {
                see(record, at_ns);
            }
        }
        if self.pages.any_leaving() {
            thread::sleep(PAUSE);
            wait_for_programs();
            self.pages.hand_back_leaving()?;
        }
        Ok(at_ns)
    }

    fn global(&self) -> Result<Global> {
        self.globals.get(&0, 0).context("cannot read the programs' counters")
    }

    /// Slots that were ever in use; their numbers are the lowest.
    fn slots_used(&self) -> Result<u32> {
        // The counter goes on where there are no more slots.
        Ok(self.global()?.slots_used.min(self.serials.len() as u64) as u32)
    }

    /// Closes the record of every thread and waits for those that have exited but still have to leave their CPU for
    /// the last time: they are in no list of the kernel's any more. Returns how many of these never did.
    ///
    /// Runs task-iterator passes until there is no record left to close: one whose thread was being switched just then
    /// was left open, or was opened again by the program that was at work on it.
    fn close_threads(&mut self) -> Result<u64> {
        let begun = Instant::now();
        loop {
            let before = self.global()?.closings;
            hooks::walk_tasks(&mut self.ebpf, CLOSE)?;
            let all_closed = self.global()?.closings == before;
            let unfinished = self.unfinished()?;
            if (all_closed && unfinished == 0) || begun.elapsed() > LAST_SWITCH_LIMIT {
                return Ok(unfinished);
            }
            thread::sleep(PAUSE);
            wait_for_programs();
        }
    }

    /// Runs a task iterator that takes the census: for snapshots, or before records are closed.
    fn census(&mut self, iterator: &str) -> Result<Census> {
        let before = self.global()?;
        hooks::walk_tasks(&mut self.ebpf, iterator)?;
        let after = self.global()?;
        Ok(Census {
            recorded: after.recorded - before.recorded,
            unrecorded: after.unrecorded - before.unrecorded,
        })
    }

    /// Threads whose record is still open.
    fn unfinished(&self) -> Result<u64> {
        let mut live = 0;
        for number in 0..self.slots_used()? {
            live += u64::from(self.slot_memory.phase(number)? == phase::LIVE);
        }
        let slotless = self.slotless_totals()?;
        let threads: u64 = slotless.iter().map(|totals| totals.threads).sum();
        let finished: u64 = slotless.iter().map(|totals| totals.finished).sum();
        Ok(live + threads.saturating_sub(finished))
    }

    /// The sums of threads without a slot, one for each CPU and for each of the two that add to it.
    fn slotless_totals(&self) -> Result<Vec<SlotlessTotals>> {
        let mut totals = Vec::new();
        for entry in 0..self.slotless.len() {
            let values =
                self.slotless.get(&entry, 0).context("cannot read the sums of threads without a slot")?;
            totals.extend_from_slice(&values);
        }
        Ok(totals)
    }
}

/// Waits until every program that is at work on some CPU now has come to its end.
fn wait_for_programs() {
    // The kernel waits until each CPU has passed a point where no program can be at work (kernel/sched/membarrier.c:
    // `synchronize_rcu`; 8 ms here). With `nohz_full` it refuses: then the pause before this must be enough.
    let _refused = membarrier(MembarrierCommand::Global);
}

impl Source for Session {
    fn collect_exited(&mut self) -> Result<Vec<ThreadRecord>> {
        self.follow_cpus()?;
        let mut records = Vec::new();
        while let Some(slot) = self.next_exit() {
            records.push(self.collect(slot)?);
        }
        Ok(records)
    }

    fn snapshot(&mut self) -> Result<Snapshot> {
        let mut threads = Vec::new();
        let at_ns = self.take_snapshot(|record, _| threads.push(record))?;
        Ok(Snapshot { at_ns, threads })
    }

    fn close(&mut self) -> Result<Rest> {
        let census = self.census(CLOSE)?;
        let threads_unfinished = self.close_threads()?;
        let mut threads = self.collect_exited()?;
        for number in 0..self.slots_used()? {
            // A slot that was still in use is closed now; an exit that could not be announced is found here too.
            let slot = self.slot_memory.read(number)?;
            let finished = matches!(slot.phase, phase::CLOSED | phase::EXITED);
            if finished && slot.until_ns != self.collected_until[number as usize] {
                threads.push(self.collect(number)?);
            }
        }
        let mut without_slot = SlotlessRecord::default();
        self.slotless_totals()?.iter().for_each(|totals| without_slot.add(totals));
        // Threads without a record that live are in the census.
        let mut lost = self.lost()?;
        lost[Loss::ThreadsWithoutState] = self.global()?.threads_without_state;
        lost[Loss::ThreadsUnfinished] = threads_unfinished;
        Ok(Rest { threads, census, without_slot, lost })
    }
}

impl AsFd for Session {
    /// Becomes readable when so many threads have exited that slots may run short.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.exits.as_fd()
    }
}

fn array<'a>(ebpf: &'a Ebpf, name: &str) -> Result<&'a MapData> {
    match ebpf.map(name) {
        Some(Map::Array(data)) => Ok(data),
        _ => bail!("the BPF object has no array {name}; build it again with cargo xtask ebpf"),
    }
}

fn take<M>(ebpf: &mut Ebpf, name: &str) -> Result<M>
where
    M: TryFrom<Map, Error = aya::maps::MapError>,
{
    ebpf.take_map(name)
        .with_context(|| format!("the BPF object has no map {name}; build it again with cargo xtask ebpf"))?
        .try_into()
        .with_context(|| format!("the map {name} is of another type than expected"))
}
