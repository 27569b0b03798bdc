//! The subject of a profile: the full command, or the full selection of processes. A profile replaces an
//! earlier one only if both have the same subject; otherwise the results of two programs would overwrite each
//! other.

use super::output::Output;
use super::output_target::OutputTarget;
use crate::outside_bytes;
use crate::settings::selector::Selector;
use crate::target::select::Process;
use model::profile::attached::{Attached, Selection};
use model::profile::{Profile, Run, file};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The subject of a profile.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The program's name, from which file names are made.
    program: String,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// A started command, with all arguments.
    Started(Vec<String>),
    /// Processes selected by pid: their command lines, since pids differ in each run.
    Numbered(BTreeSet<Vec<String>>),
    /// Processes selected by name, cgroup or unit.
    Chosen(Selection),
}

impl What {
    fn of(run: &Run) -> Self {
        match &run.attached {
            None => Self::Started(run.command.clone()),
            Some(Attached { selection: Selection::Pid(_), processes }) => {
                Self::Numbered(processes.iter().map(|process| process.command.clone()).collect())
            }
            Some(attached) => Self::Chosen(attached.selection.clone()),
        }
    }
}

impl Subject {
    /// The subject of a command.
    #[must_use]
    pub fn of_command(command: &[OsString]) -> Self {
        let command: Vec<String> = command.iter().map(outside_bytes::text).collect();
        Self { program: command.first().cloned().unwrap_or_default(), what: What::Started(command) }
    }

    /// The subject of selected processes.
    #[must_use]
    pub fn of_processes(selector: &Selector, processes: &[Process]) -> Self {
        let program = processes.first().map(|process| process.name.clone()).unwrap_or_default();
        let what = match selector {
            Selector::Pids(_) => {
                What::Numbered(processes.iter().map(|process| process.command.clone()).collect())
            }
            chosen => What::Chosen(chosen.into()),
        };
        Self { program, what }
    }

    /// The program's name.
    #[must_use]
    pub fn program(&self) -> &str {
        &self.program
    }

    /// True if an existing profile is of the same subject.
    #[must_use]
    pub fn is_of(&self, profile: &Profile) -> bool {
        self.what == What::of(&profile.run)
    }

    /// Default file: the first name that is free or holds an earlier profile of the same subject. With `force`,
    /// the first name.
    #[must_use]
    pub fn default_path(&self, force: bool) -> PathBuf {
        let first = Output::default_path(&self.program);
        if force { first } else { numbered(&first, file::EXTENSION, |path| self.may_take(path)) }
    }

    /// True if writing the profile there loses nothing. Targets that can't be written at all are refused later,
    /// with the reason.
    pub(crate) fn may_take(&self, path: &Path) -> bool {
        match OutputTarget::of(path) {
            Ok(OutputTarget::File { exists: true, .. }) => {
                file::read(path).is_ok_and(|existing| self.is_of(&existing))
            }
            _ => true,
        }
    }
}

/// The first of `NAME.EXTENSION`, `NAME-2.EXTENSION`, `NAME-3.EXTENSION` and so on that will do.
pub(crate) fn numbered(first: &Path, extension: &str, will_do: impl Fn(&Path) -> bool) -> PathBuf {
    let name = first.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(extension).unwrap_or(&name);
    let with_number = (2_u64..).map(|number| first.with_file_name(format!("{stem}-{number}{extension}")));
    let names = std::iter::once(first.to_owned()).chain(with_number);
    // The range is larger than any number of existing files.
    names.into_iter().find(|path| will_do(path)).unwrap_or_else(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::attached::AttachedProcess;
    use model::profile::fixture;

    fn started(command: &[&str]) -> Subject {
        let command: Vec<OsString> = command.iter().map(OsString::from).collect();
        Subject::of_command(&command)
    }

    fn process(pid: u32, command: &[&str]) -> Process {
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        Process { pid, start_ticks: 1, name: "server".to_owned(), command }
    }

    fn attached(selector: &Selector, processes: &[Process]) -> Profile {
        let described: Vec<AttachedProcess> = processes.iter().map(|process| process.attached(1)).collect();
        let mut profile = fixture::of_command(&["server"]);
        profile.run.command = processes[0].command.clone();
        profile.run.attached = Some(Attached { selection: selector.into(), processes: described });
        profile
    }

    #[test]
    fn a_command_is_the_same_with_all_its_arguments() {
        let earlier = fixture::of_command(&["python3", "-c", "A"]);
        assert!(started(&["python3", "-c", "A"]).is_of(&earlier));
        for other in [&["python3", "-c", "B"][..], &["python3"], &["/usr/bin/python3", "-c", "A"]] {
            assert!(!started(other).is_of(&earlier), "{other:?}");
        }
    }

    #[test]
    fn processes_are_the_same_if_they_were_chosen_alike() {
        let (one, again, other) =
            (process(1, &["server", "a"]), process(7, &["server", "a"]), process(1, &["server", "b"]));
        let pid = |pid| Selector::Pids(vec![pid]);
        let name = |pattern: &str| Selector::Name(glob::Pattern::new(pattern).unwrap());
        let earlier = attached(&pid(1), std::slice::from_ref(&one));
        assert!(Subject::of_processes(&pid(7), &[again]).is_of(&earlier));
        assert!(!Subject::of_processes(&pid(1), std::slice::from_ref(&other)).is_of(&earlier));
        assert!(!Subject::of_processes(&pid(1), &[one.clone(), other.clone()]).is_of(&earlier));
        assert!(!Subject::of_processes(&name("server"), std::slice::from_ref(&one)).is_of(&earlier));
        assert!(!started(&["server", "a"]).is_of(&earlier), "that was started, this ran already");
        let earlier = attached(&name("server"), std::slice::from_ref(&one));
        assert!(Subject::of_processes(&name("server"), &[other]).is_of(&earlier));
        assert!(!Subject::of_processes(&name("serv*"), &[one]).is_of(&earlier));
    }

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let taken = ["a/ls.profile.json", "a/ls-2.profile.json"];
        let free = |path: &Path| !taken.iter().any(|name| path == Path::new(name));
        let found = |first: &str| numbered(Path::new(first), file::EXTENSION, free);
        assert_eq!(found("a/ls.profile.json"), Path::new("a/ls-3.profile.json"));
        assert_eq!(found("ls.profile.json"), Path::new("ls.profile.json"));
        assert_eq!(numbered(Path::new("a"), "", |path| path != Path::new("a")), Path::new("a-2"));
    }
}
