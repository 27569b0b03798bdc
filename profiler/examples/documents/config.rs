//! `profiler.toml(5)`: the configuration of the daemon, from what `profiler daemon --print-config` prints.

use crate::page::{Block, Entry, Page};
use std::mem::take;

/// A configuration that is complete.
const EXAMPLE: &str = "\
[[selector]]
label = \"web\"
name = \"nginx*\"
group_by = [\"process\", \"name\"]

[store]
path = \"/var/lib/profiler/store\"
keep = \"30d\"
max_size = \"10GiB\"
";

/// The page.
pub(crate) fn page() -> Page {
    let mut blocks = blocks(&profiler::config::default_text());
    blocks.extend([
        Block::heading("Files"),
        Block::Entries(vec![Entry {
                names: vec!["/etc/profiler/profiler.toml".to_owned()],
                text: "The file that the packaged unit `profiler.service` reads. `profiler daemon --print-config` prints one \
                       to begin with."
                    .to_owned(),
                ..Entry::default()
            }]),
        Block::heading("Examples"),
        Block::paragraph("Watch nginx by process and thread name, and keep 30 days of it, in at most 10 GiB:"),
        Block::Lines(EXAMPLE.to_owned()),
        Block::SeeAlso(vec![("profiler-daemon", "1"), ("profiler-ctl", "1"), ("profiler-top", "1")]),
    ]);
    Page { name: "profiler.toml", about: "configuration of the profiler daemon", blocks }
}

/// The commented configuration as blocks: a comment is about the section or the keys below it.
fn blocks(text: &str) -> Vec<Block> {
    let mut reader = Reader::default();
    text.lines().for_each(|line| reader.line(line));
    reader.paragraph();
    reader.entries();
    reader.blocks
}

#[derive(Default)]
struct Reader {
    /// Comment lines that nothing has followed yet.
    comment: Vec<String>,
    /// The keys of the section so far.
    entries: Vec<Entry>,
    blocks: Vec<Block>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some(comment) = line.strip_prefix("# ") {
            self.comment.push(comment.to_owned());
        } else if line.trim_start_matches('#').starts_with('[') {
            self.section(line.trim_start_matches('#'));
        } else if line.is_empty() {
            self.paragraph();
        } else {
            self.key(line);
        }
    }

    fn section(&mut self, name: &str) {
        self.entries();
        let is_first = !self.blocks.iter().any(|block| matches!(block, Block::Subheading(_)));
        self.blocks.extend(is_first.then(|| Block::heading("Sections and keys")));
        self.blocks.push(Block::Subheading(name.to_owned()));
        self.paragraph();
    }

    /// A key with its value, and perhaps a comment behind; one without any comment shares that of the key before.
    fn key(&mut self, line: &str) {
        let (key, behind) = line.split_once("   # ").map_or((line, None), |(key, text)| (key, Some(text)));
        let key = key.trim_end().to_owned();
        let comment = take(&mut self.comment).join(" ");
        let text = behind.map_or(comment, |behind| capitalized(behind) + ".");
        match self.entries.last_mut() {
            Some(before) if text.is_empty() => before.names.push(key),
            _ => self.entries.push(Entry { names: vec![key], text, ..Entry::default() }),
        }
    }

    fn paragraph(&mut self) {
        if !self.comment.is_empty() {
            self.blocks.push(Block::Paragraph(take(&mut self.comment).join(" ")));
        }
    }

    fn entries(&mut self) {
        let entries = take(&mut self.entries);
        if !entries.is_empty() {
            self.blocks.push(Block::Entries(entries));
        }
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use profiler::config::{Config, default_text};

    #[test]
    fn a_comment_is_about_what_is_below_it() {
        let text = "# All.\n\n# One\n# section.\n[a]\n# Two keys.\nb = 1\n#c = 2\nd = 3   # a third\n";
        let entry = |names: &[&str], text: &str| Entry {
            names: names.iter().map(ToString::to_string).collect(),
            text: text.to_owned(),
            ..Entry::default()
        };
        let entries = vec![entry(&["b = 1", "#c = 2"], "Two keys."), entry(&["d = 3"], "A third.")];
        assert_eq!(
            blocks(text),
            [
                Block::paragraph("All."),
                Block::heading("Sections and keys"),
                Block::Subheading("[a]".to_owned()),
                Block::paragraph("One section."),
                Block::Entries(entries),
            ]
        );
    }

    /// Nothing of the default configuration is left out, and each key has a text.
    #[test]
    fn the_page_has_every_line() {
        let page = crate::roff::render(&page());
        let plain = page.replace("\\fB", "").replace("\\fR", "").replace('\\', "").replace("*(Aq", "'");
        for line in default_text().lines().filter(|line| !line.is_empty()) {
            let key = line.split("   # ").next().unwrap().trim_end();
            let part = key.strip_prefix("# ").unwrap_or(key).trim_start_matches("#[").trim_matches('[');
            let part = part.replace('`', "");
            assert!(plain.contains(&part), "{line}");
        }
        let entries = blocks(&default_text()).into_iter().filter_map(|block| match block {
            Block::Entries(entries) => Some(entries),
            _ => None,
        });
        for entry in entries.flatten() {
            assert!(!entry.text.is_empty(), "{entry:?}");
        }
    }

    #[test]
    fn the_example_is_valid() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), EXAMPLE).unwrap();
        assert!(Config::read(file.path()).unwrap().store.is_some());
    }
}
