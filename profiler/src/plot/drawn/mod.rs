//! Checks figures by their data: the shapes of a finished SVG are measured with the figure's own axes and
//! legend, and compared with the profile. No drawing code is involved, so a figure with two shares swapped
//! fails here.

mod areas;
mod lines;
mod scale;
mod time;

use super::{Figure, Kind, Size};
use crate::view::Subject;
use crate::view::series::{GroupBy, Selection};
use model::metric::Metric;
use model::profile::Profile;
use resvg::usvg::roxmltree::{Document, Node};
use std::collections::BTreeMap;

/// A point in the coordinates of the file: twentieths of a point, y downwards.
type Point = (f64, f64);

/// The shapes and texts of a figure, in drawing order.
#[derive(Default)]
struct Drawn {
    /// Polygons and rectangles with their colours.
    filled: Vec<(Vec<Point>, String)>,
    /// Paths with the colours of their strokes.
    stroked: Vec<(Vec<Point>, String)>,
    /// The centres of circles with their colours.
    circles: Vec<(Point, String)>,
    /// Grid lines.
    grid: Vec<[Point; 2]>,
    texts: Vec<Text>,
}

struct Text {
    at: Point,
    /// `start`, `middle` or `end`.
    anchor: String,
    words: String,
}

/// Draws one profile as a page-wide figure and parses it.
fn drawn(profile: &Profile, kind: Kind, group_by: GroupBy, metric: Metric) -> Drawn {
    let profiles = [profile];
    let selection = Selection { metrics: vec![metric], threads: None, group_by };
    let subject = Subject::new(&profiles, &selection, false);
    let figure = Figure { subject: &subject, kind, size: Size::Page, each_run: false, anonymous: false };
    Drawn::of(&figure.svg().unwrap())
}

impl Drawn {
    fn of(svg: &str) -> Self {
        let document = Document::parse(svg).unwrap();
        let mut drawn = Self::default();
        for node in document.root_element().children() {
            drawn.add(node);
        }
        drawn
    }

    fn add(&mut self, node: Node<'_, '_>) {
        let word = |name: &str| node.attribute(name).unwrap_or_default().to_owned();
        let number = |name: &str| -> f64 { word(name).parse().unwrap() };
        match node.tag_name().name() {
            "polygon" => self.filled.push((points(&word("points")), word("fill"))),
            // The background has its size in percent.
            "rect" if word("fill") != "none" && !word("x").is_empty() => {
                let (left, top) = (number("x"), number("y"));
                let (right, bottom) = (left + number("width"), top + number("height"));
                let corners = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
                self.filled.push((corners, word("fill")));
            }
            "polyline" => self.stroked.push((points(&word("points")), word("stroke"))),
            "circle" => self.circles.push(((number("cx"), number("cy")), word("fill"))),
            "line" => self.grid.push([(number("x1"), number("y1")), (number("x2"), number("y2"))]),
            "text" => self.texts.push(Text {
                at: (number("x"), number("y")),
                anchor: word("text-anchor"),
                words: node.text().unwrap_or_default().trim().replace('\u{a0}', " "),
            }),
            _ => {}
        }
    }

    /// The colours of the legend's areas, by name.
    fn areas(&self) -> BTreeMap<String, String> {
        self.legend(self.filled.iter().map(|(outline, colour)| (extent(outline), colour)))
    }

    /// The colours of the legend's lines, by name.
    fn lines(&self) -> BTreeMap<String, String> {
        self.legend(self.stroked.iter().map(|(path, colour)| (extent(path), colour)))
    }

    /// The names next to these samples, with the samples' colours.
    fn legend<'a>(
        &self,
        samples: impl Iterator<Item = ([Point; 2], &'a String)>,
    ) -> BTreeMap<String, String> {
        /// The gap between a sample and its name: 3 pt.
        const GAP: f64 = 60.0;
        let mut legend = BTreeMap::new();
        for ([(_, top), (right, bottom)], colour) in samples {
            let is_beside = |text: &&Text| {
                let (left, middle) = text.at;
                text.anchor == "start"
                    && (left - right - GAP).abs() <= 1.0
                    && (middle - (top + bottom) / 2.0).abs() <= 1.0
            };
            let beside = self.texts.iter().find(is_beside);
            legend.extend(beside.map(|text| (text.words.clone(), colour.clone())));
        }
        legend
    }

    /// The topmost colour at a point, if an area covers it.
    fn colour_at(&self, point: Point) -> Option<&str> {
        let top = self.filled.iter().rev().find(|(outline, _)| is_within(outline, point));
        top.map(|(_, colour)| colour.as_str())
    }

    /// The visible length of each colour along a horizontal or vertical line, in units of the file.
    fn along(&self, from: Point, to: Point) -> BTreeMap<&str, u32> {
        let steps = (to.0 - from.0).max(to.1 - from.1).round() as u32;
        let mut seen = BTreeMap::new();
        for step in 0..steps {
            let part = (f64::from(step) + 0.5) / f64::from(steps);
            let point = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
            if let Some(colour) = self.colour_at(point) {
                *seen.entry(colour).or_default() += 1;
            }
        }
        seen
    }

    /// The vertical middle of the row with this label.
    fn row(&self, name: &str) -> f64 {
        let of_axis = |text: &&Text| text.anchor == "end" && text.words == name;
        self.texts.iter().find(of_axis).unwrap_or_else(|| panic!("no row is called {name}")).at.1
    }
}

fn points(attribute: &str) -> Vec<Point> {
    let point = |pair: &str| -> Option<Point> {
        let (x, y) = pair.split_once(',')?;
        Some((x.parse().ok()?, y.parse().ok()?))
    };
    attribute.split_whitespace().map(|pair| point(pair).unwrap()).collect()
}

/// The upper left and lower right corners of what is drawn.
fn extent(points: &[Point]) -> [Point; 2] {
    let fold = |start: f64, pick: fn(f64, f64) -> f64| {
        points.iter().fold((start, start), |found, point| (pick(found.0, point.0), pick(found.1, point.1)))
    };
    [fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max)]
}

/// True if a point is inside an outline: a ray to the right crosses an odd number of edges.
fn is_within(outline: &[Point], (x, y): Point) -> bool {
    let edges = outline.iter().zip(outline.iter().cycle().skip(1));
    let crossed = edges.filter(|((from_x, from_y), (to_x, to_y))| {
        (*from_y > y) != (*to_y > y) && x < from_x + (y - from_y) / (to_y - from_y) * (to_x - from_x)
    });
    crossed.count() % 2 == 1
}

#[test]
fn a_place_is_within_an_outline_or_not() {
    let step = [(0.0, 0.0), (10.0, 0.0), (10.0, 5.0), (20.0, 5.0), (20.0, 10.0), (0.0, 10.0)];
    for (point, expected) in
        [((5.0, 2.0), true), ((15.0, 2.0), false), ((15.0, 7.0), true), ((25.0, 7.0), false)]
    {
        assert_eq!(is_within(&step, point), expected, "{point:?}");
    }
}
