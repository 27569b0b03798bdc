//! `profiler daemon`: watches a machine until it is told to stop.

use crate::cli::DaemonArgs;
use crate::config::{self, Config};
use crate::daemon::{Daemon, log};
use crate::kernel::requirements;
use crate::privilege;
use crate::recorder;
use crate::target::inherited::Inherited;
use crate::target::signals::{MeantFor, Signals};
use crate::target::visible;
use crate::watch::watcher::Watcher;
use anyhow::{Context as _, Result};
use std::io::Write;
use tokio::task::LocalSet;

/// Runs the daemon, or prints a configuration to begin with.
///
/// # Errors
/// If the configuration is not valid, the machine can't be profiled, or the control socket can't be opened.
pub fn daemon(args: &DaemonArgs, inherited: &Inherited, mut to: impl Write) -> Result<()> {
    let Some(path) = &args.config else {
        return to.write_all(config::default_text().as_bytes()).context("cannot print the configuration");
    };
    let config = Config::read(path)?;
    log::begin()?;
    let signals = Signals::take(inherited, MeantFor::Daemon)?;
    let settings = config.watch.settings()?;
    requirements::check(&settings)?;
    visible::show_all();
    if let Some(hiding) = visible::hidden() {
        tracing::warn!("{hiding}");
    }
    let watcher = privilege::raised(|| {
        Watcher::start(&config.watch).map_err(|error| requirements::explained(error, &settings))
    })?;
    privilege::give_up()?;
    let local = LocalSet::new();
    local.block_on(&recorder::runtime()?, async {
        Daemon::start(path.clone(), config, watcher)?.run(signals).await
    })
}
