//! The daemon's end of the socket. A peer that is slow or silent holds up nobody but itself.

use super::config::ControlConfig;
use super::peers::Allowed;
use super::protocol::{self, Answer, LONGEST_REQUEST, Request};
use crate::unix_socket::SocketFile;
use crate::watch::viewer::{Shared, Viewer};
use anyhow::{Context as _, Result};
use model::outside_text::excerpt;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::unix::UCred;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::spawn_local;
use tokio::time::error::Elapsed;
use tokio::time::{sleep_until, timeout};

/// Everybody may connect: who may not use it is told so, and logged.
const SOCKET_MODE: u32 = 0o666;

/// The most time that a peer may take to write a request, or to read the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Peers that are served at a time; others wait for their turn in the kernel's queue.
const MOST_PEERS: usize = 16;

/// Requests that wait for the daemon, one of each peer.
const WAITING: usize = MOST_PEERS;

/// A request, and where the answer goes.
pub struct Asked {
    /// The request.
    pub request: Request,
    /// The viewer that it is of, for a view and its refreshes.
    pub viewer: Option<Shared>,
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
    let (from, mut to) = peer.split();
    let mut from = BufReader::new(from);
    let mut judged_by = allowed.borrow().clone();
    if !judged_by.has(who.uid(), who.gid()) {
        return refuse(&mut to, who).await;
    }
    let mut viewer: Option<Shared> = None;
    loop {
        let line = within(viewer.as_ref(), read(&mut from)).await.context("the peer was silent")??;
        if line.is_empty() {
            return Ok(());
        }
        // A view goes on for long, and the configuration may be another by now.
        if judged_by != *allowed.borrow() {
            judged_by = allowed.borrow().clone();
            if !judged_by.has(who.uid(), who.gid()) {
                return refuse(&mut to, who).await;
            }
        }
        let answer = answer(&line, &mut viewer, ask).await;
        let begun = Instant::now();
        // The answer itself is gone then: a viewer may leave its line unread for long.
        let answer = protocol::line(answer)?;
        if let Some(viewer) = &viewer {
            viewer.borrow_mut().rest_after(begun.elapsed());
        }
        let written = within(viewer.as_ref(), to.write_all(&answer));
        written.await.context("the peer does not read its answer")??;
        if !line.ends_with(b"\n") {
            return Ok(());
        }
    }
}

/// A viewer may take its time, as when its job is stopped: what it costs does not grow meanwhile.
async fn within<T>(viewer: Option<&Shared>, done: impl Future<Output = T>) -> Result<T, Elapsed> {
    match viewer {
        Some(_) => Ok(done.await),
        None => timeout(PATIENCE, done).await,
    }
}

async fn refuse(to: &mut (impl AsyncWrite + Unpin), who: UCred) -> Result<()> {
    tracing::warn!(uid = who.uid(), gid = who.gid(), pid = who.pid(), "refused at the control socket");
    let reason = format!(
        "user {} may not talk to the daemon (control.users and control.groups name those that may)",
        who.uid()
    );
    let answer = protocol::line(Answer::Refused { reason })?;
    let written = timeout(PATIENCE, to.write_all(&answer)).await;
    Ok(written.context("the peer does not read its answer")??)
}

/// A line with its end, as far as it may be long; nothing if there is none any more.
async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Vec<u8>> {
    let mut line = Vec::new();
    from.take(LONGEST_REQUEST as u64 + 1).read_until(b'\n', &mut line).await?;
    Ok(line)
}

async fn answer(line: &[u8], viewer: &mut Option<Shared>, ask: &mpsc::Sender<Asked>) -> Answer {
    if line.len() > LONGEST_REQUEST {
        return refused("the request is longer than 64 KiB");
    }
    let request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => {
            return refused(&format!("the request can't be read: {}", excerpt(&error.to_string())));
        }
    };
    if !matches!(request, Request::View { .. } | Request::Refresh) {
        return asked(request, None, ask).await;
    }
    let rests_until = viewer.as_ref().and_then(|viewer| viewer.borrow().rests_until());
    if let Some(moment) = rests_until {
        sleep_until(moment).await;
    }
    if let Request::View { selector } = &request {
        *viewer = Some(Rc::new(RefCell::new(Viewer::new(selector.clone()))));
    }
    let answer = asked(request, viewer.clone(), ask).await;
    if let Answer::Refused { .. } = answer {
        *viewer = None;
    }
    answer
}

async fn asked(request: Request, viewer: Option<Shared>, ask: &mpsc::Sender<Asked>) -> Answer {
    let (answer, answered) = oneshot::channel();
    match ask.send(Asked { request, viewer, answer }).await {
        Ok(()) => answered.await.unwrap_or_else(|_| refused("the daemon is stopping")),
        Err(_) => refused("the daemon is stopping"),
    }
}

fn refused(reason: &str) -> Answer {
    Answer::Refused { reason: reason.to_owned() }
}
