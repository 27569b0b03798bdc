//! The manifest that a reviewer asks for: machine, tool, command and settings, losses and proof. The same lines
//! in every format, as comments or metadata.

use super::Subject;
use crate::report::verdict;
use model::buckets::RELATIVE_ERROR;
use model::losses::{Loss, LossCounts};
use model::profile::Profile;
use std::borrow::Cow;

/// Names and values, those that are not known left out. Values have no line breaks.
#[must_use]
pub fn manifest(profile: &Profile) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    run(profile, &mut lines);
    machine(profile, &mut lines);
    trust(profile, &mut lines);
    for (_, value) in &mut lines {
        *value = on_one_line(value);
    }
    lines
}

/// The manifests of all profiles, each after its title: for comments.
pub(crate) fn comments(subject: &Subject<'_>) -> Vec<String> {
    let all = subject.titles.iter().zip(subject.profiles);
    all.flat_map(|(title, profile)| of_one(title, profile)).collect()
}

/// The manifest of a profile after its title: for comments.
pub(crate) fn of_one(title: &str, profile: &Profile) -> Vec<String> {
    let lines = manifest(profile).into_iter().map(|(name, value)| format!("{name}: {value}"));
    std::iter::once(format!("profile: {}", on_one_line(title))).chain(lines).collect()
}

/// The text without line breaks or anything else that a terminal would obey.
pub(crate) fn on_one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn run(profile: &Profile, lines: &mut Vec<(&'static str, String)>) {
    let run = &profile.run;
    let commit = profile.tool.commit.as_ref().map_or_else(String::new, |commit| format!(" ({commit})"));
    lines.push(("tool", format!("{} {}{commit}", profile.tool.name, profile.tool.version)));
    lines.push(("command", run.command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")));
    lines.push(("started_at", run.started_at.clone()));
    lines.push(("wall_ns", run.wall_ns.0.to_string()));
    lines.extend(run.exit_code.map(|code| ("exit_code", code.to_string())));
    lines.extend(run.signal.map(|signal| ("signal", signal.to_string())));
    let allowed = run.cpus_allowed.as_ref();
    let pinned = |list: Option<&String>, name| list.map(|list| (name, list.clone()));
    lines.extend(pinned(allowed.and_then(|of| of.profiler.as_ref()), "profiler_cpus"));
    lines.extend(pinned(allowed.and_then(|of| of.target.as_ref()), "command_cpus"));
    lines.push(("follow_children", run.options.follow.to_string()));
    lines.extend(run.options.interval_ns.map(|interval| ("interval_ns", interval.0.to_string())));
}

/// A word of a command as a shell takes it for that word.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |character: char| character.is_alphanumeric() || "-_=+./,:@%".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.into();
    }
    format!("'{}'", word.replace('\'', r"'\''")).into()
}

fn machine(profile: &Profile, lines: &mut Vec<(&'static str, String)>) {
    let machine = &profile.machine;
    let topology = &machine.topology;
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let mitigations: Vec<String> =
        machine.mitigations.iter().map(|one| format!("{}: {}", one.weakness, one.state)).collect();
    let known = [
        ("cpu_model", machine.cpu_model.clone()),
        ("microcode", machine.microcode.clone()),
        ("virtualized", machine.virtualized.map(|yes| yes.to_string())),
        ("cpus", number(topology.threads)),
        ("cores", number(topology.cores)),
        ("l3_groups", number(topology.l3_groups)),
        ("memory_nodes", number(topology.nodes)),
        ("frequency_driver", machine.frequency_driver.clone()),
        ("frequency_driver_mode", machine.frequency_driver_mode.clone()),
        ("governor", machine.governor.clone()),
        ("energy_preference", machine.energy_preference.clone()),
        ("boost", machine.boost.map(|yes| yes.to_string())),
        ("smt_active", machine.smt_active.map(|yes| yes.to_string())),
        ("smt_control", machine.smt_control.clone()),
        ("preemption", machine.preemption.clone()),
        ("memory_bytes", machine.memory_bytes.map(|bytes| bytes.0.to_string())),
        ("transparent_hugepages", machine.transparent_hugepages.clone()),
        ("kernel", machine.kernel.clone()),
        ("kernel_command_line", machine.kernel_command_line.clone()),
        ("mitigations", (!mitigations.is_empty()).then(|| mitigations.join("; "))),
    ];
    lines.extend(known.into_iter().filter_map(|(name, value)| Some((name, value?))));
}

fn trust(profile: &Profile, lines: &mut Vec<(&'static str, String)>) {
    lines.push(("bucket_width", bucket_width()));
    lines.push(("lost", lost(profile.lost)));
    lines.push(("verdict", verdict(profile)));
}

/// The bound of the error that buckets bring in.
pub(crate) fn bucket_width() -> String {
    format!("at most {:.1} % of a value", RELATIVE_ERROR * 100.0)
}

fn lost(lost: LossCounts) -> String {
    lost.only(Loss::OF_PROFILE).map(|(loss, count)| format!("{count} {}", loss.name())).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::CpusAllowed;
    use model::profile::fixture;

    #[test]
    fn a_command_can_be_given_to_a_shell_as_it_stands() {
        let quoted = ["--size=1.5", "", "a b", "it's", "$HOME"].map(quoted);
        assert_eq!(quoted, ["--size=1.5", "''", "'a b'", r"'it'\''s'", "'$HOME'"]);
    }

    #[test]
    fn where_profiler_and_command_were_pinned_is_told_where_it_is_known() {
        let mut profile = fixture::tokio();
        let pinned = |profile: &Profile| -> Vec<(&'static str, String)> {
            manifest(profile).into_iter().filter(|(name, _)| name.ends_with("_cpus")).collect()
        };
        assert_eq!(pinned(&profile), []);
        let (profiler, target) = (Some("0-7".to_owned()), Some("2".to_owned()));
        profile.run.cpus_allowed = Some(CpusAllowed { profiler: None, target: target.clone() });
        assert_eq!(pinned(&profile), [("command_cpus", "2".to_owned())]);
        profile.run.cpus_allowed = Some(CpusAllowed { profiler, target });
        assert_eq!(pinned(&profile), [("profiler_cpus", "0-7".to_owned()), ("command_cpus", "2".to_owned())]);
    }

    #[test]
    fn what_is_not_known_is_left_out_and_no_value_breaks_a_line() {
        let mut profile = fixture::tokio();
        profile.run.command.push("two\nlines".to_owned());
        let lines = manifest(&profile);
        let of =
            |wanted: &str| lines.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value.as_str());
        assert_eq!(of("governor"), None);
        assert!(of("command").unwrap().ends_with(" 'two lines'"));
        assert!(of("verdict").unwrap().starts_with("complete: 0 lost"));
        assert_eq!(of("bucket_width"), Some("at most 0.8 % of a value"));
    }
}
