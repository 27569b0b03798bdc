//! The summary table in Markdown (GitHub's flavour), with columns aligned in the raw text. The manifest is a
//! comment below it.

use super::paper::{Line, Table, notes, table};
use crate::report::metrics::{DOUBTFUL, QUANTILES};
use crate::report::units::ABSENT;
use crate::view::Subject;
use crate::view::manifest::comments;
use unicode_width::UnicodeWidthStr as _;

/// Characters that are markup in Markdown or HTML, anywhere in a line.
const MARKUP: &str = "\\`*_[]<>|~&$";

pub(super) fn markdown(subject: &Subject<'_>) -> Vec<u8> {
    let table = table(subject);
    let mut text = rendered(&table);
    for note in notes(subject, &table) {
        text.push_str(&format!("\n{}\n", marked(&note)));
    }
    // A comment must not contain its own terminator.
    let manifest = comments(subject).join("\n").replace("-->", "--&gt;");
    text.push_str(&format!("\n<!--\n{manifest}\n-->\n"));
    text.into_bytes()
}

fn rendered(table: &Table) -> String {
    let left = table.names.len() + 1;
    let headings = table.names.iter().copied().chain(["metric", "count"]);
    let headings = headings.chain(QUANTILES.iter().map(|(name, _)| *name)).chain(["max"]);
    let mut rows: Vec<Vec<String>> = vec![headings.map(str::to_owned).collect()];
    rows.extend(table.lines.iter().map(cells));
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or(0))
        .collect();
    let rule = widths.iter().enumerate().map(|(column, &width)| match column < left {
        true => format!(":{}", "-".repeat(width - 1)),
        false => format!("{}:", "-".repeat(width - 1)),
    });
    rows.insert(1, rule.collect());
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let space = " ".repeat(width - cell.width());
            if column < left { format!("{cell}{space}") } else { format!("{space}{cell}") }
        });
        format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
    };
    rows.iter().map(line).collect()
}

fn cells(line: &Line) -> Vec<String> {
    let quantiles = line.quantiles.iter().map(|quantile| match quantile {
        None => ABSENT.to_owned(),
        Some(quantile) => {
            let mark = if quantile.is_doubtful { DOUBTFUL } else { "" };
            format!("{mark}{}", escaped(&quantile.figure))
        }
    });
    let names =
        line.names.iter().map(|name| escaped(name)).chain([escaped(line.metric), escaped(&line.count)]);
    names.chain(quantiles).chain([escaped(&line.max)]).collect()
}

/// A note; its mark is not escaped.
fn marked(note: &str) -> String {
    match note.strip_prefix(DOUBTFUL) {
        Some(meaning) => format!("{DOUBTFUL}{}", escaped(meaning)),
        None => escaped(note),
    }
}

/// Escapes a text, on one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        // An underscore between letters or digits is not markup.
        let is_inside = |other: char| other.is_alphanumeric();
        let is_plain =
            character == '_' && is_inside(before) && rest.peek().is_some_and(|&next| is_inside(next));
        match character {
            _ if character.is_control() => escaped.push(' '),
            _ if MARKUP.contains(character) && !is_plain => escaped.extend(['\\', character]),
            _ => escaped.push(character),
        }
        before = character;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::series::{GroupBy, Selection};
    use model::profile::fixture;

    #[test]
    fn markup_in_a_name_is_shown_as_it_is() {
        assert_eq!(escaped("on_cpu"), "on_cpu");
        assert_eq!(escaped("_a_|`b`"), "\\_a\\_\\|\\`b\\`");
        assert_eq!(escaped("a_"), "a\\_");
        assert_eq!(escaped("<b>~\\\n*"), "\\<b\\>\\~\\\\ \\*");
    }

    #[test]
    fn the_comment_ends_at_the_end() {
        let mut profile = fixture::tokio();
        profile.run.command.push("--> <b>".to_owned());
        let profiles = [&profile];
        let selection = Selection { metrics: Vec::new(), threads: None, group_by: GroupBy::Run };
        let text = String::from_utf8(markdown(&Subject::new(&profiles, &selection, false))).unwrap();
        assert_eq!(text.matches("-->").count(), 1, "{text}");
        assert!(text.ends_with("\n-->\n"));
    }

    #[test]
    fn every_row_has_as_many_cells_as_the_heading() {
        let mut profile = fixture::overfull();
        profile.threads[0].name = "a|b\n|".to_owned();
        let profiles = [&profile];
        let selection = Selection { metrics: Vec::new(), threads: None, group_by: GroupBy::Thread };
        let text = String::from_utf8(markdown(&Subject::new(&profiles, &selection, false))).unwrap();
        let cells = |line: &str| line.replace("\\|", "").matches('|').count();
        let table: Vec<usize> = text.lines().take_while(|line| line.starts_with('|')).map(cells).collect();
        assert!(table.len() > 3 && table.iter().all(|&cells| cells == table[0]), "{text}");
    }
}
