//! Text from outside (names, arguments, files) made fit to be shown: a terminal obeys nothing in it, and a file can be
//! named by it.

/// Stands for what is not shown.
pub const CONTROL: char = char::REPLACEMENT_CHARACTER;

/// The character, or what stands for one that a terminal would obey or a reader could not see.
pub fn shown(character: char) -> char {
    if character.is_control() || turns(character) || is_invisible(character) { CONTROL } else { character }
}

/// True if it changes the direction of what follows, and so the order of the figures (Unicode Bidi_Control).
fn turns(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// True if nothing is seen of it, so that two names look like one, or the line ends at it. Those that join letters of a
/// script or parts of a picture (U+200C, U+200D) are text.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{180e}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}'
            | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// The text on one line without anything that a terminal would obey: names and arguments come from the target.
pub fn printable(text: &str) -> String {
    let on_one_line = |character| match character {
        '\n' | '\t' | '\r' => ' ',
        _ => shown(character),
    };
    text.chars().map(on_one_line).collect()
}

/// The text as the name of a file that no shell, no flag and no terminal takes for something else.
pub fn file_name(text: &str) -> String {
    /// Leaves room for what is added: a name may have 255 bytes (`NAME_MAX`).
    const LONGEST: usize = 200;
    let safe = |character: char| match character {
        '.' | '_' | '-' | '+' => character,
        _ if character.is_alphanumeric() => character,
        _ => '_',
    };
    let mut name: String = text.chars().map(safe).collect();
    if name.starts_with(['-', '.']) {
        name.replace_range(..1, "_");
    }
    name.truncate(name.floor_char_boundary(LONGEST));
    if name.is_empty() { "_".to_owned() } else { name }
}

/// The text for a message: its beginning, without anything that a terminal would obey.
pub fn excerpt(text: &str) -> String {
    /// Two lines of a terminal: enough to recognise what it is.
    const LONGEST: usize = 160;
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
    fn a_file_name_is_a_name_and_nothing_else() {
        for (text, name) in [
            ("nginx", "nginx"),
            ("g++-13.2", "g++-13.2"),
            ("größe", "größe"),
            ("tmux: server", "tmux__server"),
            ("\u{1b}]0;x\u{7}", "__0_x_"),
            ("..", "_."),
            ("-rf", "_rf"),
            ("a/../b", "a_.._b"),
            ("\u{202e}a\u{200d}b", "_a_b"),
            ("", "_"),
        ] {
            assert_eq!(file_name(text), name);
        }
        assert_eq!(file_name(&"ä".repeat(300)).len(), 200);
    }

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        assert_eq!(excerpt("as it is"), "as it is");
        assert_eq!(excerpt("\u{1b}[31mred"), "\u{fffd}[31mred");
        assert_eq!(excerpt(&"x".repeat(1000)).chars().count(), 161);
    }
}
