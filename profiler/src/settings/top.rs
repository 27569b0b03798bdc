//! What `top` was asked for.

use super::selector::Selector;
use super::{Destination, Settings};
use std::path::PathBuf;
use std::time::Duration;

/// What `top` was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Top {
    /// A view of what a daemon records.
    Daemon(DaemonView),
    /// A view of a recording of its own.
    Processes(ProcessView),
}

/// A view of what a daemon records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonView {
    /// The daemon's control socket.
    pub socket: PathBuf,
    /// Only the threads of this selector, by its label.
    pub selector: Option<String>,
    /// How often the view is refreshed.
    pub refresh: Duration,
}

/// A view of a recording of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessView {
    /// Which processes.
    pub selector: Selector,
    /// How they are recorded; the interval is that of the view.
    pub settings: Settings,
    /// How often the view is refreshed.
    pub refresh: Duration,
    /// Where a profile is saved.
    pub destination: Destination,
    /// Ended threads whose records are kept for a save.
    pub keep: u64,
}
