//! Wraps text to a given width.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Joins a figure and its unit; shown as a space.
pub(super) const JOINT: char = '\u{a0}';

/// The width of a text in terminal columns.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Wraps a text at spaces into lines of at most `limit` columns; a longer word is cut.
pub(super) fn prose(text: &str, limit: usize) -> Vec<String> {
    lines(text.split_inclusive(' '), limit)
}

/// Wraps a name: a longer word is broken after hyphens, underscores and slashes and before capitals.
pub(super) fn name(text: &str, limit: usize) -> Vec<String> {
    let words = text.split_inclusive(' ').flat_map(|word| match width(word.trim_end_matches(' ')) > limit {
        true => name_parts(word),
        false => vec![word],
    });
    lines(words, limit)
}

fn name_parts(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut before) = (0, ' ');
    for (index, character) in word.char_indices() {
        if matches!(before, '-' | '_' | '/') || (before.is_lowercase() && character.is_uppercase()) {
            parts.push(&word[start..index]);
            start = index;
        }
        before = character;
    }
    parts.push(&word[start..]);
    parts
}

/// Cuts a text with an ellipsis if it is longer.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    while width(&short) >= limit && short.pop().is_some() {}
    short + "…"
}

fn lines<'a>(words: impl Iterator<Item = &'a str>, limit: usize) -> Vec<String> {
    let limit = limit.max(1);
    let mut lines = vec![String::new()];
    // The width of the last line, tracked incrementally: a line of zero-width characters has no bound.
    let mut taken = 0;
    for word in words {
        if taken > 0 && taken + width(word.trim_end_matches(' ')) > limit {
            lines.push(String::new());
            taken = 0;
        }
        for character in word.chars() {
            let columns = character.width().unwrap_or(0);
            if character != ' ' && taken + columns > limit {
                lines.push(String::new());
                taken = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(character);
                taken += columns;
            }
        }
    }
    for line in &mut lines {
        line.truncate(line.trim_end_matches(' ').len());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_breaks_at_spaces_only() {
        assert_eq!(prose("raise --max-threads to see more", 14), ["raise", "--max-threads", "to see more"]);
        assert_eq!(prose("", 10), [""]);
    }

    #[test]
    fn names_break_after_hyphens_and_before_capitals() {
        assert_eq!(name("thread-pool-workload", 12), ["thread-pool-", "workload"]);
        assert_eq!(name("ThreadPoolExecutor", 12), ["ThreadPool", "Executor"]);
        assert_eq!(name("6 threads (ThreadPoolExecutor)", 22), ["6 threads", "(ThreadPoolExecutor)"]);
    }

    #[test]
    fn a_figure_stays_with_its_unit() {
        assert_eq!(prose("it took 3\u{a0}ms", 9), ["it took", "3\u{a0}ms"]);
    }

    #[test]
    fn an_overlong_word_is_cut() {
        assert_eq!(prose("abcdefgh", 3), ["abc", "def", "gh"]);
    }

    #[test]
    fn an_overlong_text_is_shortened() {
        assert_eq!(shortened("abcdef", 6), "abcdef");
        assert_eq!(shortened("abcdefg", 6), "abcde…");
    }
}
