//! The page: a report under construction, to which sections append.

use super::style::{Paint, Style};
use super::table::Table;
use super::wrap;
use model::outside_text::printable;

/// Indent of everything but section titles.
pub(super) const INDENT: usize = 2;

/// A report while it is being written.
pub(super) struct Page<'a> {
    style: &'a Style,
    text: String,
}

impl<'a> Page<'a> {
    pub(super) fn new(style: &'a Style) -> Self {
        Self { style, text: String::new() }
    }

    /// Usable width after the indent.
    pub(super) fn width(&self) -> usize {
        self.style.width - INDENT
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Appends a section title, as a rule over the whole width.
    pub(super) fn section(&mut self, title: &str) {
        let title = wrap::shortened(&printable(title), self.style.width - 8);
        let rest = "─".repeat(self.style.width - wrap::width(&title) - 4);
        self.blank();
        self.text.push_str(&self.style.paint(Paint::Faint, "──"));
        self.text.push_str(&format!(" {} ", self.style.paint(Paint::Strong, &title)));
        self.text.push_str(&self.style.paint(Paint::Faint, &rest));
        self.text.push_str("\n\n");
    }

    /// Appends a table title: the subject, then remarks on the whole table.
    pub(super) fn title(&mut self, about: &str, rest: &str) {
        let about = wrap::shortened(&printable(about), self.width());
        let lines = wrap::prose(&format!("{about}{rest}"), self.width());
        for (number, line) in lines.iter().enumerate() {
            let strong = if number == 0 { about.len().min(line.len()) } else { 0 };
            let (strong, faint) = line.split_at_checked(strong).unwrap_or((line, ""));
            let painted = self.style.paint(Paint::Strong, strong) + &self.style.paint(Paint::Faint, faint);
            self.line(&painted);
        }
    }

    /// Appends a line that has its colours already.
    pub(super) fn line(&mut self, painted: &str) {
        self.text.push_str(&" ".repeat(INDENT));
        self.text.push_str(painted);
        self.text.push('\n');
    }

    /// Appends text, broken into lines.
    pub(super) fn paragraph(&mut self, paint: Paint, text: &str) {
        for line in wrap::prose(&printable(text), self.width()) {
            let painted = self.style.paint(paint, &line);
            self.line(&painted);
        }
    }

    /// Appends text after a label, with a hanging indent.
    pub(super) fn labelled(&mut self, label: &str, label_width: usize, paint: Paint, text: &str) {
        let mut label = self.style.paint(Paint::Faint, label) + &" ".repeat(label_width - wrap::width(label));
        for line in wrap::prose(&printable(text), self.width() - label_width) {
            let painted = label + &self.style.paint(paint, &line);
            self.line(&painted);
            label = " ".repeat(label_width);
        }
    }

    /// Appends a verdict; continuation lines are indented, to set it apart from the next one.
    pub(super) fn verdict(&mut self, paint: Paint, line: &str) {
        let line = printable(line);
        let limit = if self.style.wraps_verdict { self.style.width } else { usize::MAX };
        for (number, line) in wrap::prose(&line, limit - INDENT).iter().enumerate() {
            let indent = if number == 0 { 0 } else { INDENT };
            self.text.push_str(&" ".repeat(indent));
            self.text.push_str(&self.style.paint(paint, line));
            self.text.push('\n');
        }
    }

    pub(super) fn table(&mut self, table: &Table) {
        table.render(self.style, &mut self.text);
    }

    pub(super) fn paint(&self, paint: Paint, text: &str) -> String {
        self.style.paint(paint, text)
    }

    pub(super) fn finish(self) -> String {
        self.text.replace(wrap::JOINT, " ")
    }
}
