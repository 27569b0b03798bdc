//! The remedy of a refusal: it hangs on what the kernel answered, not on what was asked.

use crate::privilege;
use nix::errno::Errno;
use std::error::Error as _;
use std::path::Path;

/// The kernel's answer, if that is why something failed.
pub(crate) fn answer(error: &anyhow::Error) -> Option<Errno> {
    error.chain().find_map(|cause| {
        let io = cause.downcast_ref::<std::io::Error>();
        let number = io.and_then(std::io::Error::raw_os_error).map(Errno::from_raw);
        number.or_else(|| cause.downcast_ref::<Errno>().copied())
    })
}

/// Likewise of an error of the standard library.
pub(crate) fn answer_of(error: &std::io::Error) -> Option<Errno> {
    let inner = || error.source()?.downcast_ref::<std::io::Error>()?.raw_os_error();
    error.raw_os_error().or_else(inner).map(Errno::from_raw)
}

/// The remedy of a limit that anything may meet.
pub(crate) fn of_limit(answer: Errno) -> Option<&'static str> {
    match answer {
        Errno::EMFILE => Some("raise the limit of open files: ulimit -n 1024"),
        Errno::ENFILE => Some("the machine has too many open files: raise the sysctl fs.file-max"),
        Errno::ENOMEM => Some("free some memory, or raise the limit of the control group"),
        Errno::EAGAIN => Some("raise the limit of processes: ulimit -u, or pids.max of the control group"),
        _ => None,
    }
}

/// The remedy of a refusal of programs, their maps or their hooks.
pub(crate) fn of_bpf(answer: Option<Errno>) -> &'static str {
    const REPORT: &str = "please report it, with these words and your kernel's version (uname -r)";
    match answer {
        Some(Errno::EPERM) if !privilege::in_first_user_namespace() => OUTSIDE,
        Some(Errno::EPERM) => {
            "something forbids bpf or perf_event_open here: the seccomp filter of a container (docker run --privileged), \
             or a security module"
        }
        Some(Errno::ENOSYS) => "boot a kernel built with CONFIG_BPF_SYSCALL=y and CONFIG_PERF_EVENTS=y",
        Some(Errno::ENOMEM) => {
            "free some memory, raise the limit of the control group, or lower --max-threads and --histogram-memory"
        }
        Some(limit) => of_limit(limit).unwrap_or(REPORT),
        None => REPORT,
    }
}

/// The remedy of a file of /proc that is not there, if that is since nothing is.
pub(crate) fn of_proc(answer: Option<Errno>) -> Option<&'static str> {
    (answer == Some(Errno::ENOENT) && is_proc_missing()).then_some("mount it: mount -t proc proc /proc")
}

/// True if nothing is mounted on /proc.
pub(crate) fn is_proc_missing() -> bool {
    !Path::new("/proc/self").exists()
}

/// The error of a file of /proc that can't be read.
pub(crate) fn unreadable(path: &str, error: std::io::Error) -> anyhow::Error {
    let remedy = of_proc(answer_of(&error)).map_or_else(String::new, |remedy| format!("; {remedy}"));
    anyhow::Error::from(error).context(format!("cannot read {path}{remedy}"))
}

/// The remedy of capabilities that count for nothing.
pub(crate) const OUTSIDE: &str = "run it outside of the user namespace (unshare, a rootless container): its capabilities do not count for BPF";

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn a_remedy_hangs_on_the_answer() {
        for (errno, part) in [
            (Errno::EMFILE, "ulimit -n"),
            (Errno::ENOMEM, "--max-threads"),
            (Errno::ENOSYS, "CONFIG_BPF_SYSCALL"),
            (Errno::EINVAL, "please report it"),
        ] {
            assert!(of_bpf(Some(errno)).contains(part), "{errno}");
        }
        assert!(!of_bpf(Some(Errno::EPERM)).contains("report"));
    }

    #[test]
    fn the_answer_is_found_below_other_words() {
        let failed: anyhow::Result<()> =
            Err(std::io::Error::from_raw_os_error(Errno::EMFILE as i32)).context("a").context("b");
        assert_eq!(answer(&failed.unwrap_err()), Some(Errno::EMFILE));
        assert_eq!(answer(&anyhow::Error::from(Errno::EPERM).context("c")), Some(Errno::EPERM));
        assert_eq!(answer(&anyhow::anyhow!("words alone")), None);
    }
}
