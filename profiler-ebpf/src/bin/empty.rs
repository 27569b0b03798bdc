//! Empty programs on the hooks of the switch metrics and of the fault metrics: what the hooks themselves cost. `cargo xtask bench`
//! measures against them; no shipped program contains them.
#![no_std]
#![no_main]
#![allow(
    missing_docs,
    reason = "the macros of aya-ebpf put an entry point's documentation on an inner function"
)]
#![allow(unreachable_pub, reason = "the macros of aya-ebpf make every entry point public")]

use aya_ebpf::{
    macros::{btf_tracepoint, perf_event},
    programs::{BtfTracePointContext, PerfEventContext},
};

#[btf_tracepoint(function = "sched_switch")]
fn sched_switch(_ctx: BtfTracePointContext) -> i32 {
    0
}

#[btf_tracepoint(function = "sched_waking")]
fn sched_waking(_ctx: BtfTracePointContext) -> i32 {
    0
}

#[btf_tracepoint(function = "page_fault_user")]
fn page_fault_user(_ctx: BtfTracePointContext) -> i32 {
    0
}

#[perf_event]
fn minor_fault(_ctx: PerfEventContext) -> u32 {
    0
}

#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
