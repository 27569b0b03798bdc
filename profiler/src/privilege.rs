//! Capabilities: in effect only while the programs are loaded and attached, then given up.
//!
//! The target, its output and the files that are read are not trusted; none of them is touched while
//! more than [`KEPT`] is in effect.

use anyhow::{Context, Result};
use caps::{CapSet, Capability, CapsHashSet};

/// The capabilities that a profiler started as root keeps, to do what it was asked to: signal a command that runs as another
/// user, write where it was told, and hand the file to the caller.
const KEPT: [Capability; 4] =
    [Capability::CAP_KILL, Capability::CAP_DAC_OVERRIDE, Capability::CAP_FOWNER, Capability::CAP_CHOWN];

/// Kept, and out of effect: opens the software events of a CPU that comes online during the recording.
const FOR_LATE_CPUS: Capability = Capability::CAP_PERFMON;

/// Takes everything but [`KEPT`] out of effect. The rest can be raised again.
///
/// # Errors
/// If the kernel refuses, which it never does.
pub fn lower() -> Result<()> {
    let kept = permitted()?.into_iter().filter(|capability| KEPT.contains(capability)).collect();
    set(CapSet::Effective, &kept)
}

/// Runs `action` with everything in effect that this process may use.
///
/// # Errors
/// Those of `action`.
pub fn raised<T>(action: impl FnOnce() -> Result<T>) -> Result<T> {
    set(CapSet::Effective, &permitted()?)?;
    let result = action();
    lower()?;
    result
}

/// Gives up everything but [`KEPT`] and what CPUs that come online need, for this process and whatever it might execute.
///
/// # Errors
/// If the kernel refuses.
pub fn give_up() -> Result<()> {
    let permitted = permitted()?;
    set(CapSet::Effective, &permitted)?;
    if permitted.contains(&Capability::CAP_SETPCAP) {
        for capability in caps::runtime::thread_all_supported() {
            if !KEPT.contains(&capability) {
                caps::drop(None, CapSet::Bounding, capability).context("cannot give up a capability")?;
            }
        }
    }
    disinherit()?;
    let kept: CapsHashSet = permitted
        .into_iter()
        .filter(|capability| KEPT.contains(capability) || *capability == FOR_LATE_CPUS)
        .collect();
    lower()?;
    set(CapSet::Permitted, &kept)
}

/// Leaves nothing that a program executed by this process would get from it.
///
/// # Errors
/// If the kernel refuses.
pub fn disinherit() -> Result<()> {
    caps::clear(None, CapSet::Ambient).context("cannot give up ambient capabilities")?;
    caps::clear(None, CapSet::Inheritable).context("cannot give up inheritable capabilities")
}

/// True if this process may use a capability, in effect or not.
#[must_use]
pub fn may_use(capability: Capability) -> bool {
    caps::has_cap(None, CapSet::Permitted, capability).unwrap_or(false)
}

/// The number of the first user namespace (include/linux/proc_ns.h `PROC_USER_INIT_INO`).
const FIRST_USER_NAMESPACE: u64 = 0xeffffffd;

/// True if capabilities count for the whole machine, as BPF needs them. Taken to be so where /proc does not tell.
#[must_use]
pub fn in_first_user_namespace() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self/ns/user").map_or(true, |namespace| namespace.ino() == FIRST_USER_NAMESPACE)
}

fn permitted() -> Result<CapsHashSet> {
    caps::read(None, CapSet::Permitted).context("cannot read this process's capabilities")
}

fn set(which: CapSet, capabilities: &CapsHashSet) -> Result<()> {
    caps::set(None, which, capabilities).context("cannot change this process's capabilities")
}
