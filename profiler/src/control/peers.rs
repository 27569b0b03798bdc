//! True if a peer may use the socket: by the credentials that the kernel noted as it connected.

use super::config::ControlConfig;
use anyhow::Result;
use nix::unistd::{Gid, Uid, User, getgrouplist};
use std::collections::BTreeSet;
use std::ffi::CString;

/// The users and groups that may use the socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Allowed {
    uids: BTreeSet<u32>,
    gids: BTreeSet<u32>,
}

impl Allowed {
    /// root, this process's own user, and whoever the configuration names.
    pub(super) fn by(config: &ControlConfig) -> Result<Self> {
        let uids = config.uids()?.into_iter().chain([0, Uid::effective().as_raw()]).collect();
        Ok(Self { uids, gids: config.gids()?.into_iter().collect() })
    }

    /// True if a user may, who connected with this group as its own.
    pub(super) fn has(&self, uid: u32, gid: u32) -> bool {
        self.uids.contains(&uid)
            || self.gids.contains(&gid)
            || (!self.gids.is_empty() && groups_of(uid, gid).iter().any(|gid| self.gids.contains(gid)))
    }
}

/// The groups of a user, as the system lists them; the kernel notes only the one that the process had as its own.
fn groups_of(uid: u32, gid: u32) -> Vec<u32> {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    let name = user.and_then(|user| CString::new(user.name).ok());
    let groups = name.and_then(|name| getgrouplist(&name, Gid::from_raw(gid)).ok()).unwrap_or_default();
    groups.into_iter().map(Gid::as_raw).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `nobody` on every distribution, and no member of the group root.
    const NOBODY: u32 = 65534;

    #[test]
    fn root_the_own_user_and_the_named_may() {
        let nobody_named = Allowed::by(&ControlConfig::default()).unwrap();
        assert!(nobody_named.has(0, NOBODY) && nobody_named.has(Uid::effective().as_raw(), NOBODY));
        assert!(!nobody_named.has(NOBODY, 0) && !nobody_named.has(NOBODY, NOBODY));
        let group = ControlConfig { groups: vec!["root".to_owned()], ..ControlConfig::default() };
        let group = Allowed::by(&group).unwrap();
        assert!(group.has(NOBODY, 0) && !group.has(NOBODY, NOBODY));
    }
}
