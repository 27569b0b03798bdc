//! Notifications to the service manager (sd_notify(3)). Without one nothing is done.
//!
//! The daemon never waits for it: what its socket has no room for is sent with what comes next, in order.

use anyhow::{Context as _, Result, bail};
use sd_notify::NotifyState;
use std::collections::VecDeque;
use std::env;
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Messages that wait for room: many reloads. When there are more the oldest is given up.
const WAITING_MAX: usize = 16;

/// The service manager.
pub(super) struct ServiceManager {
    /// `None`: there is no manager.
    socket: Option<(UnixDatagram, SocketAddr)>,
    waiting: VecDeque<String>,
}

impl ServiceManager {
    /// The one that started the daemon. One that can't be told anything is logged, and there is none then.
    pub(super) fn find() -> Self {
        let socket = env::var_os("NOTIFY_SOCKET").map(|name| open(&name)).transpose();
        let socket = socket.unwrap_or_else(|error| {
            tracing::warn!("cannot tell the service manager anything: {error:#}");
            None
        });
        Self { socket, waiting: VecDeque::new() }
    }

    pub(super) fn ready(&mut self) {
        self.tell(&[NotifyState::Ready]);
    }

    /// With the time, which tells systemd which reload is over when the daemon is ready again.
    pub(super) fn reloading(&mut self) {
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.tell(&[NotifyState::Reloading, now]),
            Err(error) => tracing::warn!("cannot tell the service manager of the reload: {error}"),
        }
    }

    pub(super) fn stopping(&mut self) {
        self.tell(&[NotifyState::Stopping]);
    }

    /// The daemon's loop goes round.
    pub(super) fn alive(&mut self) {
        self.send();
        if self.waiting.is_empty() && sd_notify::watchdog_enabled().is_some() {
            self.tell(&[NotifyState::Watchdog]);
        }
    }

    /// The newest is enough.
    pub(super) fn status(&mut self, text: &str) {
        self.waiting.retain(|message| !message.starts_with("STATUS="));
        self.tell(&[NotifyState::Status(text)]);
    }

    /// One message, with a state in each line.
    fn tell(&mut self, states: &[NotifyState<'_>]) {
        if self.socket.is_none() {
            return;
        }
        if self.waiting.len() == WAITING_MAX {
            self.waiting.pop_front();
        }
        self.waiting.push_back(states.iter().map(|state| format!("{state}\n")).collect());
        self.send();
    }

    fn send(&mut self) {
        let Some((socket, address)) = &self.socket else { return };
        while let Some(message) = self.waiting.front() {
            match socket.send_to_addr(message.as_bytes(), address) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => tracing::warn!("cannot tell the service manager: {error}"),
                Ok(_all) => {}
            }
            self.waiting.pop_front();
        }
    }
}

/// A socket of its own, to send to the one with this name: a path, or `@` and the name of an abstract one. It is connected
/// to nothing, so that a manager that opens its socket again is told as before.
fn open(name: &OsStr) -> Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name),
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => bail!("NOTIFY_SOCKET is neither a path nor an abstract name: {}", name.display()),
    };
    let address = address.with_context(|| format!("NOTIFY_SOCKET is no address: {}", name.display()))?;
    let socket = UnixDatagram::unbound().context("cannot open a socket")?;
    socket.set_nonblocking(true).context("cannot open a socket that doesn't block")?;
    Ok((socket, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A manager's end with an abstract name, and who tells it.
    fn manager(name: &str) -> (UnixDatagram, ServiceManager) {
        let name = format!("@profiler-{name}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name[1..]).unwrap();
        (end(&address), telling(OsStr::new(&name)))
    }

    fn end(address: &SocketAddr) -> UnixDatagram {
        let end = UnixDatagram::bind_addr(address).unwrap();
        end.set_nonblocking(true).unwrap();
        end
    }

    fn telling(name: &OsStr) -> ServiceManager {
        ServiceManager { socket: Some(open(name).unwrap()), waiting: VecDeque::new() }
    }

    fn read(end: &UnixDatagram) -> Option<String> {
        let mut message = [0; 256];
        let length = end.recv(&mut message).ok()?;
        Some(String::from_utf8(message[..length].to_vec()).unwrap())
    }

    #[test]
    fn a_manager_that_reads_nothing_holds_nobody_up_and_is_told_the_newest_later() {
        let (end, mut manager) = manager("full");
        let mut told = 0;
        while manager.waiting.is_empty() {
            manager.status(&told.to_string());
            told += 1;
        }
        // Each of these would block, were it not for the queue.
        manager.ready();
        manager.status("newest");
        manager.stopping();
        manager.alive();
        assert_eq!(manager.waiting, ["READY=1\n", "STATUS=newest\n", "STOPPING=1\n"]);

        let taken = std::iter::from_fn(|| read(&end)).count();
        assert_eq!(taken, told - 1, "what the socket had room for");
        manager.alive();
        let later: Vec<_> = std::iter::from_fn(|| read(&end)).collect();
        assert_eq!(later, ["READY=1\n", "STATUS=newest\n", "STOPPING=1\n"]);
        assert!(manager.waiting.is_empty());
    }

    #[test]
    fn what_waits_is_bounded() {
        let (_end, mut manager) = manager("bounded");
        while manager.waiting.len() < WAITING_MAX {
            manager.reloading();
        }
        manager.ready();
        assert_eq!(manager.waiting.len(), WAITING_MAX);
        assert_eq!(manager.waiting.back().unwrap(), "READY=1\n");
    }

    #[test]
    fn messages_are_those_of_sd_notify() {
        let (end, mut manager) = manager("messages");
        manager.ready();
        manager.reloading();
        manager.stopping();
        assert_eq!(read(&end).unwrap(), "READY=1\n");
        let reloading = read(&end).unwrap();
        let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap();
        assert!(time.trim_end().parse::<u64>().unwrap() > 0);
        assert_eq!(read(&end).unwrap(), "STOPPING=1\n");
    }

    #[test]
    fn a_manager_that_comes_back_is_told_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let address = SocketAddr::from_pathname(&path).unwrap();
        let first = end(&address);
        let mut manager = telling(path.as_os_str());
        drop(first);
        manager.ready();
        assert!(manager.waiting.is_empty(), "it is not tried again for ever");

        std::fs::remove_file(&path).unwrap();
        let second = end(&address);
        manager.stopping();
        assert_eq!(read(&second).unwrap(), "STOPPING=1\n");
    }

    #[test]
    fn only_sockets_of_this_machine_are_told() {
        assert!(open(OsStr::new("vsock:2:1")).is_err());
    }
}
