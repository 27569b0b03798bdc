//! Signals by their numbers: `nix` has no names for those for real-time use, and no safe way to set a disposition.

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SigHandler, Signal, signal as set_handler};
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// Has this process ignore a signal, or take the kernel's default.
pub(crate) fn set_ignored(signal: Signal, is_ignored: bool) -> io::Result<()> {
    let handler = if is_ignored { SigHandler::SigIgn } else { SigHandler::SigDfl };
    // SAFETY: no handler is installed that could do what must not be done in one, and no code here relies on the old one.
    unsafe { set_handler(signal, handler) }?;
    Ok(())
}

/// True if this process ignores a signal.
pub(crate) fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: sets nothing, and writes the present action to a variable of its type.
    let result = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: where nothing was written it is all zeros, which is an action too: the default one.
    let action = unsafe { action.assume_init() };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// The bytes of the kernel's own set of signals, a bit for each (include/uapi/asm-generic/signal.h `sigset_t`).
const SET_BYTES: usize = size_of::<u64>();

/// The signals that this thread blocks: a bit for each, that of signal 1 first.
pub(crate) fn blocked() -> io::Result<u64> {
    let mut blocked = 0_u64;
    let none = ptr::null::<u64>();
    // SAFETY: the kernel writes `SET_BYTES` to the last pointer, which is to a variable of that size.
    let result = unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_BLOCK, none, &raw mut blocked, SET_BYTES)
    };
    Errno::result(result)?;
    Ok(blocked)
}

/// Has this thread block these signals and no others. Those that have come and are let through now take effect.
pub(crate) fn block_only(blocked: u64) -> io::Result<()> {
    let no_old = ptr::null_mut::<u64>();
    // SAFETY: the kernel reads `SET_BYTES` from the first pointer, which is to a variable of that size.
    let result = unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const blocked, no_old, SET_BYTES)
    };
    Errno::result(result)?;
    Ok(())
}

/// Sends a process a signal.
pub(crate) fn send(pid: i32, signal: i32) -> io::Result<()> {
    // SAFETY: takes numbers only.
    Errno::result(unsafe { libc::kill(pid, signal) })?;
    Ok(())
}

/// Sends a process a signal with a value, as sigqueue(3) does.
pub(crate) fn send_with(pid: i32, signal: i32, value: u64) -> io::Result<()> {
    let value = libc::sigval { sival_ptr: value as *mut _ };
    // SAFETY: takes numbers only: the value is handed to the process as it is, and followed by nobody here.
    Errno::result(unsafe { libc::sigqueue(pid, signal, value) })?;
    Ok(())
}
