//! Styles by their meaning. The colours are those of the terminal's own palette, on its own background, so that they can
//! be read on dark and on light ones; nothing is said by colour alone.

use ratatui::style::{Color, Modifier, Style};

/// The styles of the view's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// True for colours.
    pub colour: bool,
}

impl Palette {
    fn coloured(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn accent(self) -> Style {
        self.coloured(Color::Cyan)
    }

    pub(super) fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    pub(super) fn bad(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    pub(super) fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The heading of the column that the table is sorted by.
    pub(super) fn sorted(self) -> Style {
        self.accent().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }
}
