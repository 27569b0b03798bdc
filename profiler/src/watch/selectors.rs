//! The selectors: which of them a process belongs to, and what each has.

use super::config::SelectorConfig;
use super::groups::Groups;
use crate::settings::selector::Selector;
use crate::target::called;
use crate::target::select::{self, Members, Process};
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The time between two searches for a control group that is missing or empty: a unit takes a scan of all folders.
const SEEK_EVERY: Duration = Duration::from_millis(900);

/// A selector that is in effect.
pub(super) struct Watched {
    pub(super) label: Arc<str>,
    pub(super) config: SelectorConfig,
    /// It was not in the configuration: `profiler ctl attach` asked for it.
    pub(super) is_temporary: bool,
    pub(super) groups: Groups,
    /// Processes that matched and for which there was no place.
    pub(super) turned_away: u64,
    /// Threads that found no slot.
    pub(super) threads_without_slot: u64,
    /// The reason why it can't choose anything at the moment.
    pub(super) problem: Option<String>,
    selector: Selector,
    /// The folder of its control group.
    folder: Option<PathBuf>,
    /// The time of the last search.
    sought: Option<Instant>,
    /// The processes in its control group.
    present: BTreeSet<u32>,
}

impl Watched {
    fn new(config: SelectorConfig, is_temporary: bool) -> Result<Self> {
        Ok(Self {
            label: config.label.as_str().into(),
            selector: config.selector()?,
            groups: Groups::new(&config),
            config,
            is_temporary,
            turned_away: 0,
            threads_without_slot: 0,
            problem: None,
            folder: None,
            sought: None,
            present: BTreeSet::new(),
        })
    }

    fn matches(&self, process: &Process) -> bool {
        match &self.selector {
            Selector::Pids(pids) => pids.contains(&process.pid),
            Selector::Name(pattern) => called::has_name(process, pattern),
            Selector::Cgroup(_) | Selector::Unit(_) => self.present.contains(&process.pid),
        }
    }

    /// True if a process may match of which an exec has told only this. Argument 0 is left for the next look through all
    /// processes: there are too many execs to read the command line of each.
    fn may_match(&self, pid: u32, name: &str) -> bool {
        match &self.selector {
            Selector::Pids(pids) => pids.contains(&pid),
            Selector::Name(pattern) => called::may_be_cut(name) || pattern.matches(name),
            Selector::Cgroup(_) | Selector::Unit(_) => self.present.contains(&pid),
        }
    }

    /// Scans into its control group, if it has one. Returns the processes that were not there before.
    fn poll(&mut self) -> BTreeSet<u32> {
        if let Selector::Pids(_) | Selector::Name(_) = self.selector {
            return BTreeSet::new();
        }
        let members = match &self.folder {
            Some(folder) => select::group_members(folder),
            None => Ok(Members::default()),
        };
        let members = match members {
            Ok(members) if !members.pids.is_empty() => Ok(members),
            _ if self.sought.is_some_and(|sought| sought.elapsed() < SEEK_EVERY) => return BTreeSet::new(),
            // It may be there now, or have been made again.
            _ => {
                self.sought = Some(Instant::now());
                select::group(&self.selector).and_then(|folder| {
                    self.folder = folder;
                    self.folder.as_deref().map_or_else(|| Ok(Members::default()), select::group_members)
                })
            }
        };
        self.problem = members.as_ref().err().map(|error| format!("{error:#}"));
        let members = members.unwrap_or_default();
        if self.present.is_empty()
            && let Some(note) = self.folder.as_deref().and_then(|folder| members.note(folder))
        {
            tracing::info!(selector = &*self.label, "{note}");
        }
        let members = members.pids;
        let new = members.difference(&self.present).copied().collect();
        self.present = members;
        new
    }
}

/// All selectors, in the order in which a process is compared with them.
#[derive(Default)]
pub(super) struct Selectors {
    all: Vec<Watched>,
}

impl Selectors {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Watched> {
        self.all.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Watched> {
        self.all.iter_mut()
    }

    pub(super) fn get_mut(&mut self, label: &str) -> Option<&mut Watched> {
        self.all.iter_mut().find(|watched| &*watched.label == label)
    }

    /// The first that a process matches.
    pub(super) fn of(&mut self, process: &Process) -> Option<&mut Watched> {
        self.all.iter_mut().find(|watched| watched.matches(process))
    }

    pub(super) fn may_match(&self, pid: u32, name: &str) -> bool {
        self.all.iter().any(|watched| watched.may_match(pid, name))
    }

    /// True if a process matches one of them.
    pub(super) fn any_matches(&self, process: &Process) -> bool {
        self.all.iter().any(|watched| watched.matches(process))
    }

    /// True if the name of a process decides for one of them.
    pub(super) fn any_by_name(&self) -> bool {
        self.all.iter().any(|watched| matches!(watched.selector, Selector::Name(_)))
    }

    /// Scans into all control groups. Returns the processes that were not there before.
    pub(super) fn poll(&mut self) -> BTreeSet<u32> {
        self.all.iter_mut().flat_map(Watched::poll).collect()
    }

    /// Adds one behind the others.
    pub(super) fn add(&mut self, config: SelectorConfig) -> Result<()> {
        let label = &config.label;
        if self.get_mut(label).is_some() {
            bail!("there is a selector {label:?} already; choose another label");
        }
        self.all.push(Watched::new(config, true)?);
        Ok(())
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, label: &str) -> Result<Watched> {
        let place = self.all.iter().position(|watched| &*watched.label == label);
        let place = place
            .with_context(|| format!("there is no selector {label:?} (profiler ctl status lists them)"))?;
        Ok(self.all.remove(place))
    }

    /// Takes on the selectors of a configuration: one that is the same stays, with all that it has, and so do those that are
    /// temporary, behind the others. Returns those that are gone or have changed.
    pub(super) fn replace(&mut self, configs: &[SelectorConfig]) -> Result<Vec<Watched>> {
        let mut new = checked(configs)?;
        let mut left = Vec::new();
        for watched in std::mem::take(&mut self.all) {
            let same = new.iter_mut().find(|new| new.label == watched.label);
            match same {
                Some(same) if same.config == watched.config => {
                    *same = Watched { is_temporary: false, ..watched }
                }
                None if watched.is_temporary => new.push(watched),
                _ => left.push(watched),
            }
        }
        self.all = new;
        Ok(left)
    }
}

/// # Errors
/// If one is not valid, or two have the same label.
pub(crate) fn check(configs: &[SelectorConfig]) -> Result<()> {
    checked(configs).map(drop)
}

fn checked(configs: &[SelectorConfig]) -> Result<Vec<Watched>> {
    let mut labels = BTreeSet::new();
    if let Some(twice) = configs.iter().find(|config| !labels.insert(&config.label)) {
        bail!("two selectors have the label {:?}", twice.label);
    }
    configs.iter().map(|config| Watched::new(config.clone(), false)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_the_same_after_it_was_written_as_keys() {
        for selector in [
            Selector::Pids(vec![4, 2]),
            Selector::Name(glob::Pattern::new("nginx*").unwrap()),
            Selector::Cgroup(PathBuf::from("system.slice/ssh.service")),
            Selector::Unit("ssh.service".to_owned()),
        ] {
            let keys = SelectorConfig::of("web".to_owned(), &selector);
            assert_eq!(keys.selector().unwrap(), selector);
        }
    }

    #[test]
    fn a_group_that_can_never_be_is_refused_with_the_way_out() {
        let of = |cgroup: Option<&str>, unit: Option<&str>| {
            let config = SelectorConfig {
                pid: None,
                cgroup: cgroup.map(PathBuf::from),
                unit: unit.map(str::to_owned),
                ..SelectorConfig::of_pids("web".to_owned(), Vec::new())
            };
            check(&[config]).map_err(|error| format!("{error:#}"))
        };
        assert!(of(Some("system.slice/none.service"), None).is_ok(), "it may be made later");
        let outside = of(Some("/../web"), None).unwrap_err();
        assert!(outside.contains("\"web\"") && outside.contains("nsenter"), "{outside}");
        assert!(of(Some(""), None).unwrap_err().contains("is empty"));
        assert!(of(None, Some("system.slice/web.service")).unwrap_err().contains("--cgroup"));
    }
}
