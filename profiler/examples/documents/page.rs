//! A page about a file, before it is a man page or Markdown.

/// The section of the manual for file formats.
pub(crate) const SECTION: &str = "5";

/// A page. In its texts, what stands between backticks is typed or read as it is.
pub(crate) struct Page {
    /// Of the man page, such as `profiler.toml`.
    pub(crate) name: &'static str,
    /// The line behind the name (whatis).
    pub(crate) about: &'static str,
    pub(crate) blocks: Vec<Block>,
}

impl Page {
    /// The name of the man page's file.
    pub(crate) fn file_name(&self) -> String {
        format!("{}.{SECTION}", self.name)
    }
}

/// A part of a page.
#[derive(Debug, PartialEq)]
pub(crate) enum Block {
    Heading(String),
    /// Below a heading.
    Subheading(String),
    Paragraph(String),
    /// Lines that stay as they are.
    Lines(String),
    /// Things with names, and what there is to say of each.
    Entries(Vec<Entry>),
    /// Other man pages, by name and section; not in Markdown.
    SeeAlso(Vec<(&'static str, &'static str)>),
}

impl Block {
    pub(crate) fn heading(text: &str) -> Self {
        Self::Heading(text.to_owned())
    }

    pub(crate) fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph(text.into())
    }
}

/// A key, a field, a word or a file.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Entry {
    /// Several if the text is about all of them.
    pub(crate) names: Vec<String>,
    /// The type of a field.
    pub(crate) kind: String,
    pub(crate) text: String,
}
