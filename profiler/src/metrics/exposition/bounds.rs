//! Writes the bounds of buckets in one spelling, whatever form of the text is asked for: `le` is a label, and servers join
//! labels as text.

use std::fmt::{Result, Write};

/// Before the value of the label. In values of other labels a quote has a backslash before it.
const LABELS: [&str; 2] = ["{le=\"", ",le=\""];

/// Below this a number has an exponent: OpenMetrics' canonical numbers, which are those of Go, and so of the Prometheus text.
const LEAST_WITHOUT_EXPONENT: f64 = 1e-4;

/// Passes a text on line by line.
pub(super) struct Canonical<'a, W: Write> {
    writer: &'a mut W,
    /// The part of a line that has come so far.
    line: String,
}

impl<'a, W: Write> Canonical<'a, W> {
    pub(super) fn new(writer: &'a mut W) -> Self {
        Self { writer, line: String::new() }
    }
}

impl<W: Write> Write for Canonical<'_, W> {
    fn write_str(&mut self, text: &str) -> Result {
        for piece in text.split_inclusive('\n') {
            self.line.push_str(piece);
            if piece.ends_with('\n') {
                let line = std::mem::take(&mut self.line);
                match respelled(&line) {
                    Some(line) => self.writer.write_str(&line)?,
                    None => self.writer.write_str(&line)?,
                }
            }
        }
        Ok(())
    }
}

/// The line with its bound in the one spelling; `None` if it has no bound, or one that is spelled so already.
fn respelled(line: &str) -> Option<String> {
    LABELS.into_iter().find_map(|label| {
        let (before, rest) = line.split_once(label)?;
        let (bound, after) = rest.split_once('"')?;
        let value: f64 = bound.parse().ok()?;
        let is_small = value > 0.0 && value < LEAST_WITHOUT_EXPONENT;
        is_small.then(|| format!("{before}{label}{}\"{after}", with_exponent(value)))
    })
}

/// `1.023e-06`: the exponent of a small number has two digits at least.
fn with_exponent(value: f64) -> String {
    let text = format!("{value:e}");
    match text.split_once("e-") {
        Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pieces: &[&str]) -> String {
        let mut text = String::new();
        let mut canonical = Canonical::new(&mut text);
        for piece in pieces {
            canonical.write_str(piece).unwrap();
        }
        text
    }

    #[test]
    fn small_bounds_have_exponents() {
        for (bound, canonical) in [
            ("0.000001023", "1.023e-06"),
            ("0.00001", "1e-05"),
            ("0.0001", "0.0001"),
            ("1.0", "1.0"),
            ("+Inf", "+Inf"),
        ] {
            let line = written(&["a_bucket{", "le=\"", bound, "\"} 0.000001\n"]);
            assert_eq!(line, format!("a_bucket{{le=\"{canonical}\"}} 0.000001\n"));
        }
    }

    #[test]
    fn other_labels_stay_as_they_are() {
        let line = "a{profile=\"0.000001\",thread=\",le=\",name=\",le=\\\"0.000001\\\"\"} 1\n";
        assert_eq!(written(&[line]), line);
    }
}
