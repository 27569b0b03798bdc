//! The usage of this process itself.

use crate::kernel_text::kibibytes;
use model::profile::units::{Bytes, Nanos};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use std::fs;

/// The usage of this process until now. Figures that the kernel does not give are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Own {
    /// User and system time.
    pub(super) cpu: Option<Nanos>,
    /// Memory that is resident now.
    pub(super) resident: Option<Bytes>,
}

impl Own {
    /// Asks the kernel.
    pub(super) fn read() -> Self {
        let cpu = getrusage(UsageWho::RUSAGE_SELF).ok().and_then(|usage| {
            let time = usage.user_time() + usage.system_time();
            u64::try_from(time.num_nanoseconds()).ok().map(Nanos)
        });
        let status = fs::read_to_string("/proc/self/status").ok();
        let resident = status.and_then(|status| kibibytes(&status, "VmRSS:")).map(Bytes);
        Self { cpu, resident }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let Own { cpu, resident } = Own::read();
        assert!(cpu.unwrap() > Nanos(0));
        assert!(resident.unwrap() > Bytes(0));
    }
}
