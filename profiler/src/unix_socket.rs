//! A unix socket that is listened on, in the place of one that a process left behind.

use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// The file of such a socket, removed with this.
pub(crate) struct SocketFile(PathBuf);

impl SocketFile {
    /// Makes it with a mode (who may write may connect), and its folder, and listens on it. To be called on a runtime.
    ///
    /// # Errors
    /// If another process listens on it, something else is there, or the kernel refuses it.
    pub(crate) fn bind(path: &Path, mode: u32) -> Result<(Self, UnixListener)> {
        Self::try_bind(path, mode).with_context(|| format!("cannot listen on the socket {}", path.display()))
    }

    fn try_bind(path: &Path, mode: u32) -> Result<(Self, UnixListener)> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).context("cannot make its folder")?;
        }
        remove_stale(path)?;
        // Until its mode is set, others may connect if the umask lets them write, which none of a service does.
        let listener = UnixListener::bind(path)?;
        let file = Self(path.to_owned());
        fs::set_permissions(path, Permissions::from_mode(mode)).context("cannot set its mode")?;
        Ok((file, listener))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A file that is left behind is replaced at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

/// Removes a socket that nobody listens on any more: its process was killed.
fn remove_stale(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => bail!("something else is there"),
        Ok(_) if is_listened_on(path)? => {
            bail!("another process listens on it; stop that one, or choose another place")
        }
        Ok(_) => fs::remove_file(path).context("cannot remove the one that was left behind"),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Does not wait for a process that accepts nobody.
fn is_listened_on(path: &Path) -> Result<bool> {
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    let probe = socket(AddressFamily::Unix, SockType::Stream, flags, None).context("cannot make a socket")?;
    match connect(probe.as_raw_fd(), &UnixAddr::new(path)?) {
        // Its queue is full.
        Ok(()) | Err(Errno::EAGAIN) => Ok(true),
        Err(Errno::ECONNREFUSED) => Ok(false),
        Err(error) => Err(error).context("one is there already, and whether it is in use can't be told"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::socket::{Backlog, bind, listen};
    use std::os::unix::net::{UnixDatagram, UnixStream};

    fn refused(path: &Path) -> String {
        format!("{:#}", SocketFile::bind(path, 0o600).err().unwrap())
    }

    #[tokio::test]
    async fn one_left_behind_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/here.sock");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let (left, listener) = SocketFile::bind(&path, 0o660).unwrap();
        assert_eq!(mode(), 0o660);
        std::mem::forget(left);
        drop(listener);
        let (file, _listener) = SocketFile::bind(&path, 0o666).unwrap();
        assert_eq!(mode(), 0o666);
        UnixStream::connect(&path).unwrap();
        drop(file);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn one_that_is_listened_on_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("live.sock");
        let (_file, _listener) = SocketFile::bind(&path, 0o600).unwrap();
        let said = refused(&path);
        assert!(said.contains("live.sock") && said.contains("another process listens on it"), "{said}");
        UnixStream::connect(&path).unwrap();
    }

    #[tokio::test]
    async fn one_whose_queue_is_full_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full.sock");
        let listener = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).unwrap();
        bind(listener.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
        listen(&listener, Backlog::new(0).unwrap()).unwrap();
        let _waits = UnixStream::connect(&path).unwrap();
        let said = refused(&path);
        assert!(said.contains("another process listens on it"), "{said}");
    }

    #[tokio::test]
    async fn what_is_no_such_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        fs::write(&path, "mine").unwrap();
        assert!(refused(&path).contains("something else is there"), "{}", refused(&path));
        assert_eq!(fs::read(&path).unwrap(), b"mine");

        let path = folder.path().join("datagrams.sock");
        let _other = UnixDatagram::bind(&path).unwrap();
        assert!(refused(&path).contains("can't be told"), "{}", refused(&path));
        assert!(path.exists());
    }
}
