//! `[control]`: where the socket is and who may use it.

use anyhow::{Context as _, Result};
use nix::unistd::{Group, User};
use serde::Deserialize;
use std::path::PathBuf;

/// The default path of the socket.
pub const SOCKET: &str = "/run/profiler/control.sock";

/// The default text.
pub const DEFAULT: &str = r#"[control]
# Where `profiler ctl` reaches the daemon. root and the user that the daemon runs as may use it.
socket = "/run/profiler/control.sock"
# Others that may: users, and members of groups.
users = []
groups = []
"#;

/// `[control]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ControlConfig {
    /// The path of the socket.
    pub socket: PathBuf,
    /// Names of users that may use it.
    pub users: Vec<String>,
    /// Names of groups whose members may.
    pub groups: Vec<String>,
}

impl Default for ControlConfig {
    fn default() -> Self {
        Self { socket: SOCKET.into(), users: Vec::new(), groups: Vec::new() }
    }
}

impl ControlConfig {
    /// Checks that the names mean somebody.
    ///
    /// # Errors
    /// If one does not.
    pub fn check(&self) -> Result<()> {
        self.uids()?;
        self.gids().map(drop)
    }

    pub(super) fn uids(&self) -> Result<Vec<u32>> {
        let uid = |name: &String| {
            let user = User::from_name(name).with_context(|| format!("cannot look up the user {name:?}"))?;
            Ok(user.with_context(|| format!("control.users: there is no user {name:?}"))?.uid.as_raw())
        };
        self.users.iter().map(uid).collect()
    }

    pub(super) fn gids(&self) -> Result<Vec<u32>> {
        let gid = |name: &String| {
            let group =
                Group::from_name(name).with_context(|| format!("cannot look up the group {name:?}"))?;
            Ok(group.with_context(|| format!("control.groups: there is no group {name:?}"))?.gid.as_raw())
        };
        self.groups.iter().map(gid).collect()
    }
}
