//! Where requests come in: a unix socket, an address.

use anyhow::{Context as _, Result, bail};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Owner and group may connect, which takes the right to write.
const SOCKET_MODE: u32 = 0o660;

/// A place that is listened on.
pub(super) enum Listener {
    Address(TcpListener),
    Socket(UnixListener),
}

/// A connection from there.
pub(super) enum Connection {
    Address(TcpStream),
    Socket(UnixStream),
}

impl Listener {
    /// Listens on an address.
    ///
    /// # Errors
    /// If the kernel refuses it.
    pub(super) fn address(address: SocketAddr) -> Result<Self> {
        let bind = || -> io::Result<TcpListener> {
            let listener = std::net::TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        };
        bind().map(Self::Address).with_context(|| format!("cannot listen on {address}"))
    }

    /// The next connection.
    pub(super) async fn accept(&self) -> io::Result<Connection> {
        match self {
            Self::Address(listener) => listener.accept().await.map(|(stream, _)| Connection::Address(stream)),
            Self::Socket(listener) => listener.accept().await.map(|(stream, _)| Connection::Socket(stream)),
        }
    }

    /// The address, with the port that the kernel chose.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Address(listener) => listener.local_addr().ok(),
            Self::Socket(_) => None,
        }
    }
}

/// The file of a unix socket, removed with this.
pub(super) struct SocketFile(PathBuf);

impl SocketFile {
    /// Makes it, in the place of one that a process left behind that is gone, and listens on it.
    ///
    /// # Errors
    /// If another process listens on it, something else is there, or the kernel refuses it.
    pub(super) fn bind(path: &Path) -> Result<(Self, Listener)> {
        Self::try_bind(path).with_context(|| format!("cannot listen on the socket {}", path.display()))
    }

    fn try_bind(path: &Path) -> Result<(Self, Listener)> {
        match fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => bail!("something else is there"),
            Ok(_) if StdUnixStream::connect(path).is_ok() => bail!("another process listens on it"),
            Ok(_) => fs::remove_file(path).context("cannot remove the one that was left behind")?,
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
        // Until its mode is set, others may connect if the umask lets them write, which none of a service does.
        let listener = UnixListener::bind(path)?;
        let file = Self(path.to_owned());
        fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE)).context("cannot set its mode")?;
        Ok((file, Listener::Socket(listener)))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // What is left behind is replaced at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_left_behind_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.sock");
        let first = SocketFile::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, SOCKET_MODE);
        let refused = format!("{:#}", SocketFile::bind(&path).err().unwrap());
        assert!(refused.contains("another process listens on it"), "{refused}");

        let (file, listener) = first;
        drop(listener);
        assert!(path.exists());
        let again = SocketFile::bind(&path).unwrap();
        std::mem::forget(file);
        drop(again);
        assert!(!path.exists());

        fs::write(&path, "text").unwrap();
        let refused = format!("{:#}", SocketFile::bind(&path).err().unwrap());
        assert!(refused.contains("something else is there"), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), b"text");
    }
}
