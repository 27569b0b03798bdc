//! Mounts that only a test and what it starts see.

use std::process::Command;

/// A shell script in a mount namespace of its own, which takes arguments.
///
/// `unshare` would make all mounts private by itself, but only where the root is a mount point, which it need not be in
/// a chroot. There a mount can reach the mounts outside: a script makes what it mounts on private, or unmounts it
/// again.
pub(crate) fn in_own_mounts(script: &str) -> Command {
    const PRIVATE: &str = "mount --make-rprivate / 2> /dev/null";
    let script = format!("{PRIVATE}\n{script}");
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "unchanged", "sh", "-c", &script, "sh"]);
    command
}
