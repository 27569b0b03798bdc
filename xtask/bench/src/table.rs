//! The table: results, bars, verdicts.

use super::statistics::Summary;
use anyhow::Error;
use std::fmt::Write as _;

/// The unit of an amount.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unit {
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
    /// Milliseconds.
    Ms,
    /// 2^20 bytes.
    MiB,
    /// A ratio.
    Times,
    /// A count.
    Count,
}

impl Unit {
    fn write(self, amount: f64) -> String {
        match self {
            Self::Us => format!("{amount:.3} µs"),
            Self::Ns => format!("{amount:.0} ns"),
            Self::Ms => format!("{amount:.1} ms"),
            Self::MiB => format!("{amount:.1} MiB"),
            Self::Times => format!("{amount:.2} ×"),
            Self::Count => format!("{amount:.0}"),
        }
    }
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Row {
    what: String,
    unit: Unit,
    /// The result, or the reason for its absence.
    measured: Result<Summary, String>,
    /// The upper limit.
    bar: Option<f64>,
}

impl Row {
    /// A row without a bar.
    pub(super) fn new(what: impl Into<String>, unit: Unit, measured: Result<Summary, String>) -> Self {
        Self { what: what.into(), unit, measured, bar: None }
    }

    /// A row for a single value.
    pub(super) fn single(what: impl Into<String>, unit: Unit, value: Result<f64, String>) -> Self {
        Self::new(what, unit, value.map(Summary::single))
    }

    /// A row for a failed step: its bars count as not met.
    pub(super) fn failed(what: impl Into<String>, error: &Error) -> Self {
        Self::new(what, Unit::Count, Err(format!("{error:#}"))).at_most(0.0)
    }

    /// Sets the bar.
    pub(super) fn at_most(self, bar: f64) -> Self {
        Self { bar: Some(bar), ..self }
    }

    /// The verdict; `None` for a row without a bar.
    fn verdict(&self) -> Option<Verdict> {
        let bar = self.bar?;
        Some(match &self.measured {
            Ok(measured) if measured.median <= bar => Verdict::Pass,
            Ok(_) => Verdict::Fail,
            Err(_) => Verdict::NotMeasured,
        })
    }

    fn cells(&self) -> [String; 4] {
        let measured = match &self.measured {
            Ok(Summary { median, least, greatest, .. }) if least < greatest => {
                let range = format!("{} to {}", self.unit.write(*least), self.unit.write(*greatest));
                format!("{} ({range})", self.unit.write(*median))
            }
            Ok(single) => self.unit.write(single.median),
            Err(why) => format!("not measured: {}", one_line(why)),
        };
        let bar = self.bar.map(|bar| format!("≤ {}", self.unit.write(bar)));
        let verdict = self.verdict().map(|verdict| verdict.text().to_owned());
        [self.what.clone(), measured, bar.unwrap_or_default(), verdict.unwrap_or_default()]
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Pass,
    Fail,
    NotMeasured,
}

impl Verdict {
    fn text(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::NotMeasured => "not measured",
        }
    }
}

/// The number of bars not met, including those not measured.
pub(super) fn unmet(rows: &[Row]) -> usize {
    rows.iter().filter_map(Row::verdict).filter(|verdict| *verdict != Verdict::Pass).count()
}

/// Formats rows as a Markdown table.
pub(super) fn markdown(rows: &[Row]) -> String {
    let head = ["", "median (least to greatest)", "bar", ""].map(str::to_owned);
    lines_up(head.to_vec(), rows.iter().map(|row| row.cells().to_vec()).collect())
}

/// A Markdown table with columns aligned for a terminal.
pub(super) fn lines_up(head: Vec<String>, body: Vec<Vec<String>>) -> String {
    // Markdown requires three dashes in a column.
    let mut widths = vec![3; head.len()];
    for line in std::iter::once(&head).chain(&body) {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut table = String::new();
    for line in [head, rule].iter().chain(&body) {
        for (cell, width) in line.iter().zip(&widths) {
            // Writing to a string cannot fail.
            let _written = write!(table, "| {cell:width$} ");
        }
        table.push_str("|\n");
    }
    table
}

/// Joins the lines of a message into one.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        vec![
            Row::new("base", Unit::Us, Ok(Summary { least: 2.5, greatest: 3.0, ..Summary::single(2.75) })),
            Row::single("ratio", Unit::Times, Ok(0.4)).at_most(0.4),
            Row::single("added", Unit::Ns, Ok(200.6)).at_most(200.0),
            Row::single("peer", Unit::Times, Err("not\nthere".to_owned())).at_most(3.5),
        ]
    }

    #[test]
    fn a_bar_that_was_not_measured_is_not_met() {
        assert_eq!(unmet(&rows()), 2);
        assert_eq!(unmet(&[]), 0);
        assert_eq!(unmet(&[Row::failed("step", &Error::msg("why"))]), 1);
    }

    #[test]
    fn the_table_lines_up() {
        let expected = "\
|       | median (least to greatest)      | bar      |              |
| ----- | ------------------------------- | -------- | ------------ |
| base  | 2.750 µs (2.500 µs to 3.000 µs) |          |              |
| ratio | 0.40 ×                          | ≤ 0.40 × | pass         |
| added | 201 ns                          | ≤ 200 ns | FAIL         |
| peer  | not measured: not there         | ≤ 3.50 × | not measured |
";
        assert_eq!(markdown(&rows()), expected);
    }
}
