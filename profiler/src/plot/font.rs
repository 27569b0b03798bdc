//! The font of all figures. It is part of the binary and no system font is used, so that a figure is the same
//! on every machine. Its metrics equal those of Arial and Helvetica, which viewers without it substitute. SVG
//! embeds a subset, and leaves space for the wider fonts of viewers that ignore both.

use anyhow::{Context as _, Result};
use ttf_parser::Face;

/// Liberation Sans, unchanged (its licence lies beside it).
pub(super) static BYTES: &[u8] = include_bytes!("fonts/LiberationSans-Regular.ttf");

/// A subset of it as WOFF2 that keeps its `cmap`, made by `fonts/subset.py`.
pub(super) static SUBSET: &[u8] = include_bytes!("fonts/figure.woff2");

/// The font's family name in figures, embedded or not.
pub(super) const NAME: &str = "Liberation Sans";

/// The font family with its substitutes.
pub(super) const FAMILY: &str = "Liberation Sans, Arial, Helvetica, sans-serif";

/// Width of fallback fonts, relative to this one: in DejaVu Sans, the widest of the usual ones, the texts of
/// figures are 1.12 to 1.16 times as wide.
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

    /// The width to reserve for a text in points, whichever font a viewer uses.
    pub(super) fn reserved_pt(&self, text: &str, size_pt: f64) -> f64 {
        self.width(text, size_pt) * FALLBACK_WIDTH
    }

    /// True if it has a glyph for every character of a text.
    pub(super) fn has_all(&self, text: &str) -> bool {
        text.chars().all(|character| self.face.glyph_index(character).is_some())
    }

    /// The text, cut with an ellipsis if it may not fit `width_pt`.
    pub(super) fn fitted(&self, text: &str, size_pt: f64, width_pt: f64) -> String {
        if self.reserved_pt(text, size_pt) <= width_pt {
            return text.to_owned();
        }
        let mut short: String = text.to_owned();
        while short.pop().is_some()
            && self.reserved_pt(&short, size_pt) + self.reserved_pt("…", size_pt) > width_pt
        {}
        short + "…"
    }

    /// Advance width; a missing glyph has the width of the replacement box.
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
        // Helvetica's metrics, in thousandths of the size: M 833, i 222.
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
        assert!(cut.ends_with('…') && font.reserved_pt(&cut, 7.0) <= 100.0, "{cut}");
    }
}
