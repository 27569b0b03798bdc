//! An axis as a reader uses it: the position of any value follows from two labelled ones.

use super::{Drawn, Point, Text};

/// A mapping from values to coordinates along one axis.
pub(super) struct Scale {
    /// Two values with their coordinates.
    ends: [(f64, f64); 2],
    logarithmic: bool,
}

impl Scale {
    /// The horizontal axis; `value` parses its labels.
    pub(super) fn across(drawn: &Drawn, logarithmic: bool, value: fn(&str) -> Option<f64>) -> Self {
        let is_named =
            |text: &Text, [from, to]: &[Point; 2]| from.0 == to.0 && (text.at.0 - from.0).abs() <= 1.0;
        Self::of(drawn, logarithmic, "middle", |text, line| is_named(text, line).then_some(line[0].0), value)
    }

    /// The vertical axis.
    pub(super) fn up(drawn: &Drawn, logarithmic: bool, value: fn(&str) -> Option<f64>) -> Self {
        let is_named =
            |text: &Text, [from, to]: &[Point; 2]| from.1 == to.1 && (text.at.1 - from.1).abs() <= 1.0;
        Self::of(drawn, logarithmic, "end", |text, line| is_named(text, line).then_some(line[0].1), value)
    }

    fn of(
        drawn: &Drawn,
        logarithmic: bool,
        anchor: &str,
        position: impl Fn(&Text, &[Point; 2]) -> Option<f64>,
        value: fn(&str) -> Option<f64>,
    ) -> Self {
        let names = drawn.texts.iter().filter(|text| text.anchor == anchor);
        let mut named: Vec<(f64, f64)> = names
            .filter_map(|text| {
                let position = drawn.grid.iter().find_map(|line| position(text, line))?;
                Some((position, value(&text.words)?))
            })
            .collect();
        named.sort_by(|one, other| one.1.total_cmp(&other.1));
        let (Some(&first), Some(&last)) = (named.first(), named.last()) else { panic!("no value is named") };
        assert!(first.1 < last.1, "two values must be named: {named:?}");
        let scale = Self { ends: [first, last], logarithmic };
        for (position, value) in named {
            assert!((scale.at(value) - position).abs() <= 1.0, "{value} is named at {position}");
        }
        scale
    }

    fn linear(&self, value: f64) -> f64 {
        if self.logarithmic { value.ln() } else { value }
    }

    /// The coordinate of a value.
    pub(super) fn at(&self, value: f64) -> f64 {
        let [low, high] = self.ends;
        let part = (self.linear(value) - self.linear(low.1)) / (self.linear(high.1) - self.linear(low.1));
        low.0 + part * (high.0 - low.0)
    }
}

/// `20 ms` in nanoseconds.
pub(super) fn duration(words: &str) -> Option<f64> {
    let (number, unit) = words.split_once(' ')?;
    let in_ns = match unit {
        "ns" => 1.0,
        "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * in_ns)
}

/// `25 %` as a share.
pub(super) fn share(words: &str) -> Option<f64> {
    Some(words.strip_suffix(" %")?.parse::<f64>().ok()? / 100.0)
}
