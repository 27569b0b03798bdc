//! Unique names of distributions for tags of an interval log and for file names, where not every character is
//! allowed. Thread names are arbitrary, so other characters are encoded by their bytes: nothing is lost, and no
//! two names of an export are equal.

use crate::view::Subject;
use crate::view::series::{Group, GroupBy, Key};
use model::metric::Metric;
use std::collections::BTreeMap;

/// The parts of names by which a subject's groups differ.
pub(super) struct Names<'a> {
    subject: &'a Subject<'a>,
    /// The number of groups with the same parts.
    namesakes: BTreeMap<Vec<String>, usize>,
}

impl<'a> Names<'a> {
    pub(super) fn new(subject: &'a Subject<'a>) -> Self {
        let mut namesakes = BTreeMap::new();
        for group in &subject.groups {
            *namesakes.entry(parts(subject, group)).or_default() += 1;
        }
        Self { subject, namesakes }
    }

    /// Tag for an interval log: the profile's title, the group's name, pid and tid as far as it has them, and
    /// the metric, separated by `/`. All but letters, digits and `-._~` is percent-encoded (RFC 3986).
    pub(super) fn tag(&self, group: &Group<'_>, metric: Metric) -> String {
        let mut parts = self.parts(group);
        parts.push(metric.name().to_owned());
        parts.iter().map(|part| escaped(part, "-._~", '%')).collect::<Vec<_>>().join("/")
    }

    /// File name suffix: the same parts separated by `.`. All but letters, digits and `-_` is written as `=`
    /// and two hexadecimal digits a byte (as in quoted-printable), which LaTeX and shells accept. Parts common
    /// to all groups are left out.
    pub(super) fn suffix(&self, group: &Group<'_>, metric: Metric) -> String {
        let mut parts = self.parts(group);
        if self.subject.profiles.len() == 1 {
            parts.remove(0);
        }
        parts.push(metric.name().to_owned());
        parts.iter().map(|part| escaped(part, "-_", '=')).collect::<Vec<_>>().join(".")
    }

    /// The group's parts, with the start time of a thread where its tid was reused.
    fn parts(&self, group: &Group<'_>) -> Vec<String> {
        let mut parts = parts(self.subject, group);
        let is_shared = self.namesakes.get(&parts).is_some_and(|&groups| groups > 1);
        if let Some(start) = group.key.start_ns().filter(|_| is_shared) {
            parts.push(start.0.to_string());
        }
        parts
    }
}

/// All parts of a group, the profile's title first.
fn parts(subject: &Subject<'_>, group: &Group<'_>) -> Vec<String> {
    let title = subject.titles.get(group.run).map_or("", String::as_str);
    let mut parts = vec![title.to_owned()];
    parts.extend(group.key.name().map(ToOwned::to_owned));
    parts.extend([group.key.pid(), group.key.tid()].into_iter().flatten().map(|id| id.to_string()));
    // A name could equal this one; grouped by name, the title alone is unique.
    if group.key == Key::WithoutSlot && subject.group_by != GroupBy::Name {
        parts.push("without_slot".to_owned());
    }
    parts
}

/// Encodes every byte that is no ASCII letter, digit or one of `kept` as `mark` and two hexadecimal digits.
pub(crate) fn escaped(text: &str, kept: &str, mark: char) -> String {
    let mut escaped = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("{mark}{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::series::Selection;
    use model::profile::Profile;
    use model::profile::fixture;
    use model::profile::units::Nanos;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const ALL: [GroupBy; 4] = [GroupBy::Thread, GroupBy::Name, GroupBy::Process, GroupBy::Run];

    fn subject<'a>(profiles: &'a [&'a Profile], group_by: GroupBy) -> Subject<'a> {
        Subject::new(profiles, &Selection { metrics: Vec::new(), threads: None, group_by }, false)
    }

    fn unescaped(text: &str, mark: char) -> String {
        let mut parts = text.split(mark);
        let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
        for part in parts {
            bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
            bytes.extend(&part.as_bytes()[2..]);
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn names_say_what_it_is() {
        let mut profile = fixture::pool();
        profile.threads[0].name = "a b,c/100%\n.".to_owned();
        let profiles = [&profile];
        let first = |group_by| {
            let subject = subject(&profiles, group_by);
            let (names, group) = (Names::new(&subject), &subject.groups[0]);
            [names.tag(group, Metric::OnCpu), names.suffix(group, Metric::OnCpu)]
        };
        let title = crate::report::titles(&profiles).remove(0);
        assert_eq!(first(GroupBy::Run), [format!("{title}/on_cpu"), "on_cpu".to_owned()]);
        let (pid, tid) = (profile.threads[0].pid, profile.threads[0].tid);
        assert_eq!(
            first(GroupBy::Thread),
            [
                format!("{title}/a%20b%2Cc%2F100%25%0A./{pid}/{tid}/on_cpu"),
                format!("a=20b=2Cc=2F100=25=0A=2E.{pid}.{tid}.on_cpu"),
            ]
        );
    }

    #[test]
    fn a_number_that_was_used_again_makes_no_namesakes() {
        let mut profile = fixture::tokio();
        let again = profile.threads[0].clone();
        profile.threads[0].start_ns = Nanos(1);
        profile.threads.push(again);
        let two = fixture::overfull();
        let profiles = [&profile, &two];
        for group_by in ALL {
            let subject = subject(&profiles, group_by);
            let names = Names::new(&subject);
            let tags: BTreeSet<String> =
                subject.groups.iter().map(|group| names.tag(group, Metric::Blocked)).collect();
            assert_eq!(tags.len(), subject.groups.len(), "{group_by:?}: {tags:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_name_it_is_escaped_and_can_be_had_again(name in "\\PC{0,20}|[ ,\n\r%=/.\\\\]{0,9}") {
            let tag = escaped(&name, "-._~", '%');
            let is_separator = |character: char| matches!(character, ',' | ' ' | '/') || character.is_control();
            prop_assert!(!tag.contains(is_separator));
            prop_assert_eq!(&unescaped(&tag, '%'), &name);
            let file = escaped(&name, "-_", '=');
            prop_assert!(file.chars().all(|character| character.is_ascii_alphanumeric() || "-_=".contains(character)));
            prop_assert_eq!(&unescaped(&file, '='), &name);
        }
    }
}
