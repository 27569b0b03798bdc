//! The store, on a thread of its own: a disk may take seconds for an interval, and the loop must not wait for it.

use super::outputs::STORE as NAME;
use crate::store::{Store, StoreConfig};
use crate::watch::batch::Batch;
use crate::watch::sinks::Sink;
use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Intervals that may wait for the disk to take the one before.
const QUEUE: usize = 8;

/// The most time that the loop waits for an interval to be on the disk: a healthy disk takes milliseconds, and then
/// nothing that has ended can be lost any more. Meanwhile the programs go on counting.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most time that a flush is waited for: less than what the service manager's watchdog leaves (30 s in the unit).
const FLUSH_LIMIT: Duration = Duration::from_secs(10);

/// Between two looks for files that are due to be removed.
const RETAIN_EVERY: Duration = Duration::from_mins(5);

/// An order to the thread.
enum Order {
    Keep(Batch),
    /// Publish.
    Flush,
}

/// The state of the store.
#[derive(Default)]
struct State {
    problem: Option<String>,
    dropped: u64,
}

/// Keeps intervals in the store. Dropping it brings all of them to the disk first.
pub(super) struct StoreThread {
    orders: Option<SyncSender<(Order, Sender<()>)>>,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl StoreThread {
    /// Opens the store of this host.
    ///
    /// # Errors
    /// If it can't be opened.
    pub(super) fn open(config: &StoreConfig, host: &str) -> Result<Self> {
        let store = Store::open(config, host)?;
        let (orders, taken) = sync_channel::<(Order, Sender<()>)>(QUEUE);
        let state = Arc::default();
        let shared = Arc::clone(&state);
        let thread = thread::Builder::new()
            .name(NAME.to_owned())
            .spawn(move || work(store, &taken, &shared))
            .context("cannot start the thread of the store")?;
        Ok(Self { orders: Some(orders), state, thread: Some(thread) })
    }
}

fn work(mut store: Store, orders: &Receiver<(Order, Sender<()>)>, state: &Mutex<State>) {
    let mut retained: Option<Instant> = None;
    for (order, done_with) in orders {
        let done = match order {
            Order::Keep(batch) => store.append(&batch),
            Order::Flush => store.flush(),
        };
        let is_due = retained.is_none_or(|last| last.elapsed() >= RETAIN_EVERY);
        let done = if is_due { done.and(retain(&mut store, &mut retained)) } else { done };
        note(&store, done, state);
        // Whoever asked may wait no more.
        let _gone = done_with.send(());
    }
    let done = store.flush();
    if let Err(error) = &done {
        tracing::error!("not every interval could be stored: {error:#}");
    }
}

fn retain(store: &mut Store, retained: &mut Option<Instant>) -> Result<()> {
    *retained = Some(Instant::now());
    let removed = store.retain(Timestamp::now())?;
    if removed.files > 0 {
        tracing::info!(files = removed.files, bytes = removed.bytes.0, "removed from the store: due");
    }
    Ok(())
}

fn note(store: &Store, done: Result<()>, state: &Mutex<State>) {
    let problem = done.err().map(|error| format!("{error:#}"));
    *lock(state) = State { problem, dropped: store.status().dropped.intervals };
}

/// A panic leaves the state whole: it is set in one go.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sink for StoreThread {
    fn name(&self) -> &'static str {
        NAME
    }

    fn take(&mut self, batch: &Batch) -> Result<()> {
        let orders = self.orders.as_ref().context("it is closed")?;
        let (done, told) = channel();
        match orders.try_send((Order::Keep(batch.clone()), done)) {
            Ok(()) => {
                let _late = told.recv_timeout(PATIENCE);
                Ok(())
            }
            Err(TrySendError::Full(_)) => {
                bail!("the disk has not taken the {QUEUE} intervals before this one yet")
            }
            Err(TrySendError::Disconnected(_)) => bail!("its thread has ended: start the daemon again"),
        }
    }

    fn problem(&self) -> Option<String> {
        lock(&self.state).problem.clone()
    }

    fn dropped(&self) -> u64 {
        lock(&self.state).dropped
    }

    fn flush(&mut self) {
        let Some(orders) = &self.orders else { return };
        let (done, told) = channel();
        if orders.try_send((Order::Flush, done)).is_ok() {
            let _late = told.recv_timeout(FLUSH_LIMIT);
        }
    }
}

impl Drop for StoreThread {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
