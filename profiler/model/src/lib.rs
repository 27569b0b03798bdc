//! A profile as plain data: what one run recorded, what it means, and the file it is kept in.
//!
//! Comes in: bytes of a file, or what a recording counted. Goes out: a [`profile::Profile`], checked, for everything
//! that shows one. Nothing here needs the kernel, root, or the machine that recorded.

pub mod losses;
pub mod outside_text;
pub mod profile;

pub use profiler_ebpf::{buckets, metric};
