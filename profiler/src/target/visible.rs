//! Processes that /proc hides: it may be mounted so that it hides those of other users (proc(5), `hidepid`).

use crate::mounts::mounts;
use crate::privilege;
use caps::Capability;
use nix::unistd::{Gid, getegid, getgroups, setgroups};
use std::fmt::{self, Display, Formatter};
use std::path::Path;

/// The way in which /proc hides processes from this one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hiding {
    /// The value of `hidepid`.
    how: String,
    /// The group whose members see all; there is none if only those are shown that the reader may trace.
    group: Option<Gid>,
}

/// Joins the group that sees all processes, if there is one and this process may. For commands that execute nothing: what
/// they would execute would be in that group too. Where the kernel refuses, [`hint`] says what is hidden.
pub fn show_all() {
    if let Some(Hiding { group: Some(group), .. }) = hidden()
        && privilege::may_use(Capability::CAP_SETGID)
        && let Ok(mut groups) = getgroups()
    {
        groups.push(group);
        let _refused = privilege::raised(|| Ok(setgroups(&groups)?));
    }
}

/// The way in which processes are hidden from this one, if any are.
pub(crate) fn hidden() -> Option<Hiding> {
    let sees_all = |group: Gid| group == getegid() || getgroups().is_ok_and(|groups| groups.contains(&group));
    hiding(Path::new("/")).filter(|hiding| !hiding.group.is_some_and(sees_all))
}

/// The addition to a message that a process was not found.
pub(crate) fn hint() -> String {
    hidden().map_or_else(String::new, |hiding| format!("; {hiding}"))
}

fn hiding(root: &Path) -> Option<Hiding> {
    let mounts = mounts(root);
    // The last one covers the others.
    let proc = mounts.iter().rfind(|mount| mount.mount_point == Path::new("/proc"))?;
    let option = |name: &str| proc.super_options.get(name).cloned().flatten();
    let how = option("hidepid")?;
    let group = option("gid").and_then(|group| group.parse().ok()).unwrap_or(0);
    let group = (how != "ptraceable").then_some(Gid::from_raw(group));
    Some(Hiding { how, group })
}

impl Display for Hiding {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let Self { how, group } = self;
        write!(to, "/proc hides the processes of other users (hidepid={how})")?;
        if let Some(group) = group {
            write!(to, " from all but members of the group {group}")?;
        }
        write!(to, "; sudo mount -o remount,hidepid=off /proc shows them")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn of(options: &str) -> Option<Hiding> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("proc/self")).unwrap();
        let text = format!(
            "22 27 0:21 / /proc rw,relatime - proc proc rw,hidepid=noaccess\n\
             23 22 0:21 / /proc/sys ro,relatime - proc proc rw\n\
             40 27 0:33 / /proc rw,relatime - proc proc {options}\n"
        );
        fs::write(root.path().join("proc/self/mountinfo"), text).unwrap();
        hiding(root.path())
    }

    #[test]
    fn the_last_mount_tells_what_is_hidden_and_from_whom() {
        let hiding = |how: &str, group: Option<u32>| {
            Some(Hiding { how: how.to_owned(), group: group.map(Gid::from_raw) })
        };
        assert_eq!(of("rw"), None);
        assert_eq!(of("rw,hidepid=invisible"), hiding("invisible", Some(0)));
        assert_eq!(of("rw,gid=42,hidepid=noaccess"), hiding("noaccess", Some(42)));
        assert_eq!(of("rw,gid=42,hidepid=ptraceable"), hiding("ptraceable", None));
    }

    #[test]
    fn who_sees_nothing_is_told_who_does() {
        let said = of("rw,gid=42,hidepid=invisible").unwrap().to_string();
        assert!(said.contains("hidepid=invisible") && said.contains("members of the group 42;"), "{said}");
        assert!(!of("rw,hidepid=ptraceable").unwrap().to_string().contains("group"));
    }
}
