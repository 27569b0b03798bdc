//! A page as Markdown, for `docs/`.

use crate::page::{Block, Entry};
use std::iter::once;

/// The page with its title.
pub(crate) fn render(title: &str, blocks: &[Block]) -> String {
    let title = format!("# {title}");
    let blocks: Vec<String> = once(title).chain(blocks.iter().filter_map(block)).collect();
    blocks.join("\n\n") + "\n"
}

fn block(block: &Block) -> Option<String> {
    Some(match block {
        Block::Heading(text) => format!("## {text}"),
        Block::Subheading(text) => format!("### {text}"),
        Block::Paragraph(text) => text.clone(),
        Block::Lines(text) => text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n"),
        Block::Entries(entries) => table(entries),
        Block::SeeAlso(_) => return None,
    })
}

/// Fields with their types, or what has none with its meaning.
fn table(entries: &[Entry]) -> String {
    let has_kinds = entries.iter().any(|entry| !entry.kind.is_empty());
    let row = |name: &str, kind: &str, text: &str| {
        if has_kinds { format!("| {name} | {kind} | {text} |") } else { format!("| {name} | {text} |") }
    };
    let (name, text) = if has_kinds { ("field", "holds") } else { ("value", "meaning") };
    let head = [row(name, "type", text), row("---", "---", "---")];
    let rows = entries.iter().map(|entry| {
        let names: Vec<String> = entry.names.iter().map(|name| format!("`{name}`")).collect();
        row(&names.join(", "), &entry.kind, &entry.text.replace('|', "\\|"))
    });
    head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_kinds_only_if_its_entries_do() {
        let entry = |kind: &str| Entry { names: vec!["a".into()], kind: kind.into(), text: "b | c".into() };
        let with = "| field | type | holds |\n| --- | --- | --- |\n| `a` | integer | b \\| c |";
        assert_eq!(table(&[entry("integer")]), with);
        assert_eq!(table(&[entry("")]), "| value | meaning |\n| --- | --- |\n| `a` | b \\| c |");
    }
}
