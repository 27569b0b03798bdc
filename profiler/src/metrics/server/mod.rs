//! Answers `GET /metrics`. No request changes anything, and the body of none is read.

mod access;
mod answer;
mod listen;
mod negotiate;
#[cfg(test)]
mod tests;
mod text;

use super::Metrics;
use super::config::MetricsConfig;
use crate::unix_socket::SocketFile;
use access::Access;
use answer::Answers;
use anyhow::Result;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use listen::{Connection, Listener};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// Connections at a time of each listener; further ones wait.
const MAX_CONNECTIONS: usize = 16;

/// The most time that a request's head, and before that the TLS handshake, may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// The most time that a connection may last in all: several times what Prometheus waits for a scrape by default (10 s).
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);

/// The most that a request's head may be: what a proxy adds fits in it.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Until the next connection is tried if the kernel has no descriptors left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Listens as long as it lives.
pub struct Server {
    config: MetricsConfig,
    access: Arc<RwLock<Arc<Access>>>,
    address: Option<SocketAddr>,
    _socket: Option<SocketFile>,
    /// One for each listener; dropping it ends them, and all their connections.
    tasks: JoinSet<()>,
}

impl Server {
    /// Listens where the configuration says. To be called on a runtime.
    ///
    /// # Errors
    /// If the configuration is not sound, a file can't be used, or the kernel refuses to listen.
    pub fn start(config: &MetricsConfig, metrics: Arc<Metrics>) -> Result<Self> {
        config.check()?;
        let access = Arc::new(RwLock::new(Arc::new(Access::read(config)?)));
        let answers = Arc::new(Answers::new(metrics));
        let mut tasks = JoinSet::new();
        let address = config.address.map(Listener::address).transpose()?;
        let local_address = address.as_ref().and_then(Listener::local_address);
        let socket = config.socket.as_deref().map(Listener::socket).transpose()?;
        let (file, socket) = socket.unzip();
        for listener in [address, socket].into_iter().flatten() {
            tasks.spawn(serve(listener, Arc::clone(&access), Arc::clone(&answers)));
        }
        Ok(Self { config: config.clone(), access, address: local_address, _socket: file, tasks })
    }

    /// Ends it, all connections too; when this returns, another one can listen in its place.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }

    /// Reads token, certificate and key again, for connections from now on.
    ///
    /// # Errors
    /// If one can't be used: what was read before stays in use.
    pub fn reload(&self) -> Result<()> {
        let access = Arc::new(Access::read(&self.config)?);
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = access;
        Ok(())
    }

    /// The address, with the port that the kernel chose if the configuration said 0.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }
}

/// Accepts until it is dropped.
async fn serve(listener: Listener, access: Arc<RwLock<Arc<Access>>>, answers: Arc<Answers>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        // Those that have ended are forgotten.
        while connections.try_join_next().is_some() {}
        let connection = match listener.accept().await {
            Ok(connection) => connection,
            Err(error) => {
                tracing::warn!("cannot accept a connection for metrics: {error}");
                sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let access = Arc::clone(&access.read().unwrap_or_else(PoisonError::into_inner));
        let answers = Arc::clone(&answers);
        connections.spawn(async move {
            if timeout(CONNECTION_TIMEOUT, converse(connection, access, answers)).await.is_err() {
                tracing::debug!("a reader of metrics took longer than {CONNECTION_TIMEOUT:?}");
            }
            drop(place);
        });
    }
}

/// Speaks TLS if there is any. What comes through the socket was let in by its mode.
async fn converse(connection: Connection, access: Arc<Access>, answers: Arc<Answers>) {
    match connection {
        Connection::Socket(stream) => answer(stream, None, answers).await,
        Connection::Address(stream) => match &access.tls {
            None => answer(stream, Some(access), answers).await,
            Some(tls) => match timeout(HEAD_TIMEOUT, tls.accept(stream)).await {
                Ok(Ok(stream)) => answer(stream, Some(access), answers).await,
                Ok(Err(error)) => tracing::debug!("no TLS with a reader of metrics: {error}"),
                Err(_) => tracing::debug!("a reader of metrics did not speak TLS in time"),
            },
        },
    }
}

/// One request: with the connection closed after it, nobody occupies one by waiting.
async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    access: Option<Arc<Access>>,
    answers: Arc<Answers>,
) {
    let service = service_fn(|request| {
        let (access, answers) = (access.clone(), Arc::clone(&answers));
        async move { Ok::<_, Infallible>(answers.to(&request, access.as_deref()).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!("a reader of metrics was not answered: {error}");
    }
}
