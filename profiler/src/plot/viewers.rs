//! Adapts SVG to viewers without the font: embeds it, and sets `textLength` for viewers that ignore embedded
//! fonts.

use super::font::{Font, NAME, SUBSET};
use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A text element as it is drawn: its start, the start of its content, and its end.
const TEXT: &str = "<text ";
const CONTENT: &str = ">\n";
const END: &str = "\n</text>";

/// End of the document.
const CLOSE: &str = "</svg>\n";

/// Embeds the font, and adds the width of each text.
pub(super) fn with_font(drawn: &str) -> Result<String> {
    let font = Font::new()?;
    let Some(content) = drawn.strip_suffix(CLOSE) else {
        bail!("cannot draw the figure: the drawing does not end");
    };
    let (mut svg, mut rest) = (String::new(), content);
    while let Some((before, text)) = rest.split_once(TEXT) {
        let Some(((attributes, words), after)) =
            text.split_once(END).and_then(|(text, after)| Some((text.split_once(CONTENT)?, after)))
        else {
            bail!("cannot draw the figure: a text in it does not end");
        };
        svg.extend([before, TEXT, attributes]);
        if let Some(length) = length(&font, attributes, words) {
            svg += &format!(" textLength=\"{length}\" lengthAdjust=\"spacingAndGlyphs\"");
        }
        svg.extend([CONTENT, words, END]);
        rest = after;
    }
    let face = STANDARD.encode(SUBSET);
    let source = format!("url(\"data:font/woff2;base64,{face}\") format(\"woff2\")");
    svg += rest;
    svg += &format!("<style>@font-face {{ font-family: \"{NAME}\"; src: {source}; }}</style>\n{CLOSE}");
    Ok(svg)
}

/// The width of a text in coordinates; `None` if the font lacks a glyph.
fn length(font: &Font, attributes: &str, words: &str) -> Option<f64> {
    let (_, size) = attributes.split_once("font-size=\"")?;
    let size: f64 = size.split_once('"')?.0.parse().ok()?;
    let shown = shown(words);
    let is_known = !shown.is_empty() && font.has_all(&shown);
    is_known.then(|| font.width(&shown, size).round())
}

/// The text that viewers show for an element: leading, trailing and repeated spaces removed.
fn shown(content: &str) -> String {
    let mut text: String =
        content.split([' ', '\n', '\t']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    // The ampersand last, so that its result is not taken for another reference.
    for (reference, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")]
    {
        text = text.replace(reference, character);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(content: &str) -> String {
        format!("<svg>\n<g>\n<text x=\"1\" font-size=\"140\">\n{content}\n</text>\n</g>\n</svg>\n")
    }

    #[test]
    fn a_text_is_as_wide_as_in_the_font() {
        let font = Font::new().unwrap();
        for (content, shown) in [("a &lt; b", "a < b"), ("&amp;lt;", "&lt;"), ("two  spaces ", "two spaces")]
        {
            let svg = with_font(&drawn(content)).unwrap();
            let length = font.width(shown, 140.0).round();
            let expected = format!("font-size=\"140\" textLength=\"{length}\" lengthAdjust");
            assert!(svg.contains(&expected), "{svg}");
            assert!(svg.ends_with("</style>\n</svg>\n"), "{svg}");
            assert!(svg.contains(&format!(">\n{content}\n</text>\n</g>\n<style>")), "{svg}");
        }
    }

    #[test]
    fn what_the_font_lacks_is_not_squeezed() {
        let svg = with_font(&drawn("漢字")).unwrap();
        assert!(!svg.contains("textLength"), "{svg}");
    }

    #[test]
    fn the_font_is_embedded_whole() {
        let svg = with_font(&drawn("a")).unwrap();
        let (_, data) = svg.split_once("base64,").unwrap();
        let font = STANDARD.decode(data.split_once('"').unwrap().0).unwrap();
        // A WOFF2 file starts with its signature, the TrueType version and its own length.
        assert_eq!(font[..8], *b"wOF2\0\x01\0\0");
        assert_eq!(font[8..12], u32::try_from(font.len()).unwrap().to_be_bytes());
    }
}
