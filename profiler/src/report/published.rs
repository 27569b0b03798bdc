//! Figures published by others, measured on another machine; shown beside ours and marked as such.

use model::profile::units::{Bytes, Nanos};

/// A published comparison of two programs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Published {
    /// The command.
    pub what: &'static str,
    /// The machine.
    pub machine: &'static str,
    /// The two programs.
    pub runs: [PublishedRun; 2],
    /// The published winner of each question, in the order in which the report asks them.
    pub winners: [&'static str; 5],
}

/// One program's published figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedRun {
    /// The program.
    pub title: &'static str,
    /// Published to 10 ms.
    pub wall_ns: Nanos,
    /// Published to 10 ms.
    pub user_ns: Nanos,
    /// Published to 10 ms.
    pub system_ns: Nanos,
    /// Published to 1 %.
    pub cpu_percent: u32,
    /// Published to 0.1 MB.
    pub max_rss_bytes: Bytes,
    /// Voluntary switches.
    pub voluntary_switches: u64,
    /// Involuntary switches.
    pub involuntary_switches: u64,
    /// Minor faults.
    pub minor_faults: u64,
    /// Major faults.
    pub major_faults: u64,
    /// Tasks done.
    pub tasks: u64,
    /// As printed in the publication.
    pub effective_concurrency: &'static str,
    /// As worded in the publication.
    pub scheduler: &'static str,
}

/// The article whose experiment `profiler run --article` repeats: 1000 calls that wait 3 s each, in Python.
pub const ARTICLE: Published = Published {
    what: "1,000 tasks of 3 s in Python",
    machine: "AMD Ryzen 7 PRO 5875U, 16 hardware threads",
    runs: [
        PublishedRun {
            title: "asyncio",
            wall_ns: Nanos(3_080_000_000),
            user_ns: Nanos(60_000_000),
            system_ns: Nanos(20_000_000),
            cpu_percent: 2,
            max_rss_bytes: Bytes(21_800_000),
            voluntary_switches: 226,
            involuntary_switches: 57,
            minor_faults: 3296,
            major_faults: 0,
            tasks: 1000,
            effective_concurrency: "1,000",
            scheduler: "user space (event loop)",
        },
        PublishedRun {
            title: "ThreadPoolExecutor",
            wall_ns: Nanos(150_060_000_000),
            user_ns: Nanos(90_000_000),
            system_ns: Nanos(50_000_000),
            cpu_percent: 0,
            max_rss_bytes: Bytes(13_900_000),
            voluntary_switches: 83,
            involuntary_switches: 4,
            minor_faults: 2140,
            major_faults: 0,
            tasks: 1000,
            effective_concurrency: "~32",
            scheduler: "kernel (OS threads)",
        },
    ],
    winners: ["asyncio", "asyncio", "asyncio", "ThreadPoolExecutor", "asyncio"],
};
