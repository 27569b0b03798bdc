//! From a slot to a record: names, histograms and what the thread was blocked on.

use super::memory::MappedArray;
use super::page_memory::PageMemory;
use crate::outside_bytes::{self, kernel_name};
use crate::record::pages::Pages;
use crate::record::samples::{self, Samples};
use crate::record::{self, End, SlotlessRecord, ThreadRecord};
use anyhow::Result;
use model::metric::Metric;
use model::profile::histogram::Histogram;
use model::profile::thread::{BlockedOn, Found, OF_32BIT, OF_X32, OpenState, Waits};
use model::profile::units::Nanos;
use profiler_ebpf::layout::{
    KernelCounters, MetricSlot, NAME_BYTES, Slot, SlotlessTotals, Totals, blocked_key, phase, state,
};
use std::collections::BTreeMap;
use syscalls::Sysno;

const _: () = assert!(NAME_BYTES == outside_bytes::NAME_BYTES, "names are as long for both sides");

/// Turns a finished slot into a record.
pub(super) fn record(slot: &Slot, number: u32, pages: &mut PageMemory, serial: u64) -> Result<ThreadRecord> {
    let samples = samples(slot, |metric, of| pages.last(number, metric, of))?;
    let mut record = with_samples(slot, serial, samples);
    record.samples.values_mut().for_each(Samples::cover_buckets);
    Ok(record)
}

/// A record of what is in a slot, and its samples.
fn with_samples(slot: &Slot, serial: u64, samples: BTreeMap<Metric, Samples>) -> ThreadRecord {
    let kept = (slot.renames as usize).min(slot.earlier_names.len());
    ThreadRecord {
        serial,
        pid: slot.pid,
        tid: slot.tid,
        family: slot.family,
        start_ns: Nanos(slot.start_ns),
        name: kernel_name(&slot.name),
        earlier_names: slot.earlier_names[..kept].iter().map(|name| kernel_name(name)).collect(),
        renames: slot.renames,
        newborn: slot.newborn != 0,
        from_ns: Nanos(slot.from_ns),
        until_ns: Nanos(slot.until_ns),
        end: end(slot),
        kernel_at_start: counters(&slot.start),
        kernel_at_end: counters(&slot.end),
        first_slice_ns: (slot.found_state == state::FOUND).then_some(Nanos(slot.found_ns)),
        found: found(slot),
        runnable_idle: waits(&slot.runnable_idle),
        throttled: waits(&slot.throttled),
        throttled_wakes: slot.throttled_wakes,
        unattributed_wait: waits(&slot.unattributed_wait),
        unattributed_wait_involuntary: slot.unattributed_wait_involuntary,
        inferred_switch_ins: slot.inferred_switch_ins,
        samples,
        blocked_on: blocked_on(slot),
        minor_without_entry: slot.minor_without_entry,
        major_without_entry: slot.major_without_entry,
        faults_never_accounted: slot.faults_never_accounted,
        clock_backwards: slot.clock_backwards,
    }
}

/// The record so far of a thread that goes on, as of `at`, the moment just before the task iterator looked at it;
/// `None` if no such thread is in the slot.
///
/// It may be switched meanwhile, on another CPU. Everything a thread did since `from_ns` is in its sums, so these tell
/// since when it has been doing what it does: what the iterator saw holds if it began at that time. If not, the thread
/// was switched after the iterator saw it, and the record is as of that switch.
pub(super) fn snapshot(
    slots: &MappedArray<Slot>,
    number: u32,
    pages: &mut PageMemory,
    serial: u64,
    at: Nanos,
) -> Result<Option<ThreadRecord>> {
    let Some((mut slot, mut record)) = unchanged(slots, number, pages, serial, at)? else { return Ok(None) };
    let since = record.from_ns + accounted(&record);
    if open_state(slot.seen_state).is_some() && slot.seen_since_ns == since.0 {
        slot.open_state = slot.seen_state;
        record.until_ns = at.max(since);
    } else {
        slot.open_state = state::ON_CPU;
        record.until_ns = since;
    }
    slot.open_since_ns = since.0;
    record.end = end(&slot);
    Ok(Some(record))
}

/// A live slot and its pages that did not change while they were read, or the last of some attempts.
///
/// The counts are those from before the rest was copied: in the opposite order of the programs, which write them last.
fn unchanged(
    slots: &MappedArray<Slot>,
    number: u32,
    pages: &mut PageMemory,
    serial: u64,
    at: Nanos,
) -> Result<Option<(Slot, ThreadRecord)>> {
    /// At 400 000 switches a second one attempt in about three succeeds.
    const ATTEMPTS: usize = 16;
    if slots.phase(number)? != phase::LIVE {
        return Ok(None);
    }
    let (mut attempt, mut before) = (1, slots.counts(number)?);
    loop {
        let mut slot = slots.read(number)?;
        // Its thread has ended meanwhile.
        if slot.phase != phase::LIVE {
            return Ok(None);
        }
        slot.metrics.iter_mut().zip(before).for_each(|(metric, count)| metric.totals.count = count);
        let mut samples = samples(&slot, |metric, of| pages.so_far(slots, number, metric, of, at))?;
        let after = slots.counts(number)?;
        if before == after || attempt == ATTEMPTS {
            pages.consume(number, &mut samples);
            let record = with_samples(&slot, serial, samples);
            return Ok(Some((slot, record)));
        }
        pages.put_back(number, samples);
        (attempt, before) = (attempt + 1, after);
    }
}

/// The time that is in a record's sums; faults are within slices and waits.
fn accounted(record: &ThreadRecord) -> Nanos {
    let metrics = [Metric::OnCpu, Metric::RunqueueWait, Metric::Blocked, Metric::Preempted];
    let samples = metrics.into_iter().filter_map(|metric| record.samples.get(&metric));
    let waits = [record.runnable_idle, record.throttled, record.unattributed_wait].into_iter().flatten();
    let found = record.found.map_or(Nanos(0), |found| found.for_ns);
    found + samples.map(|samples| samples.sum_ns).sum() + waits.map(|waits| waits.sum_ns).sum()
}

/// The state a thread was left in; `None` for one that has no meaning at the end of a record.
pub(super) fn open_state(state: u32) -> Option<OpenState> {
    match state {
        state::ON_CPU | state::FOUND | state::ATTACHED_ON_CPU => Some(OpenState::OnCpu),
        state::BLOCKED | state::ATTACHED_ASLEEP => Some(OpenState::Blocked),
        state::PREEMPTED | state::ATTACHED_WAITING => Some(OpenState::Preempted),
        state::RUNNABLE_IDLE => Some(OpenState::RunnableIdle),
        state::THROTTLED => Some(OpenState::Throttled),
        state::NEWBORN => Some(OpenState::Newborn),
        _ => None,
    }
}

fn end(slot: &Slot) -> End {
    let state = open_state(slot.open_state).unwrap_or(OpenState::OnCpu);
    if slot.phase == phase::EXITED {
        End::Exited { last_switch: state }
    } else {
        let woken_ns = (slot.seen_waking_ns != 0).then_some(Nanos(slot.seen_waking_ns));
        let found = state::is_at_attach(slot.open_state);
        End::Open { state, since_ns: Nanos(slot.open_since_ns), woken_ns, found }
    }
}

/// The state of a thread at attach, once that is over. The first slice of the one that executed the command is a
/// sample.
fn found(slot: &Slot) -> Option<Found> {
    let state =
        if state::is_at_attach(slot.found_state) { open_state(slot.found_state)? } else { return None };
    Some(Found { state, for_ns: Nanos(slot.found_ns) })
}

/// The samples of a slot, with the buckets that `buckets` gives.
fn samples(
    slot: &Slot,
    mut buckets: impl FnMut(Metric, &MetricSlot) -> Result<Pages>,
) -> Result<BTreeMap<Metric, Samples>> {
    let mut all = BTreeMap::new();
    for metric in Metric::ALL {
        let of = &slot.metrics[metric.index()];
        if of.totals.count > 0 {
            let samples = Samples::counted(plain(&of.totals), buckets(metric, of)?);
            all.extend(samples.map(|samples| (metric, samples)));
        }
    }
    Ok(all)
}

/// The totals with their units.
fn plain(totals: &Totals) -> samples::Totals {
    let &Totals { count, sum_ns, min_ns, max_ns } = totals;
    samples::Totals { count, sum_ns: Nanos(sum_ns), min_ns: Nanos(min_ns), max_ns: Nanos(max_ns) }
}

/// The counters with their units.
fn counters(kernel: &KernelCounters) -> record::KernelCounters {
    record::KernelCounters {
        voluntary_switches: kernel.voluntary_switches,
        involuntary_switches: kernel.involuntary_switches,
        minor_faults: kernel.minor_faults,
        major_faults: kernel.major_faults,
        cpu_ns: Nanos(kernel.cpu_ns),
        migrations: kernel.migrations,
    }
}

/// A histogram without buckets; `None` without samples.
pub(super) fn totals(totals: &Totals) -> Option<Histogram> {
    (totals.count > 0).then(|| Histogram {
        count: totals.count,
        sum_ns: Nanos(totals.sum_ns),
        min_ns: Nanos(totals.min_ns),
        max_ns: Nanos(totals.max_ns),
        buckets: Vec::new(),
    })
}

fn waits(totals: &Totals) -> Option<Waits> {
    (totals.count > 0).then_some(Waits {
        count: totals.count,
        sum_ns: Nanos(totals.sum_ns),
        max_ns: Nanos(totals.max_ns),
    })
}

fn blocked_on(slot: &Slot) -> Vec<BlockedOn> {
    let named = slot.blocked_on.iter().map(|entry| (blocked_on_name(entry.key), entry));
    let others = std::iter::once(("others".to_owned(), &slot.blocked_on_others));
    let mut all: Vec<BlockedOn> = named
        .chain(others)
        .filter(|(_, entry)| entry.count > 0)
        .map(|(syscall, entry)| BlockedOn {
            syscall,
            count: entry.count,
            sum_ns: Nanos(entry.sum_ns),
            max_ns: Nanos(entry.max_ns),
        })
        .collect();
    all.sort_by(|a, b| b.sum_ns.cmp(&a.sum_ns).then_with(|| a.syscall.cmp(&b.syscall)));
    all
}

/// Set in the number of a call with 32-bit pointers by the 64-bit entry (`__X32_SYSCALL_BIT`,
/// arch/x86/include/uapi/asm/unistd.h). Its numbers are those of the 64-bit table, and from `X32_OWN` on its own.
const X32_BIT: u32 = 0x4000_0000;
const X32_OWN: u32 = 512;

fn blocked_on_name(key: u32) -> String {
    match key {
        blocked_key::NO_SYSCALL => "no_syscall".to_owned(),
        blocked_key::PAGE_FAULT => "page_fault".to_owned(),
        blocked_key::KERNEL_WORKER => "kernel_worker".to_owned(),
        _ if key & blocked_key::OF_32BIT != 0 => {
            let number = (key & !blocked_key::OF_32BIT).saturating_sub(blocked_key::SYSCALL_0);
            let known = syscalls::x86::Sysno::new(number as usize);
            OF_32BIT.to_owned() + &syscall_name(number, known.map(|known| known.name()))
        }
        _ if key.saturating_sub(blocked_key::SYSCALL_0) & X32_BIT != 0 => {
            let number = (key - blocked_key::SYSCALL_0) & !X32_BIT;
            let known = Sysno::new(number as usize).filter(|_| number < X32_OWN);
            OF_X32.to_owned() + &syscall_name(number, known.map(|known| known.name()))
        }
        _ => {
            let number = key.saturating_sub(blocked_key::SYSCALL_0);
            syscall_name(number, Sysno::new(number as usize).map(|known| known.name()))
        }
    }
}

fn syscall_name(number: u32, known: Option<&str>) -> String {
    known.map_or_else(|| format!("syscall_{number}"), str::to_owned)
}

impl SlotlessRecord {
    /// Adds what one CPU counted.
    pub(super) fn add(&mut self, cpu: &SlotlessTotals) {
        self.threads += cpu.threads;
        self.unfinished_blocked += cpu.open[state::BLOCKED as usize];
        let involuntary = [state::PREEMPTED, state::RUNNABLE_IDLE, state::THROTTLED];
        self.unfinished_involuntary += involuntary.map(|state| cpu.open[state as usize]).iter().sum::<u64>();
        for metric in Metric::ALL {
            let Some(more) = totals(&cpu.metrics[metric.index()]) else { continue };
            let sum = Histogram::merged(self.metrics.get(&metric).into_iter().chain([&more]));
            self.metrics.extend(sum.map(|sum| (metric, sum)));
        }
        self.runnable_idle += cpu.runnable_idle.count;
        self.throttled += cpu.throttled.count;
        self.throttled_wakes += cpu.throttled_wakes;
        self.unattributed_wait += cpu.unattributed_wait.count;
        self.unattributed_wait_involuntary += cpu.unattributed_wait_involuntary;
        self.inferred_switch_ins += cpu.inferred_switch_ins;
        self.faults_without_entry += cpu.faults_without_entry;
        self.faults_never_accounted += cpu.faults_never_accounted;
        self.clock_backwards += cpu.clock_backwards;
        add(&mut self.kernel_at_start, &cpu.start);
        add(&mut self.kernel_at_end, &cpu.end);
    }
}

/// One CPU's part may be negative, modulo 2^64; the sum is not.
fn add(sum: &mut record::KernelCounters, more: &KernelCounters) {
    let add = |sum: &mut u64, more: u64| *sum = sum.wrapping_add(more);
    add(&mut sum.voluntary_switches, more.voluntary_switches);
    add(&mut sum.involuntary_switches, more.involuntary_switches);
    add(&mut sum.minor_faults, more.minor_faults);
    add(&mut sum.major_faults, more.major_faults);
    add(&mut sum.cpu_ns.0, more.cpu_ns);
    add(&mut sum.migrations, more.migrations);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_name_of_the_table_that_it_is_of() {
        let named = |table: u32, number: u32| blocked_on_name(table | (blocked_key::SYSCALL_0 + number));
        assert_eq!(named(0, 162), "sync");
        assert_eq!(named(blocked_key::OF_32BIT, 162), "ia32:nanosleep");
        assert_eq!(named(0, 35), "nanosleep");
        assert_eq!(named(0, X32_BIT | 35), "x32:nanosleep");
        assert_eq!(named(0, X32_BIT | 512), "x32:syscall_512", "rt_sigaction there, nothing elsewhere");
        assert_eq!(named(0, 9999), "syscall_9999");
        assert_eq!(named(blocked_key::OF_32BIT, 9999), "ia32:syscall_9999");
    }
}
