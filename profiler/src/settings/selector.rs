//! Processes by number, name, control group or unit: one type for the command line, the daemon's configuration and its
//! control socket, and all that looks for processes.

use crate::outside_bytes;
use glob::Pattern;
use model::profile::attached::Selection;
use std::path::PathBuf;

/// A choice of processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// These numbers.
    Pids(Vec<u32>),
    /// A pattern of names.
    Name(Pattern),
    /// A control group and those below it.
    Cgroup(PathBuf),
    /// The control group of a systemd unit.
    Unit(String),
}

/// As a profile has it: text, whatever bytes the path is of.
impl From<&Selector> for Selection {
    fn from(selector: &Selector) -> Self {
        match selector {
            Selector::Pids(pids) => Self::Pid(pids.clone()),
            Selector::Name(pattern) => Self::Name(pattern.as_str().to_owned()),
            Selector::Cgroup(path) => Self::Cgroup(outside_bytes::text(path)),
            Selector::Unit(unit) => Self::Unit(unit.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;

    #[test]
    fn a_profile_has_the_path_as_text_that_no_other_path_has() {
        let path = |bytes: &[u8]| Selector::Cgroup(OsString::from_vec(bytes.to_vec()).into());
        assert_eq!(Selection::from(&path(b"a/caf\xe9")), Selection::Cgroup("a/caf\\xe9".to_owned()));
        assert_ne!(Selection::from(&path(b"caf\xe9")), Selection::from(&path(b"caf\\xe9")));
    }
}
