//! The one font of all figures. It is in the binary and no other is looked for, so that a figure is the same on every
//! machine; its glyphs are as wide as those of Arial and Helvetica, which a viewer without it takes instead. SVG embeds a
//! subset, and leaves room for the wider fonts of viewers that heed neither.

use anyhow::{Context as _, Result};
use ttf_parser::Face;

/// Liberation Sans, unchanged (its licence lies beside it).
pub(super) static BYTES: &[u8] = include_bytes!("fonts/LiberationSans-Regular.ttf");

/// A subset of it as WOFF2 that keeps its `cmap`, made by `fonts/subset.py`.
pub(super) static SUBSET: &[u8] = include_bytes!("fonts/figure.woff2");

/// The name by which figures ask for the font, embedded or not.
pub(super) const NAME: &str = "Liberation Sans";

/// That, and who may stand in for it.
pub(super) const FAMILY: &str = "Liberation Sans, Arial, Helvetica, sans-serif";

/// Widths in the fonts that viewers without this one fall back to, as multiples of its own: in DejaVu Sans, the widest of the
/// usual ones, what figures write is 1.12 to 1.16 times as wide.
const FALLBACK_WIDTH: f64 = 1.16;

/// Measures text.
pub(super) struct Font {
    face: Face<'static>,
}

impl Font {
    pub(super) fn new() -> Result<Self> {
        let face = Face::parse(BYTES, 0).context("the font of the figures is damaged")?;
        Ok(Self { face })
    }

    /// The width of a text in points.
    pub(super) fn width(&self, text: &str, size_pt: f64) -> f64 {
        let units: u32 = text.chars().map(|character| self.advance(character)).sum();
        f64::from(units) * size_pt / f64::from(self.face.units_per_em())
    }

    /// The width in points that is kept free for a text, whatever font it is shown in.
    pub(super) fn room(&self, text: &str, size_pt: f64) -> f64 {
        self.width(text, size_pt) * FALLBACK_WIDTH
    }

    /// True if it has a glyph for every character of a text.
    pub(super) fn has_all(&self, text: &str) -> bool {
        text.chars().all(|character| self.face.glyph_index(character).is_some())
    }

    /// The text, cut with an ellipsis if there may not be room for it within this width.
    pub(super) fn fitted(&self, text: &str, size_pt: f64, width_pt: f64) -> String {
        if self.room(text, size_pt) <= width_pt {
            return text.to_owned();
        }
        let mut short: String = text.to_owned();
        while short.pop().is_some() && self.room(&short, size_pt) + self.room("…", size_pt) > width_pt {}
        short + "…"
    }

    /// A character without a glyph is as wide as the box that stands for it.
    fn advance(&self, character: char) -> u32 {
        let glyph = self.face.glyph_index(character).unwrap_or_default();
        self.face.glyph_hor_advance(glyph).unwrap_or_default().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_helvetica() {
        // From Helvetica's metrics, in thousandths of the size: M 833, i 222.
        let font = Font::new().unwrap();
        assert!((font.width("M", 1000.0) - 833.0).abs() < 1.0);
        assert!((font.width("iii", 1000.0) - 666.0).abs() < 2.0);
    }

    #[test]
    fn what_the_figures_write_has_glyphs() {
        let font = Font::new().unwrap();
        for character in "0123456789 µs×≤≥–…#%().,\u{a0}".chars() {
            assert!(font.face.glyph_index(character).is_some(), "{character:?}");
        }
    }

    #[test]
    fn what_is_too_wide_is_cut() {
        let font = Font::new().unwrap();
        assert_eq!(font.fitted("short", 7.0, 100.0), "short");
        let cut = font.fitted(&"long ".repeat(40), 7.0, 100.0);
        assert!(cut.ends_with('…') && font.room(&cut, 7.0) <= 100.0, "{cut}");
    }
}
