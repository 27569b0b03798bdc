//! The floors below `switch` for one thread on the host: a task whose counters and clock a test sets, its state and its
//! slot. The file of the switch program itself is compiled as it is, so that these must offer what it calls.

#[path = "../../../src/programs/switch.rs"]
pub(crate) mod switch;
pub(crate) mod task;

use profiler_ebpf::Shared;
use profiler_ebpf::layout::{NO_SLOT, SharedSlot, SharedSlotlessTotals, TaskState, state};
use std::cell::Cell;

/// The thread's state in the kernel and in the maps.
pub(crate) struct World {
    pub(crate) now: Cell<u64>,
    pub(crate) nvcsw: Cell<u64>,
    pub(crate) nivcsw: Cell<u64>,
    pub(crate) cpu_ns: Cell<u64>,
    pub(crate) syscall: Cell<i32>,
    pub(crate) announced: Cell<bool>,
    state: Cell<&'static TaskState>,
    slot: Cell<&'static SharedSlot>,
    slotless: Cell<&'static SharedSlotlessTotals>,
}

thread_local! {
    static WORLD: World = World::new();
}

/// Looks at it.
pub(crate) fn with<T>(look: impl FnOnce(&World) -> T) -> T {
    WORLD.with(look)
}

impl World {
    fn new() -> Self {
        // SAFETY: numbers only, of which zero is one.
        let slot: SharedSlot = unsafe { std::mem::zeroed() };
        // SAFETY: as above.
        let slotless: SharedSlotlessTotals = unsafe { std::mem::zeroed() };
        let state = TaskState {
            since_ns: Shared::new(0),
            waking_ns: Shared::new(0),
            cpu_ns: Shared::new(0),
            fault_ns: Shared::new(0),
            nvcsw: Shared::new(0),
            blocked_key: Shared::new(0),
            queue_mark: Shared::new(0),
            slot: Shared::new(0),
            state: Shared::new(state::NEWBORN),
            family: Shared::new(0),
            nivcsw: Shared::new(0),
        };
        let world = Self {
            now: Cell::new(0),
            nvcsw: Cell::new(0),
            nivcsw: Cell::new(0),
            cpu_ns: Cell::new(0),
            syscall: Cell::new(0),
            announced: Cell::new(false),
            state: Cell::new(Box::leak(Box::new(state))),
            slot: Cell::new(Box::leak(Box::new(slot))),
            slotless: Cell::new(Box::leak(Box::new(slotless))),
        };
        for metric in &world.slot().metrics {
            metric.totals.min_ns.set(u64::MAX);
        }
        world
    }

    /// Has a thread born at this time, with a slot or without one.
    pub(crate) fn begin(&self, now: u64, has_slot: bool) {
        let fresh = Self::new();
        self.now.set(now);
        self.nvcsw.set(0);
        self.nivcsw.set(0);
        self.cpu_ns.set(0);
        self.announced.set(false);
        self.state.set(fresh.state.get());
        self.slot.set(fresh.slot.get());
        self.slotless.set(fresh.slotless.get());
        self.state().since_ns.set(now);
        self.state().slot.set(if has_slot { 0 } else { NO_SLOT });
    }

    pub(crate) fn state(&self) -> &'static TaskState {
        self.state.get()
    }

    pub(crate) fn slot(&self) -> &'static SharedSlot {
        self.slot.get()
    }

    pub(crate) fn slotless(&self) -> &'static SharedSlotlessTotals {
        self.slotless.get()
    }
}

pub(crate) mod states {
    use super::task::{THREAD, Task};
    use profiler_ebpf::layout::TaskState;

    pub(crate) fn of<'a>(task: Task) -> Option<&'a TaskState> {
        (task == THREAD).then(|| super::with(super::World::state))
    }

    pub(crate) fn enter(thread: &TaskState, state: u32, now: u64) {
        thread.since_ns.set(now);
        thread.state.set(state);
    }

    pub(crate) fn replace(thread: &TaskState, from: u32, to: u32) -> bool {
        let is_same = thread.state.get() == from;
        if is_same {
            thread.state.set(to);
        }
        is_same
    }

    pub(crate) fn counted_voluntary(thread: &TaskState, nvcsw: u64) {
        thread.nvcsw.set(nvcsw as u32);
    }

    pub(crate) fn counted_involuntary(thread: &TaskState, nivcsw: u64) {
        thread.nivcsw.set(nivcsw as u16);
    }

    pub(crate) fn forget(_task: Task) {}

    pub(crate) fn is_no_sample(_from: u64) -> bool {
        false
    }

    pub(crate) fn is_at_attach(_state: u32) -> bool {
        false
    }
}

pub(crate) mod slots {
    use super::task::Task;
    use profiler_ebpf::Shared;
    use profiler_ebpf::layout::{KernelCounters, NO_SLOT, SharedSlot, SharedSlotlessTotals, SharedTotals};

    pub(crate) mod slotless_entry {
        pub(crate) const TRACEPOINTS: u32 = 0;
    }

    pub(crate) fn slot<'a>(number: u32) -> Option<&'a SharedSlot> {
        (number != NO_SLOT).then(|| super::with(super::World::slot))
    }

    pub(crate) fn slotless<'a>(_entry: u32) -> Option<&'a SharedSlotlessTotals> {
        Some(super::with(super::World::slotless))
    }

    pub(crate) fn add_interval(into: &SharedTotals, from: u64, to: u64, clock_backwards: &Shared<u64>) {
        match to.checked_sub(from) {
            Some(ns) => into.add(ns),
            None => clock_backwards.increase(1),
        }
    }

    pub(crate) fn measure_slotless(metric: u32, from: u64, to: u64) {
        let totals = super::with(super::World::slotless);
        add_interval(&totals.metrics[metric as usize], from, to, &totals.clock_backwards);
    }

    pub(crate) fn finish(
        _task: Task,
        slot: &SharedSlot,
        _counters: &KernelCounters,
        now: u64,
        open_state: u32,
        _since: u64,
    ) {
        slot.until_ns.set(now);
        slot.open_state.set(open_state);
    }

    pub(crate) fn announce(_slot: &SharedSlot, _number: u32) {
        super::with(|world| world.announced.set(true));
    }

    pub(crate) fn finish_slotless(_counters: &KernelCounters, _entry: u32, _open_state: u32) {
        super::with(|world| world.announced.set(true));
    }

    pub(crate) fn inferred_switch_in(number: u32) {
        match slot(number) {
            Some(slot) => slot.inferred_switch_ins.increase(1),
            None => super::with(super::World::slotless).inferred_switch_ins.increase(1),
        }
    }

    pub(crate) fn never_accounted(_number: u32) {}

    pub(crate) fn starts_later(_number: u32, _involuntary: u64) {}
}

pub(crate) mod pages {
    use profiler_ebpf::layout::SharedMetricSlot;

    pub(crate) fn record(metric: &SharedMetricSlot, ns: u64) {
        metric.totals.add(ns);
    }
}

pub(crate) mod families {
    use profiler_ebpf::layout::TaskState;

    pub(crate) fn left(_thread: &TaskState) -> bool {
        true
    }
}

/// No limit keeps the thread from running.
pub(crate) mod throttle {
    use super::task::Task;
    use profiler_ebpf::layout::TaskState;

    pub(crate) const UNTOLD: u32 = u32::MAX;

    pub(crate) fn is_throttled(_task: Task) -> bool {
        false
    }

    pub(crate) fn at_wake(_woken: Task) -> u64 {
        0
    }

    pub(crate) fn queued(_thread: &TaskState, _task: Task) -> u64 {
        0
    }

    pub(crate) fn note(_thread: &TaskState, _task: Task) {}

    pub(crate) fn settled(thread: &TaskState, _task: Task, was: u32) -> (u32, u64) {
        (was, thread.waking_ns.get())
    }
}

/// The thread was born during the recording.
pub(crate) mod first_switch {
    use super::task::Task;
    use profiler_ebpf::layout::TaskState;

    pub(crate) const PREEMPTION: u32 = 1 << 31;

    pub(crate) fn settle_out(_thread: &TaskState, _prev: Task, _now: u64, _switch: u32) -> bool {
        unreachable!("it was not there before")
    }

    pub(crate) fn settle_in(_thread: &TaskState, _next: Task, _now: u64) -> u32 {
        unreachable!("it was not there before")
    }
}
