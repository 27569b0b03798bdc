//! The terminal. It is taken over for the lifetime of a [`Takeover`], and restored on every exit.

use anyhow::{Context, Result, bail};
use model::outside_text::{CONTROL, shown};
use ratatui::backend::{Backend, ClearType, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell};
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::{Rect, Size};
use std::io::{IsTerminal as _, Stdout, stdin, stdout};
use std::sync::Once;
use terminal_size::{Height, Width, terminal_size_of};

/// The assumed size of a terminal that does not report one.
const USUAL: Size = Size { width: 80, height: 24 };

/// The largest size drawn: a screen of 7680 × 4320 pixels with characters of 6 × 10. A terminal may claim 65535
/// × 65535, which would take 206 GB.
const MOST: Size = Size { width: 1280, height: 432 };

/// The known content of a terminal, so that only changes are written.
pub struct Screen<B: Backend> {
    backend: B,
    before: Option<Buffer>,
}

impl<B: Backend<Error: Send + Sync + 'static>> Screen<B> {
    /// A screen with unknown content.
    pub fn new(backend: B) -> Self {
        Self { backend, before: None }
    }

    /// The terminal.
    pub fn backend(&self) -> &B {
        &self.backend
    }

    /// Makes the next draw complete, since others may have written to the terminal.
    pub fn forget(&mut self) {
        self.before = None;
    }

    /// Draws a frame: in the upper left corner, if the terminal exceeds the largest size.
    ///
    /// # Errors
    /// If the terminal can't be written to.
    pub fn draw(&mut self, size: Size, draw: impl FnOnce(&mut Buffer)) -> Result<()> {
        let mut next =
            Buffer::empty(Rect::new(0, 0, size.width.min(MOST.width), size.height.min(MOST.height)));
        draw(&mut next);
        next.content.iter_mut().for_each(disarm);
        let before = match self.before.take().filter(|before| before.area == next.area) {
            Some(before) => before,
            None => {
                self.backend.clear_region(ClearType::All).context(CANNOT)?;
                Buffer::empty(next.area)
            }
        };
        self.backend.draw(before.diff(&next).into_iter()).context(CANNOT)?;
        self.backend.flush().context(CANNOT)?;
        self.before = Some(next);
        Ok(())
    }
}

/// Replaces control characters in a cell.
fn disarm(cell: &mut Cell) {
    if cell.symbol().chars().any(|character| shown(character) != character) {
        cell.set_char(CONTROL);
    }
}

const CANNOT: &str = "cannot draw on the terminal";

/// The terminal of this process.
pub fn on_stdout() -> Screen<CrosstermBackend<Stdout>> {
    Screen::new(CrosstermBackend::new(stdout()))
}

/// The size of the terminal.
#[must_use]
pub fn size() -> Size {
    match terminal_size_of(stdout()) {
        Some((Width(width @ 1..), Height(height @ 1..))) => Size { width, height },
        _ => USUAL,
    }
}

/// Fails unless standard input and output are a terminal that obeys escape codes.
///
/// # Errors
/// The error names the alternative, `instead`.
pub fn check(instead: &str) -> Result<()> {
    if !stdin().is_terminal() || !stdout().is_terminal() {
        bail!("profiler top needs a terminal as its standard input and output; {instead}");
    }
    if !crate::report::Style::stdout_can_be_redrawn() {
        bail!("profiler top needs a terminal that obeys escape codes (TERM is unset or dumb); {instead}");
    }
    Ok(())
}

/// Exclusive use of the terminal: no echo, and an alternate screen that preserves the scrollback.
pub struct Takeover(());

impl Takeover {
    /// Takes over the terminal.
    ///
    /// # Errors
    /// If the terminal can't be set up.
    pub fn begin() -> Result<Self> {
        give_back_before_a_panic_is_told();
        enable_raw_mode().context("cannot set up the terminal")?;
        let taken = Self(());
        execute!(stdout(), EnterAlternateScreen, Hide).context(CANNOT)?;
        Ok(taken)
    }
}

impl Drop for Takeover {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    // Errors are ignored: the terminal may have hung up.
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// Restores the terminal before a panic message, which would otherwise go to the alternate screen.
fn give_back_before_a_panic_is_told() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            give_back();
            tell(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::style::Style;
    use std::cell::RefCell;
    use std::io::{self, Write};
    use std::num::NonZeroU16;
    use std::rc::Rc;

    const SIZE: Size = Size { width: 6, height: 2 };

    /// An emulated terminal.
    #[derive(Clone)]
    struct Emulated(Rc<RefCell<vt100::Parser>>);

    impl Emulated {
        fn new() -> Self {
            let size = |size| NonZeroU16::new(size).unwrap();
            Self(Rc::new(RefCell::new(vt100::Parser::new(size(SIZE.height), size(SIZE.width), 0))))
        }

        fn shows(&self) -> String {
            self.0.borrow().screen().contents()
        }
    }

    impl Write for Emulated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().process(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn draw(screen: &mut Screen<CrosstermBackend<Emulated>>, text: &str) {
        screen.draw(SIZE, |buffer| buffer.set_string(0, 1, text, Style::new())).unwrap();
    }

    #[test]
    fn what_stood_there_before_is_gone() {
        let terminal = Emulated::new();
        let mut screen = Screen::new(CrosstermBackend::new(terminal.clone()));
        for text in ["before", "漢字", "a", "b字c", "漢"] {
            draw(&mut screen, text);
            assert_eq!(terminal.shows().trim(), text);
        }
    }

    #[test]
    fn what_others_wrote_is_drawn_over() {
        let mut terminal = Emulated::new();
        let mut screen = Screen::new(CrosstermBackend::new(terminal.clone()));
        draw(&mut screen, "ours");
        terminal.write_all(b"\x1b[Htheirstheirs").unwrap();
        screen.forget();
        draw(&mut screen, "ours");
        assert_eq!(terminal.shows().trim(), "ours");
    }

    #[test]
    fn a_terminal_larger_than_any_screen_is_not_believed() {
        // Each is long in one direction: long in both, a failure would take all memory.
        for (claimed, drawn) in [
            (Size { width: u16::MAX, ..SIZE }, Size { width: MOST.width, ..SIZE }),
            (Size { height: u16::MAX, ..SIZE }, Size { height: MOST.height, ..SIZE }),
        ] {
            let mut screen = Screen::new(CrosstermBackend::new(Emulated::new()));
            let mut area = Rect::default();
            screen.draw(claimed, |buffer| area = buffer.area).unwrap();
            assert_eq!(area.as_size(), drawn);
        }
    }
}
