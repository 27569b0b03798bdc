//! Escapes text for LaTeX, for every engine and font.

/// Escapes a text so that LaTeX prints it literally. Characters that plain pdfLaTeX can't print are written as
/// code points, `<U+4E2D>`: thread names are arbitrary.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match command(character) {
            Some(command) => escaped.push_str(command),
            // Two hyphens in a row would become a dash.
            None if character == '-' && rest.peek() == Some(&'-') => escaped.push_str("-{}"),
            None if is_plain(character) => escaped.push(character),
            None => {
                escaped.push_str(&format!("\\textless{{}}U+{:04X}\\textgreater{{}}", u32::from(character)))
            }
        }
    }
    escaped
}

fn command(character: char) -> Option<&'static str> {
    let command = match character {
        '\\' => "\\textbackslash{}",
        '{' => "\\{",
        '}' => "\\}",
        '&' => "\\&",
        '#' => "\\#",
        '_' => "\\_",
        '%' => "\\%",
        '^' => "\\textasciicircum{}",
        '~' => "\\textasciitilde{}",
        '<' => "\\textless{}",
        '>' => "\\textgreater{}",
        '|' => "\\textbar{}",
        '"' => "{\\char34}",
        // The commands for these two use bitmap fonts (Type 3) in LaTeX's default encoding.
        '$' => "{\\char36}",
        '`' => "\\`{}",
        '\u{a0}' => "~",
        'µ' | 'μ' => "$\\mu$",
        '–' => "--",
        '…' => "\\dots{}",
        '−' => "$-$",
        '≤' => "$\\le$",
        _ => return None,
    };
    Some(command)
}

/// True for characters that every font has, some accented letters included.
fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~' | 'À'..='ÿ') && !"×÷ÐðÞþ".contains(character)
}

/// Writes lines as comments.
pub(super) fn comments(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| format!("% {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_has_a_meaning_is_escaped() {
        assert_eq!(escaped("on_cpu 100 % & #1"), "on\\_cpu 100 \\% \\& \\#1");
        assert_eq!(
            escaped("\\x{$}^~"),
            "\\textbackslash{}x\\{{\\char36}\\}\\textasciicircum{}\\textasciitilde{}"
        );
        assert_eq!(escaped("--tasks a-b"), "-{}-tasks a-b");
        assert_eq!(escaped("≤\u{a0}0.8 µs"), "$\\le$~0.8 $\\mu$s");
    }

    #[test]
    fn what_no_font_has_is_its_code_point() {
        assert_eq!(escaped("größe"), "größe");
        assert_eq!(escaped("中\n"), "\\textless{}U+4E2D\\textgreater{}\\textless{}U+000A\\textgreater{}");
    }
}
