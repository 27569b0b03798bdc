//! The names that a process has for selectors: one answer for `attach`, `top` and the daemon.

use super::select::Process;
use crate::outside_bytes;
use glob::Pattern;
use std::fs;

/// Words of a command line among which a script's file is: interpreter, its one argument from the script's first line, file.
const WORDS_BEFORE_ARGUMENTS: usize = 3;

/// The least likeness of a name (0 to 1) at which it is worth a mention: clap's own bound for its suggestions.
const LEAST_LIKENESS: f64 = 0.7;

/// True if one of the names of a process matches.
pub(crate) fn has_name(process: &Process, pattern: &Pattern) -> bool {
    names_with_program(process).iter().any(|name| pattern.matches(name))
}

/// True if the kernel may have cut a name off, which it does after 15 bytes. Of a character that was cut in two escapes are
/// left.
pub(crate) fn may_be_cut(comm: &str) -> bool {
    outside_bytes::bytes(comm).len() >= outside_bytes::NAME_BYTES - 1
}

/// Among processes that do not match, the name most like a pattern, and whose it is.
pub(super) fn nearest(pattern: &Pattern, processes: &[Process]) -> Option<(String, u32)> {
    let wanted: String = pattern.as_str().chars().filter(|letter| !"*?[]!".contains(*letter)).collect();
    let wanted = wanted.to_lowercase();
    if wanted.is_empty() {
        return None;
    }
    let wanted = wanted.as_str();
    let names = processes.iter().flat_map(|process| {
        let names = names_with_program(process).into_iter();
        names.map(move |name| (likeness(wanted, &name), name, process.pid))
    });
    let best = names.reduce(|best, name| if name.0 > best.0 { name } else { best });
    best.filter(|(likeness, ..)| *likeness >= LEAST_LIKENESS).map(|(_, name, pid)| (name, pid))
}

fn likeness(wanted: &str, name: &str) -> f64 {
    let name = name.to_lowercase();
    if name.contains(wanted) { 1.0 } else { strsim::jaro(wanted, &name) }
}

fn names_with_program(process: &Process) -> Vec<String> {
    let program = || {
        let program = fs::read_link(format!("/proc/{}/exe", process.pid)).ok()?;
        Some(file_name(&outside_bytes::text(program)).to_owned())
    };
    names(&process.name, &process.command, program)
}

/// The kernel's name (`comm`); what was cut from it, as the command line or else the program's file has it whole; and
/// argument 0, whole and its file name, as programs write there what they do. Argument 0 of a script is that of its
/// interpreter, and no name of the script.
fn names(comm: &str, command: &[String], program: impl FnOnce() -> Option<String>) -> Vec<String> {
    let mut names = vec![comm.to_owned()];
    let words = || command.iter().take(WORDS_BEFORE_ARGUMENTS);
    let cut_from = |word: &str| is_beginning(comm, file_name(word));
    if may_be_cut(comm) {
        let whole = words().map(|word| file_name(word)).find(|name| is_beginning(comm, name));
        names.extend(whole.map(str::to_owned).or_else(|| program().filter(|name| is_beginning(comm, name))));
    }
    let Some(first) = command.first() else { return names };
    let is_script = !cut_from(first) && words().skip(1).any(|word| cut_from(word));
    if !is_script {
        names.extend([first.clone(), file_name(first).to_owned()]);
    }
    names
}

/// True if `comm` is a name as the kernel keeps it: the whole, or its first 15 bytes.
fn is_beginning(comm: &str, whole: &str) -> bool {
    comm == whole
        || (may_be_cut(comm) && outside_bytes::bytes(whole).starts_with(&outside_bytes::bytes(comm)))
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(name: &str, command: &[&str]) -> Process {
        let command = command.iter().map(|&word| word.to_owned()).collect();
        // No process has this number, so that no program is found.
        Process { pid: 0, start_ticks: 1, name: name.to_owned(), command }
    }

    fn matches(process: &Process, pattern: &str) -> bool {
        has_name(process, &Pattern::new(pattern).unwrap())
    }

    #[test]
    fn names_that_the_kernel_cut_off_match_whole() {
        let long = process("a-very-long-nam", &["/opt/bin/a-very-long-name", "-x"]);
        assert!(matches(&long, "a-very-long-name") && matches(&long, "a-very-long-nam"));
        assert!(!matches(&long, "very*"));
        // Its last character was cut in two.
        let cut = outside_bytes::kernel_name(&"a-very-long-xnä".as_bytes()[..15]);
        let umlaut = process(&cut, &["/opt/bin/a-very-long-xnäme"]);
        assert!(matches(&umlaut, "a-very-long-xnäme"));
    }

    #[test]
    fn what_a_program_writes_into_argument_0_is_a_name() {
        let worker = process("nginx", &["nginx: worker process"]);
        assert!(
            matches(&worker, "nginx: worker*") && matches(&worker, "nginx") && !matches(&worker, "worker*")
        );
        assert!(matches(&process("Web Content", &["/usr/lib/firefox/firefox", "-x"]), "firefox"));
    }

    #[test]
    fn a_script_has_its_own_name_and_not_its_interpreters() {
        let long = process("a-script-of-twe", &["/bin/sh", "-e", "/opt/a-script-of-twenty-five", "sh"]);
        assert!(matches(&long, "a-script-of-twenty-five"));
        assert!(!matches(&long, "sh") && !matches(&long, "/bin/sh"));
        let short = process("job.sh", &["/bin/sh", "./job.sh"]);
        assert!(matches(&short, "job.sh") && !matches(&short, "sh"));
        // An argument is no name.
        assert!(!matches(&process("cat", &["cat", "notes"]), "notes"));
    }

    #[test]
    fn a_program_that_has_overwritten_its_arguments_is_known_by_its_file() {
        let command = ["busy: 5 of 7".to_owned()];
        let of = |file: &str| names("a-very-long-nam", &command, || Some(file.to_owned()));
        assert!(of("a-very-long-name").contains(&"a-very-long-name".to_owned()));
        assert!(!of("python3.13").contains(&"python3.13".to_owned()));
    }

    #[test]
    fn the_nearest_name_is_the_one_that_a_user_may_have_meant() {
        let all = [process("nginx", &["nginx: worker process"]), process("postgres", &["postgres: writer"])];
        let nearest = |pattern: &str| nearest(&Pattern::new(pattern).unwrap(), &all).map(|(name, _)| name);
        assert_eq!(nearest("ngnix").as_deref(), Some("nginx"));
        assert_eq!(nearest("worker*").as_deref(), Some("nginx: worker process"));
        assert_eq!(nearest("Postgres").as_deref(), Some("postgres"));
        assert_eq!(nearest("zzzz"), None);
        assert_eq!(nearest("*"), None);
    }
}
