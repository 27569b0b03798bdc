//! The daemon: processes join and leave all the time. Each watched process tree has a number,
//! execs are reported, and a tree can be released again.

use super::{Hook, Map, Probe, Program};
use crate::kernel::load::PAGE_BYTES;
use profiler_ebpf::layout;

/// The task iterator that closes the records of released process trees, or forgets their threads, by the trees' rules.
pub(in crate::kernel) const RELEASE: &str = "release";

/// Holds 1 638 execs, each 32 bytes and 8 of header: in the 10 ms between two reads 160 000 a second would have to
/// come. What does not fit while the daemon is kept from reading is found by a scan of all processes.
const EXECS_BYTES: u32 = 1 << 16;

const FAMILIES: Map =
    Map { name: "FAMILIES", entries: |wanted| if wanted.watches { layout::FAMILIES } else { 1 } };

pub(super) static PROBE: Probe = Probe {
    programs: &[Program { name: RELEASE, hook: Hook::TaskIterator }],
    maps: &[
        FAMILIES,
        Map { name: "RULES", ..FAMILIES },
        Map { name: "EXECS", entries: |wanted| if wanted.watches { EXECS_BYTES } else { PAGE_BYTES } },
    ],
    is_wanted: |wanted| wanted.watches,
};
