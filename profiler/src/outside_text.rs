//! Texts that others wrote: a line of /proc that several places read, and words to be shown in a message.

use crate::profile::units::Bytes;

/// The size in a line such as `MemTotal:   123 kB`; `label` includes the colon.
pub(crate) fn kibibytes(text: &str, label: &str) -> Option<Bytes> {
    let size = text.lines().find_map(|line| line.strip_prefix(label))?;
    let kibibytes: u64 = size.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024).map(Bytes)
}

/// The choice in brackets, as files of sysfs show several: `a [b] c`.
pub(crate) fn chosen(choices: &str) -> Option<&str> {
    choices.split_whitespace().find_map(|choice| choice.strip_prefix('[')?.strip_suffix(']'))
}

/// The text for a message: its beginning, without anything that a terminal would obey.
pub(crate) fn excerpt(text: &str) -> String {
    /// Two lines of a terminal: enough to recognise what it is.
    const LONGEST: usize = 160;
    let shown =
        |character: char| if character.is_control() { char::REPLACEMENT_CHARACTER } else { character };
    let mut excerpt: String = text.chars().take(LONGEST).map(shown).collect();
    if excerpt.len() < text.len() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_those_too_large_are_not() {
        assert_eq!(kibibytes("A: 1 kB\nB:  2 kB\n", "B:"), Some(Bytes(2048)));
        assert_eq!(kibibytes("B: 18446744073709551615 kB\n", "B:"), None);
        assert_eq!(kibibytes("B: 2 MB\n", "B:"), None);
    }

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        assert_eq!(excerpt("as it is"), "as it is");
        assert_eq!(excerpt("\u{1b}[31mred"), "\u{fffd}[31mred");
        assert_eq!(excerpt(&"x".repeat(1000)).chars().count(), 161);
    }
}
