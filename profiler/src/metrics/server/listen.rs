//! Listeners: a unix socket, an address.

use crate::unix_socket::SocketFile;
use anyhow::{Context as _, Result};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
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

    /// Listens on a unix socket, whose file comes with it.
    ///
    /// # Errors
    /// If another process listens on it, something else is there, or the kernel refuses it.
    pub(super) fn socket(path: &Path) -> Result<(SocketFile, Self)> {
        let (file, listener) =
            SocketFile::bind(path, SOCKET_MODE).context("cannot show metrics (metrics.socket)")?;
        Ok((file, Self::Socket(listener)))
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
