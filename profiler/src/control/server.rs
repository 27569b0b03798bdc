//! The daemon's end of the socket. A peer that is slow or silent holds up nobody but itself.

use super::config::ControlConfig;
use super::peers::Allowed;
use super::protocol::{Answer, LONGEST_REQUEST, Request};
use crate::outside_text::excerpt;
use crate::unix_socket::SocketFile;
use anyhow::{Context as _, Result};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::spawn_local;
use tokio::time::timeout;

/// Everybody may connect: who may not use it is told so, and logged.
const SOCKET_MODE: u32 = 0o666;

/// How long a peer may take to write a request, or to read the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Peers that are served at a time; others wait for their turn in the kernel's queue.
const MOST_PEERS: usize = 16;

/// Requests that wait for the daemon, one of each peer.
const WAITING: usize = MOST_PEERS;

/// A request, and where the answer goes.
pub struct Asked {
    /// The request.
    pub request: Request,
    /// Takes the answer.
    pub answer: oneshot::Sender<Answer>,
}

/// The socket. Dropping it removes it.
pub struct Server {
    _file: SocketFile,
    allowed: Rc<RefCell<Allowed>>,
    asked: mpsc::Receiver<Asked>,
}

impl Server {
    /// Opens the socket and serves it from then on, within a local task set.
    ///
    /// # Errors
    /// If it can't be opened, or another daemon has it.
    pub fn open(config: &ControlConfig) -> Result<Self> {
        let (file, listener) = SocketFile::bind(&config.socket, SOCKET_MODE)
            .context("cannot open the control socket (control.socket)")?;
        let allowed = Rc::new(RefCell::new(Allowed::by(config)?));
        let (ask, asked) = mpsc::channel(WAITING);
        spawn_local(serve(listener, allowed.clone(), ask));
        Ok(Self { _file: file, allowed, asked })
    }

    /// Takes on who may use it.
    ///
    /// # Errors
    /// If somebody who is named does not exist.
    pub fn allow(&self, config: &ControlConfig) -> Result<()> {
        self.allowed.replace(Allowed::by(config)?);
        Ok(())
    }

    /// The next request of somebody who may ask.
    pub async fn next(&mut self) -> Option<Asked> {
        self.asked.recv().await
    }
}

async fn serve(listener: UnixListener, allowed: Rc<RefCell<Allowed>>, ask: mpsc::Sender<Asked>) {
    let places = std::sync::Arc::new(Semaphore::new(MOST_PEERS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((peer, _)) => {
                let (allowed, ask) = (allowed.clone(), ask.clone());
                spawn_local(async move {
                    if let Err(error) = talk(peer, &allowed, &ask).await {
                        tracing::debug!("control: {error:#}");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                // No descriptors are left, for example. It may get better.
                tracing::warn!("cannot accept a peer at the control socket: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

/// Answers a peer's requests until it has no more.
async fn talk(mut peer: UnixStream, allowed: &RefCell<Allowed>, ask: &mpsc::Sender<Asked>) -> Result<()> {
    let who = peer.peer_cred().context("cannot tell who the peer is")?;
    if !allowed.borrow().has(who.uid(), who.gid()) {
        tracing::warn!(uid = who.uid(), gid = who.gid(), pid = who.pid(), "refused at the control socket");
        let reason = format!(
            "user {} may not talk to the daemon (control.users and control.groups name those that may)",
            who.uid()
        );
        return write(&mut peer, &Answer::Refused { reason }).await;
    }
    let (from, mut to) = peer.split();
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut from).take(LONGEST_REQUEST as u64 + 1);
        timeout(PATIENCE, bounded.read_until(b'\n', &mut line)).await.context("the peer was silent")??;
        if line.is_empty() {
            return Ok(());
        }
        let answer = if line.len() > LONGEST_REQUEST {
            refused("the request is longer than 64 KiB")
        } else {
            match serde_json::from_slice(&line) {
                Ok(request) => asked(request, ask).await,
                Err(error) => refused(&format!("the request can't be read: {}", excerpt(&error.to_string()))),
            }
        };
        write(&mut to, &answer).await?;
        if !line.ends_with(b"\n") {
            return Ok(());
        }
    }
}

async fn asked(request: Request, ask: &mpsc::Sender<Asked>) -> Answer {
    let (answer, answered) = oneshot::channel();
    match ask.send(Asked { request, answer }).await {
        Ok(()) => answered.await.unwrap_or_else(|_| refused("the daemon is stopping")),
        Err(_) => refused("the daemon is stopping"),
    }
}

fn refused(reason: &str) -> Answer {
    Answer::Refused { reason: reason.to_owned() }
}

async fn write(to: &mut (impl tokio::io::AsyncWrite + Unpin), answer: &Answer) -> Result<()> {
    let mut line = serde_json::to_vec(answer).context("cannot write the answer")?;
    line.push(b'\n');
    timeout(PATIENCE, to.write_all(&line)).await.context("the peer does not read its answer")??;
    Ok(())
}
