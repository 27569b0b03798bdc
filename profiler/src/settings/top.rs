//! The settings of `top`.

use super::selector::Selector;
use super::{Destination, Settings};
use std::path::PathBuf;
use std::time::Duration;

/// The settings of `top`.
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
    /// The time between refreshes.
    pub refresh: Duration,
}

/// A view of a recording of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessView {
    /// The choice of processes.
    pub selector: Selector,
    /// The settings of the recording; the interval is that of the view.
    pub settings: Settings,
    /// The time between refreshes.
    pub refresh: Duration,
    /// The file of a saved profile.
    pub destination: Destination,
    /// Ended threads whose records are kept for a save.
    pub keep: u64,
}
