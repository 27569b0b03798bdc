//! The style of a report: colours, width, and the number of threads above which they are grouped.

use anstyle::AnsiColor;
use std::ffi::OsString;
use std::io::IsTerminal;
use terminal_size::{Width, terminal_size_of};

/// The style of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// True to use ANSI colours. No meaning depends on colour.
    pub colour: bool,
    /// Width in columns, at least 60.
    pub width: usize,
    /// True to wrap the verdict, too. In files and pipes it stays one line, so that a search finds all of it.
    pub wraps_verdict: bool,
    /// The most threads shown one by one; more are grouped by name.
    pub threads: usize,
}

/// The meaning of a text; coloured only if colours are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Paint {
    #[default]
    Plain,
    Strong,
    Faint,
    Accent,
    Good,
    Warning,
    Bad,
}

impl Style {
    /// Width for files and pipes.
    pub const DEFAULT_WIDTH: usize = 100;
    /// Default number of threads shown one by one.
    pub const DEFAULT_THREADS: usize = 16;
    /// The narrowest width with legible tables.
    pub(super) const MIN_WIDTH: usize = 60;
    /// The widest width; longer rows are hard to follow.
    const MAX_WIDTH: usize = 160;

    /// A style without colours.
    #[must_use]
    pub fn plain(width: usize) -> Self {
        Self {
            colour: false,
            width: width.max(Self::MIN_WIDTH),
            wraps_verdict: false,
            threads: Self::DEFAULT_THREADS,
        }
    }

    /// The style for standard error.
    #[must_use]
    pub fn for_stderr() -> Self {
        let stream = std::io::stderr();
        Self::detect(stream.is_terminal(), terminal_size_of(&stream).map(|(Width(width), _)| width))
    }

    /// The style for standard output.
    #[must_use]
    pub fn for_stdout() -> Self {
        let stream = std::io::stdout();
        Self::detect(stream.is_terminal(), terminal_size_of(&stream).map(|(Width(width), _)| width))
    }

    /// True if a line on standard error can be overwritten.
    #[must_use]
    pub fn stderr_can_be_redrawn() -> bool {
        std::io::stderr().is_terminal() && obeys_escape_codes()
    }

    /// True if standard output can be overwritten.
    #[must_use]
    pub fn stdout_can_be_redrawn() -> bool {
        std::io::stdout().is_terminal() && obeys_escape_codes()
    }

    fn detect(is_terminal: bool, width: Option<u16>) -> Self {
        Self::resolve(is_terminal, width, obeys_escape_codes() && set("NO_COLOR").is_none())
    }

    fn resolve(is_terminal: bool, width: Option<u16>, colour_welcome: bool) -> Self {
        let width = width.filter(|&width| is_terminal && width > 0).map_or(Self::DEFAULT_WIDTH, usize::from);
        Self {
            colour: is_terminal && colour_welcome,
            width: width.clamp(Self::MIN_WIDTH, Self::MAX_WIDTH),
            wraps_verdict: is_terminal,
            threads: Self::DEFAULT_THREADS,
        }
    }

    /// Paints a text as good news.
    #[must_use]
    pub fn reassuring(&self, text: &str) -> String {
        self.paint(Paint::Good, text)
    }

    /// Paints a text as a failure.
    #[must_use]
    pub fn alarming(&self, text: &str) -> String {
        self.paint(Paint::Bad, text)
    }

    /// Paints a text by its meaning.
    pub(super) fn paint(&self, paint: Paint, text: &str) -> String {
        let style = paint.ansi();
        if self.colour && !text.is_empty() && style != anstyle::Style::new() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

fn obeys_escape_codes() -> bool {
    set("TERM").is_some_and(|term| term != "dumb")
}

/// An environment variable, if set and not empty.
fn set(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

impl Paint {
    fn ansi(self) -> anstyle::Style {
        let plain = anstyle::Style::new();
        let coloured = |colour: AnsiColor| plain.fg_color(Some(colour.into()));
        match self {
            Self::Plain => plain,
            Self::Strong => plain.bold(),
            Self::Faint => plain.dimmed(),
            Self::Accent => coloured(AnsiColor::Cyan),
            Self::Good => coloured(AnsiColor::Green).bold(),
            Self::Warning => coloured(AnsiColor::Yellow),
            Self::Bad => coloured(AnsiColor::Red).bold(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_plain_and_of_default_width() {
        let style = Style::resolve(false, Some(200), true);
        assert_eq!((style.colour, style.width), (false, Style::DEFAULT_WIDTH));
        assert!(!style.wraps_verdict && Style::resolve(true, None, true).wraps_verdict);
    }

    #[test]
    fn a_terminal_gives_its_width_within_limits() {
        assert_eq!(Style::resolve(true, Some(120), true).width, 120);
        assert_eq!(Style::resolve(true, Some(20), true).width, Style::MIN_WIDTH);
        assert_eq!(Style::resolve(true, Some(400), true).width, Style::MAX_WIDTH);
        assert_eq!(Style::resolve(true, Some(0), true).width, Style::DEFAULT_WIDTH);
    }

    #[test]
    fn colour_needs_a_terminal_that_welcomes_it() {
        assert!(Style::resolve(true, None, true).colour);
        assert!(!Style::resolve(true, None, false).colour);
    }

    #[test]
    fn paint_adds_codes_only_with_colour() {
        assert_eq!(Style::plain(80).paint(Paint::Bad, "no"), "no");
        let coloured = Style { colour: true, ..Style::plain(80) };
        assert_eq!(coloured.paint(Paint::Bad, "no"), "\u{1b}[1m\u{1b}[31mno\u{1b}[0m");
        assert_eq!(coloured.paint(Paint::Plain, "no"), "no");
    }
}
