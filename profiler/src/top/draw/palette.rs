//! Styles by meaning. Colours are those of the terminal's palette on its own background, legible on dark and
//! light ones; no meaning depends on colour.

use ratatui::style::{Color, Modifier, Style};

/// The styles of the view's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// True to use colours.
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

    /// The heading of the sort column.
    pub(super) fn sorted(self) -> Style {
        self.accent().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }
}
