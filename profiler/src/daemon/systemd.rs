//! What the service manager is told (sd_notify(3)). Without one there is nobody to tell, and nothing is done.

use sd_notify::{NotifyState, notify};

pub(super) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// With the time, which tells systemd which reload is over when the daemon is ready again.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::warn!("cannot tell the service manager of the reload: {error}"),
    }
}

pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// The daemon's loop goes round.
pub(super) fn alive() {
    if sd_notify::watchdog_enabled().is_some() {
        tell(&[NotifyState::Watchdog]);
    }
}

pub(super) fn status(text: &str) {
    tell(&[NotifyState::Status(text)]);
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = notify(state) {
        tracing::warn!("cannot tell the service manager: {error}");
    }
}
