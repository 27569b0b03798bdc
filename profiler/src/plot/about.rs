//! Metadata in a figure's file: its content, its profiles, and the manifest of each.

use super::Figure;
use crate::view::manifest::manifest;

/// Manifest entries that an anonymous figure keeps: nothing that tells the machine, its owner or the date.
const ANONYMOUS: [&str; 4] = ["tool", "wall_ns", "bucket_width", "verdict"];

/// The figure in one line.
pub(super) fn title(figure: &Figure<'_>) -> String {
    format!("{}: {}", figure.kind.name(), figure.subject.titles.join(", "))
}

/// Metadata as pairs of key and text: the title, then each profile's manifest, one line an entry. Keys are
/// short and ASCII, as PNG requires.
pub(super) fn entries(figure: &Figure<'_>) -> Vec<(String, String)> {
    let mut entries = vec![("Title".to_owned(), title(figure))];
    let profiles = figure.subject.profiles.iter().zip(&figure.subject.titles);
    for (number, (profile, title)) in (1..).zip(profiles) {
        let kept =
            manifest(profile).into_iter().filter(|(name, _)| !figure.anonymous || ANONYMOUS.contains(name));
        let lines = kept.map(|(name, value)| format!("{name}: {value}"));
        let lines: Vec<String> = std::iter::once(format!("profile: {title}")).chain(lines).collect();
        entries.push((format!("Profile {number}"), lines.join("\n")));
    }
    entries
}

/// The same metadata as one text.
pub(super) fn description(figure: &Figure<'_>) -> String {
    let profiles = entries(figure).into_iter().skip(1);
    profiles.map(|(_, lines)| lines).collect::<Vec<_>>().join("\n\n")
}
