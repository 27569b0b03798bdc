//! The main loop over keys, signals and refreshes.

use super::app::{App, Request};
use super::draw::{self, Palette};
use super::feed::{Feed, Frame};
use super::keys::Keys;
use super::screen::{self, Screen, Takeover};
use super::signals::{Asked, Signals};
use crate::target::supervise::{COLLECT_EVERY, watch};
use anyhow::{Context, Result};
use nix::sys::signal::{Signal, raise};
use nix::unistd::read;
use ratatui::backend::CrosstermBackend;
use std::io::{Stdout, stdin};
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval, interval_at};

/// The most bytes that a terminal delivers in one read (drivers/tty/n_tty.c `N_TTY_BUF_SIZE`); a buffer of this
/// size leaves nothing unread.
const TYPED_AT_ONCE: usize = 4096;

/// Runs the view until it ends.
///
/// # Errors
/// If the feed fails, or the terminal.
pub async fn run<F: Feed>(app: &mut App, feed: &mut F, palette: Palette) -> Result<()> {
    let mut signals = Signals::take()?;
    let signalled = watch(&signals)?;
    let typed = watch(&stdin())?;
    let urgent = feed.urgent().map(|descriptor| watch(&descriptor)).transpose()?;
    let mut front = Front::begin(palette)?;
    let (mut refresh, mut collect) = (refreshes(app.interval), ticks(COLLECT_EVERY));
    let mut keys = Keys::default();
    let mut is_late = false;
    front.draw(app)?;
    loop {
        tokio::select! {
            ready = signalled.readable() => match signals.read()? {
                None => ready.context("cannot wait for signals")?.clear_ready(),
                Some(Asked::Quit) => return Ok(()),
                Some(Asked::Suspend) => front.suspend()?,
                Some(Asked::Draw) => {}
                Some(Asked::DrawAnew) => front.draw_anew()?,
            },
            ready = typed.readable() => {
                let mut bytes = [0; TYPED_AT_ONCE];
                // The terminal has hung up, or belongs to another session.
                let Ok(length @ 1..) = read(stdin(), &mut bytes) else { return Ok(()) };
                ready.context("cannot wait for keys")?.clear_ready();
                for key in keys.read(bytes.get(..length).unwrap_or_default()) {
                    match app.key(key) {
                        None => {}
                        Some(Request::Quit) => return Ok(()),
                        Some(Request::Suspend) => front.suspend()?,
                        Some(Request::AskToSave) => match feed.save_question() {
                            Ok(question) => app.ask(&question),
                            Err(error) => app.tell(&format!("{error:#}"), true),
                        },
                        Some(Request::Save) => save(app, feed, &mut front)?,
                    }
                }
            }
            _ = refresh.tick(), if !feed.has_ended() => {
                let frame = feed.refresh()?;
                take(app, feed, frame, &mut is_late);
            }
            _ = collect.tick(), if !feed.has_ended() => {
                let Some(frame) = feed.collect()? else { continue };
                take(app, feed, Some(frame), &mut is_late);
            }
            ready = readable(urgent.as_ref()), if !feed.has_ended() => {
                let frame = feed.collect()?;
                ready.context("cannot watch the feed")?.clear_ready();
                let Some(frame) = frame else { continue };
                take(app, feed, Some(frame), &mut is_late);
            }
        }
        front.draw(app)?;
    }
}

/// Takes a frame, or shows why it is late.
fn take<F: Feed>(app: &mut App, feed: &F, frame: Option<Frame>, is_late: &mut bool) {
    match (frame, feed.hindrance()) {
        (Some(frame), _) => {
            app.take(frame);
            if std::mem::take(is_late) {
                app.message = None;
            }
        }
        (None, Some(hindrance)) => {
            app.tell(&hindrance, true);
            *is_late = true;
        }
        (None, None) => {}
    }
}

/// Saves a profile. It may take seconds, so a message is drawn first.
fn save<F: Feed>(app: &mut App, feed: &mut F, front: &mut Front) -> Result<()> {
    app.tell("saving …", false);
    front.draw(app)?;
    if !feed.has_ended()
        && let Some(frame) = feed.refresh()?
    {
        app.take(frame);
    }
    match feed.save() {
        Ok(said) => app.tell(&said, false),
        Err(error) => app.tell(&format!("{error:#}"), true),
    }
    app.has_ended = feed.has_ended();
    Ok(())
}

async fn readable<T: std::os::fd::AsRawFd>(
    descriptor: Option<&tokio::io::unix::AsyncFd<T>>,
) -> std::io::Result<tokio::io::unix::AsyncFdReadyGuard<'_, T>> {
    match descriptor {
        Some(descriptor) => descriptor.readable().await,
        None => std::future::pending().await,
    }
}

/// The times of refreshes. The first comes early, so that there is something to see.
fn refreshes(every: Duration) -> Interval {
    /// The shortest interval with meaningful rates.
    const FIRST: Duration = Duration::from_millis(250);
    let mut ticks = interval_at(tokio::time::Instant::now() + every.min(FIRST), every);
    // A late refresh lengthens its interval and does not shorten the next.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The terminal under the view.
struct Front {
    screen: Screen<CrosstermBackend<Stdout>>,
    palette: Palette,
    /// `None` while this process is stopped.
    taken: Option<Takeover>,
}

impl Front {
    fn begin(palette: Palette) -> Result<Self> {
        let taken = Some(Takeover::begin()?);
        Ok(Self { screen: screen::on_stdout(), palette, taken })
    }

    fn draw(&mut self, app: &mut App) -> Result<()> {
        let palette = self.palette;
        self.screen.draw(screen::size(), |buffer| draw::draw(app, buffer, palette))
    }

    /// Takes over the terminal again: a shell may have changed its settings.
    fn draw_anew(&mut self) -> Result<()> {
        self.taken = None;
        self.taken = Some(Takeover::begin()?);
        self.screen.forget();
        Ok(())
    }

    /// Releases the terminal and stops until the shell continues this process.
    fn suspend(&mut self) -> Result<()> {
        self.taken = None;
        // SIGTSTP is handled by this process; to the shell, SIGSTOP is the same.
        raise(Signal::SIGSTOP).context("cannot stop")?;
        self.draw_anew()
    }
}
