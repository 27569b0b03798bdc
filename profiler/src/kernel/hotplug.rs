//! CPUs that go away and come back while a recording is under way.
//!
//! The software events that end a fault are opened for each CPU, and the kernel removes them with the CPU
//! (kernel/events/core.c `perf_event_exit_cpu`): when it comes back, they have to be opened again. The kernel tells
//! of both by a message that waits in a socket until it is read, so that no change is missed between two reads.

use anyhow::{Context, Result, anyhow};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, socket,
};
use std::collections::BTreeSet;
use std::os::fd::{AsRawFd as _, OwnedFd};

/// The multicast group of the kernel's own messages (lib/kobject_uevent.c `uevent_net_broadcast_untagged`).
const KERNEL_GROUP: u32 = 1;

/// No message is longer (include/linux/kobject.h `UEVENT_BUFFER_SIZE`).
const MESSAGE_BYTES: usize = 2048;

/// A change of a CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Online(u32),
    Offline(u32),
    /// More messages came than the socket holds: some CPU may have come online.
    Unknown,
}

/// The CPUs whose faults are watched.
pub(super) struct Cpus {
    socket: OwnedFd,
    watched: BTreeSet<u32>,
    late: u64,
}

impl Cpus {
    /// Listens from here on, with the CPUs that are online now as those to be watched.
    pub(super) fn listen() -> Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Datagram,
            SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkKObjectUEvent,
        )
        .context("cannot listen for CPUs that come and go")?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, KERNEL_GROUP))
            .context("cannot listen for CPUs that come and go")?;
        Ok(Self { socket, watched: online()?, late: 0 })
    }

    pub(super) fn watched(&self) -> &BTreeSet<u32> {
        &self.watched
    }

    /// CPUs that came online during the recording.
    pub(super) fn late(&self) -> u64 {
        self.late
    }

    /// The CPUs that came online since the last time, to be watched from now on.
    pub(super) fn arrived(&mut self) -> Result<Vec<u32>> {
        let mut arrived = Vec::new();
        while let Some(change) = self.next_change()? {
            match change {
                // A CPU that came online between the start of listening and the read of the online CPUs is watched
                // already.
                Change::Online(cpu) if self.watched.insert(cpu) => arrived.push(cpu),
                Change::Online(_) => {}
                Change::Offline(cpu) => {
                    self.watched.remove(&cpu);
                    arrived.retain(|&other| other != cpu);
                }
                Change::Unknown => self.late += 1,
            }
        }
        self.late += arrived.len() as u64;
        Ok(arrived)
    }

    fn next_change(&self) -> Result<Option<Change>> {
        let mut message = [0; MESSAGE_BYTES];
        loop {
            match recv(self.socket.as_raw_fd(), &mut message, MsgFlags::empty()) {
                Ok(length) => match change(&message[..length]) {
                    Some(change) => return Ok(Some(change)),
                    None => continue,
                },
                Err(Errno::EAGAIN) => return Ok(None),
                Err(Errno::ENOBUFS) => return Ok(Some(Change::Unknown)),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error).context("cannot hear of CPUs that come and go"),
            }
        }
    }
}

/// The CPUs that are online.
pub(super) fn online() -> Result<BTreeSet<u32>> {
    let cpus = aya::util::online_cpus()
        .map_err(|(file, error)| anyhow!(error).context(format!("cannot read {file}")))?;
    Ok(cpus.into_iter().collect())
}

/// The change that a message announces, if it is of a CPU: `online@/devices/system/cpu/cpu1`, a zero, and its
/// variables.
fn change(message: &[u8]) -> Option<Change> {
    let head = std::str::from_utf8(message.split(|&byte| byte == 0).next()?).ok()?;
    let (action, device) = head.split_once('@')?;
    let cpu = device.strip_prefix("/devices/system/cpu/cpu")?.parse().ok()?;
    match action {
        "online" => Some(Change::Online(cpu)),
        "offline" => Some(Change::Offline(cpu)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_of_cpus_are_understood() {
        assert_eq!(change(b"online@/devices/system/cpu/cpu12\0ACTION=online\0"), Some(Change::Online(12)));
        assert_eq!(change(b"offline@/devices/system/cpu/cpu1\0"), Some(Change::Offline(1)));
        assert_eq!(change(b"change@/devices/system/cpu/cpu1\0"), None);
        assert_eq!(change(b"online@/devices/system/memory/memory1\0"), None);
        assert_eq!(change(b"online@/devices/system/cpu/cpu1/cache\0"), None);
        assert_eq!(change(b""), None);
        assert_eq!(change(b"\xff@\0"), None);
    }
}
