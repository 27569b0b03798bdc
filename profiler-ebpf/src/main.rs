//! The BPF programs: entry points only. What each does stands in `programs`.
#![no_std]
#![no_main]
#![feature(core_intrinsics, asm_experimental_arch)]
#![allow(
    missing_docs,
    reason = "the macros of aya-ebpf put an entry point's documentation on an inner function"
)]
#![allow(unreachable_pub, reason = "the macros of aya-ebpf make every entry point public")]
#![allow(internal_features, reason = "the only atomic read-modify-write there is for BPF targets")]

mod programs;

use aya_ebpf::{
    macros::{btf_tracepoint, perf_event},
    programs::{BtfTracePointContext, PerfEventContext},
};
use core::ffi::c_void;
use profiler_ebpf::metric::Metric;
use programs::{birth, fault, switch, walk};

// The kernel passes tracepoint arguments as declared in include/trace/events/; the verifier checks their types
// against its own BTF before a program may be attached.

/// `sched_switch(preempt, prev, next, prev_state)`, kernel/sched/core.c `__schedule`.
#[btf_tracepoint(function = "sched_switch")]
fn sched_switch(ctx: BtfTracePointContext) -> i32 {
    switch::sched_switch(ctx.arg(0), ctx.arg(1), ctx.arg(2), ctx.arg(3));
    0
}

/// `sched_waking(task)`, kernel/sched/core.c `try_to_wake_up`: in the waker, before the task is queued.
#[btf_tracepoint(function = "sched_waking")]
fn sched_waking(ctx: BtfTracePointContext) -> i32 {
    switch::sched_waking(ctx.arg(0));
    0
}

/// `sched_wakeup(task)`, kernel/sched/core.c `ttwu_do_wakeup`: under the lock of the run queue that the task is in now. On
/// kernels that throttle a run queue as a whole.
#[btf_tracepoint(function = "sched_wakeup")]
fn sched_wakeup(ctx: BtfTracePointContext) -> i32 {
    switch::sched_wakeup(ctx.arg(0));
    0
}

/// `sched_wakeup_new(task)`, kernel/sched/core.c `wake_up_new_task`: a newborn thread is queued.
#[btf_tracepoint(function = "sched_wakeup_new")]
fn sched_wakeup_new(ctx: BtfTracePointContext) -> i32 {
    birth::sched_wakeup_new(ctx.arg(0));
    0
}

/// `sched_process_fork(parent, child)`, kernel/fork.c `kernel_clone`: processes and threads alike.
#[btf_tracepoint(function = "sched_process_fork")]
fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    birth::sched_process_fork(ctx.arg(0), ctx.arg(1));
    0
}

/// `sched_process_exec(task, old_pid, bprm)`, fs/exec.c `exec_binprm`: the new program is in place.
#[btf_tracepoint(function = "sched_process_exec")]
fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    birth::sched_process_exec(ctx.arg(0));
    0
}

/// `task_rename(task, name)`, fs/exec.c `__set_task_comm`: before the name changes.
#[btf_tracepoint(function = "task_rename")]
fn task_rename(ctx: BtfTracePointContext) -> i32 {
    birth::task_rename(ctx.arg(0));
    0
}

/// `page_fault_user(address, regs, error_code)`, arch/x86/mm/fault.c `trace_page_fault_entries`.
#[btf_tracepoint(function = "page_fault_user")]
fn page_fault_user(_ctx: BtfTracePointContext) -> i32 {
    fault::entered();
    0
}

/// `page_fault_kernel(address, regs, error_code)`, at the same place: the kernel touched user memory.
#[btf_tracepoint(function = "page_fault_kernel")]
fn page_fault_kernel(_ctx: BtfTracePointContext) -> i32 {
    fault::entered();
    0
}

/// The software event `page-faults-min`, mm/memory.c `mm_account_fault`: a minor fault is done.
#[perf_event]
fn minor_fault(_ctx: PerfEventContext) -> u32 {
    fault::accounted(Metric::MinorFault);
    0
}

/// The software event `page-faults-maj`, at the same place: a major fault is done.
#[perf_event]
fn major_fault(_ctx: PerfEventContext) -> u32 {
    fault::accounted(Metric::MajorFault);
    0
}

/// Task iterator (kernel/bpf/task_iter.c): closes the record of each task that belongs to the target.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
pub extern "C" fn close_all(ctx: *mut c_void) -> i32 {
    walk::close::close(ctx.cast());
    0
}

/// Task iterator: attaches to the threads of the chosen processes.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
pub extern "C" fn join_chosen(ctx: *mut c_void) -> i32 {
    walk::join::join(ctx.cast());
    0
}

/// Task iterator: closes the record of each task whose process tree is released, and forgets it in the end.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
pub extern "C" fn release(ctx: *mut c_void) -> i32 {
    walk::release::release(ctx.cast());
    0
}

/// Task iterator: writes the present state of each thread of the target into its slot.
#[unsafe(no_mangle)]
#[unsafe(link_section = "iter/task")]
pub extern "C" fn snapshot(ctx: *mut c_void) -> i32 {
    walk::snapshot::sample(ctx.cast());
    0
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The helpers used here are for GPL-compatible programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
