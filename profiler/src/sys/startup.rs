//! State of this process that Rust's runtime changes before `main`: it opens /dev/null on each standard
//! descriptor that is closed, and ignores SIGPIPE (library/std/src/sys/pal/unix/mod.rs `init`). A /dev/null that the
//! caller opened can't be told from one of the runtime's afterwards, so both are noted by a function that the loader
//! calls before the runtime begins.

use super::signals;
use nix::libc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// A bit for each standard descriptor that was closed.
static CLOSED: AtomicU8 = AtomicU8::new(0);

static IGNORES_SIGPIPE: AtomicBool = AtomicBool::new(false);

/// Descriptors 0 to 2: standard input, output and error.
const STANDARD: std::ops::Range<i32> = 0..3;

/// Called by the loader, once, before `main`.
// SAFETY: the section holds pointers to functions that take no arguments or leave them alone (System V gABI,
// "Initialization and Termination Functions"), and `note` needs nothing that the runtime sets up.
#[used]
#[unsafe(link_section = ".init_array")]
static NOTE: extern "C" fn() = note;

extern "C" fn note() {
    let closed =
        STANDARD.filter(|descriptor| !is_open(*descriptor)).fold(0, |bits, closed| bits | 1 << closed);
    CLOSED.store(closed, Ordering::Relaxed);
    IGNORES_SIGPIPE.store(signals::is_ignored(libc::SIGPIPE), Ordering::Relaxed);
}

fn is_open(descriptor: i32) -> bool {
    // SAFETY: asks for a descriptor's flags by its number, and changes nothing.
    (unsafe { libc::fcntl(descriptor, libc::F_GETFD) }) != -1
}

/// The standard descriptors that the caller had closed.
pub(crate) fn closed() -> impl Iterator<Item = i32> {
    let closed = CLOSED.load(Ordering::Relaxed);
    STANDARD.filter(move |descriptor| closed >> descriptor & 1 == 1)
}

/// True if the caller had this standard descriptor closed: what is written to it now is lost.
pub(crate) fn was_closed(descriptor: i32) -> bool {
    closed().any(|closed| closed == descriptor)
}

/// True if the caller ignored SIGPIPE, as this process does in any case from `main` on.
pub(crate) fn ignored_sigpipe() -> bool {
    IGNORES_SIGPIPE.load(Ordering::Relaxed)
}
