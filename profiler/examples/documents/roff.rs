//! A page as a man page.

use crate::page::{Block, Page, SECTION};
use roff::{Inline, Roff, bold, roman};

/// The source of the man page.
pub(crate) fn render(page: &Page) -> String {
    let mut roff = Roff::new();
    let version = concat!("profiler ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", [page.name, SECTION, "", version]);
    // Neither hyphens that are not in a name nor gaps inside a key with its value.
    roff.control("nh", []).control("ad", ["l"]);
    roff.control("SH", ["NAME"]).text([roman(format!("{} - {}", page.name, page.about))]);
    roff.control("SH", ["DESCRIPTION"]);
    for block in &page.blocks {
        write(&mut roff, block);
    }
    roff.render()
}

fn write(roff: &mut Roff, block: &Block) {
    match block {
        Block::Heading(text) => drop(roff.control("SH", [text.to_uppercase().as_str()])),
        Block::Subheading(text) => drop(roff.control("SS", [text.as_str()])),
        Block::Paragraph(text) => drop(roff.control("PP", []).text(inlines(text))),
        Block::Lines(text) => lines(roff, text),
        Block::Entries(entries) => {
            for entry in entries {
                for (index, name) in entry.names.iter().enumerate() {
                    let kind = (!entry.kind.is_empty()).then(|| roman(format!("  {}", entry.kind)));
                    roff.control(if index == 0 { "TP" } else { "TQ" }, []);
                    roff.text([Some(bold(name)), kind].into_iter().flatten().collect::<Vec<_>>());
                }
                roff.text(inlines(&entry.text));
            }
        }
        Block::SeeAlso(pages) => {
            roff.control("SH", ["SEE ALSO"]);
            let one = |(index, (name, section)): (usize, &(&str, &str))| {
                let separator = if index + 1 == pages.len() { "" } else { ", " };
                [bold(*name), roman(format!("({section}){separator}"))]
            };
            roff.text(pages.iter().enumerate().flat_map(one).collect::<Vec<_>>());
        }
    }
}

fn lines(roff: &mut Roff, text: &str) {
    roff.control("PP", []).control("RS", ["4"]).control("nf", []);
    for line in text.lines() {
        roff.text([roman(line)]);
    }
    roff.control("fi", []).control("RE", []);
}

/// The text with what is between backticks in bold.
fn inlines(text: &str) -> Vec<Inline> {
    let parts = text.split('`').enumerate().filter(|(_, part)| !part.is_empty());
    parts.map(|(index, part)| if index % 2 == 1 { bold(part) } else { roman(part) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_pages;
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    #[test]
    fn what_is_typed_is_bold() {
        assert_eq!(inlines("say `ls -l` twice"), [roman("say "), bold("ls -l"), roman(" twice")]);
        assert_eq!(inlines("`ls`"), [bold("ls")]);
    }

    /// As lintian has them read, with every warning that groff knows.
    #[test]
    fn groff_has_nothing_to_complain_of() {
        for page in file_pages().unwrap() {
            let mut groff = Command::new("groff");
            groff
                .args(["-man", "-ww", "-Tutf8", "-Kutf8", "-z"])
                .stdin(Stdio::piped())
                .stderr(Stdio::piped());
            let groff = groff.spawn();
            let mut groff = groff.unwrap_or_else(|error| panic!("groff, of the package groff-base: {error}"));
            groff.stdin.take().unwrap().write_all(render(&page).as_bytes()).unwrap();
            let output = groff.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && said.is_empty(), "{}: {said}", page.name);
        }
    }
}
