//! Panels in a grid with common axes: their positions and frames, and the legend, titles and notes around them.

use super::Size;
use super::axis::Axis;
use super::font::Font;
use super::legend::Legend;
use super::sheet::{
    Area, LINE_PT, Point, SMALL_PT, TEXT_PT, failed, length, path, point, stroke, text, units, upwards,
};
use super::style::{AXIS_PT, FAINT_INK, GRID, GRID_PT, INK};
use anyhow::Result;
use plotters::backend::SVGBackend;
use plotters::chart::ChartBuilder;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::DrawingArea;
use plotters::element::Text;
use plotters::style::TextStyle;
use plotters::style::text_anchor::{HPos, VPos};

/// Margin around the figure; papers add their own.
const MARGIN_PT: f64 = 2.0;

/// Length of a tick, and the gap between it and its label.
const TICK_PT: f64 = 2.0;

/// Gap between rows of panels, and between the legend and the first row.
const ROW_GAP_PT: f64 = 4.0;

/// Least gap between columns of panels.
const COLUMN_GAP_PT: f64 = 8.0;

/// Least gap between axis labels of neighbouring panels.
const NAME_GAP_PT: f64 = 5.0;

/// Least gap between titles of neighbouring panels.
const TITLE_GAP_PT: f64 = 3.0;

/// Least gap between the vertical axis's title and its labels; a fallback font is taller, too.
const Y_TITLE_GAP_PT: f64 = 3.0;

/// Indent of the legend: the width of the vertical axis's title.
const LEGEND_LEFT_PT: f64 = LINE_PT;

/// Line height of notes.
const NOTE_LINE_PT: f64 = 7.5;

/// Everything around the panels.
pub(super) struct Surroundings {
    pub(super) legend: Legend,
    pub(super) x_title: String,
    pub(super) y_title: String,
    /// Notes below the figure, each on a line of its own.
    pub(super) notes: Vec<String>,
    /// Title lines of each panel; a single panel has none. Titles wider than their column are cut.
    pub(super) titles: Vec<Vec<String>>,
}

/// The layout of all panels.
pub(super) struct Panels {
    around: Surroundings,
    notes: Vec<String>,
    columns: usize,
    width_pt: f64,
    height_pt: f64,
    left_pt: f64,
    gap_pt: f64,
    pub(super) plot: (f64, f64),
    count: usize,
}

/// The columns of a figure, and the width of a plot in them.
pub(super) struct Columns {
    size: Size,
    count: usize,
    pub(super) plot_width_pt: f64,
    gap_pt: f64,
    left_pt: f64,
}

/// A panel to draw on.
pub(super) struct Frame<'a> {
    plot: DrawingArea<SVGBackend<'a>, Cartesian2d<Axis, Axis>>,
}

impl Columns {
    /// Distributes `panels` panels, with labels of these widths at the left, below, and at the right.
    pub(super) fn new(
        size: Size,
        panels: usize,
        (y_names_pt, x_names_pt, right_pt): (f64, f64, f64),
    ) -> Self {
        let count = match (size, panels) {
            (Size::Column, _) => panels.clamp(1, 2),
            (Size::Page, 4) => 2,
            (Size::Page, _) => panels.clamp(1, 3),
        };
        let left_pt = MARGIN_PT + LINE_PT + Y_TITLE_GAP_PT + y_names_pt + 2.0 * TICK_PT;
        // Half a label of one panel and half a label of the next.
        let gap_pt = COLUMN_GAP_PT.max(x_names_pt + NAME_GAP_PT);
        let right_pt = MARGIN_PT + right_pt.max(x_names_pt / 2.0);
        let gaps = (count - 1) as f64 * gap_pt;
        let plot_width_pt = (size.width_pt() - left_pt - right_pt - gaps) / count as f64;
        Self { size, count, plot_width_pt, gap_pt, left_pt }
    }

    pub(super) fn legend_width_pt(&self) -> f64 {
        self.size.width_pt() - 2.0 * MARGIN_PT - LEGEND_LEFT_PT
    }

    /// The default height of a plot.
    pub(super) fn plot_height_pt(&self, panels: usize) -> f64 {
        match (self.size, panels) {
            (Size::Column, 1) => 130.0,
            (Size::Page, 1) => 180.0,
            (Size::Column, _) => 80.0,
            (Size::Page, _) => 105.0,
        }
    }
}

impl Panels {
    /// Lays out `count` panels with plots of this height.
    pub(super) fn new(
        font: &Font,
        columns: &Columns,
        count: usize,
        plot_height_pt: f64,
        mut around: Surroundings,
    ) -> Self {
        let width_pt = columns.size.width_pt();
        let notes = wrapped(font, &around.notes, width_pt - 2.0 * MARGIN_PT);
        let title_width_pt = columns.plot_width_pt + columns.gap_pt - TITLE_GAP_PT;
        for line in around.titles.iter_mut().flatten() {
            *line = font.fitted(line, TEXT_PT, title_width_pt);
        }
        let mut panels = Self {
            notes,
            columns: columns.count,
            width_pt,
            height_pt: 0.0,
            left_pt: columns.left_pt,
            gap_pt: columns.gap_pt,
            plot: (columns.plot_width_pt, plot_height_pt),
            count,
            around,
        };
        let rows = count.div_ceil(panels.columns);
        // The last row has no gap below it.
        let bottom = panels.plots_top_pt() + rows as f64 * panels.row_pt() - ROW_GAP_PT - panels.title_pt();
        panels.height_pt = bottom + LINE_PT + panels.notes_pt() + MARGIN_PT;
        panels
    }

    /// Draws everything outside the panels.
    pub(super) fn draw_surroundings(&self, area: &Area<'_>) -> Result<()> {
        let around = &self.around;
        around.legend.draw(area, (MARGIN_PT + LEGEND_LEFT_PT, MARGIN_PT))?;
        let style = |horizontal, vertical| text(INK, TEXT_PT, horizontal, vertical);
        for (number, title) in around.titles.iter().enumerate() {
            let (left, top) = self.plot_corner_pt(number);
            for (above, line) in title.iter().rev().enumerate() {
                let bottom = top - 3.0 - above as f64 * LINE_PT;
                text_at(area, line, point(left, bottom), style(HPos::Left, VPos::Bottom))?;
            }
        }
        let below = self.height_pt - MARGIN_PT - self.notes_pt();
        let plots = self.columns as f64 * (self.plot.0 + self.gap_pt) - self.gap_pt;
        text_at(
            area,
            &around.x_title,
            point(self.left_pt + plots / 2.0, below - 1.0),
            style(HPos::Center, VPos::Bottom),
        )?;
        let (top, bottom) = (self.plot_corner_pt(0).1, self.plot_corner_pt(self.count - 1).1 + self.plot.1);
        let middle = point(MARGIN_PT, (top + bottom) / 2.0);
        text_at(area, &around.y_title, middle, upwards(style(HPos::Center, VPos::Top)))?;
        for (line, words) in self.notes.iter().enumerate() {
            let at = point(MARGIN_PT, below + 2.0 + line as f64 * NOTE_LINE_PT);
            text_at(area, words, at, text(FAINT_INK, SMALL_PT, HPos::Left, VPos::Top))?;
        }
        Ok(())
    }

    /// Draws the axes and grid lines of a panel.
    pub(super) fn frame<'a>(
        &self,
        area: &Area<'a>,
        number: usize,
        (x, y): (Axis, Axis),
    ) -> Result<Frame<'a>> {
        let (left, top) = self.plot_corner_pt(number);
        let y_has_lines = y.has_lines;
        let is_first = number.is_multiple_of(self.columns);
        let (before, below) = (if is_first { self.left_pt - MARGIN_PT } else { 0.0 }, LINE_PT + TICK_PT);
        let own = area
            .clone()
            .shrink(point(left - before, top), (length(self.plot.0 + before), length(self.plot.1 + below)));
        let mut chart = ChartBuilder::on(&own)
            .y_label_area_size(length(before))
            .x_label_area_size(length(below))
            .build_cartesian_2d(x, y)
            .map_err(failed)?;
        let names = text(INK, TEXT_PT, HPos::Center, VPos::Center);
        let mut mesh = chart.configure_mesh();
        if !y_has_lines {
            mesh.disable_y_mesh();
        }
        mesh.bold_line_style(stroke(GRID, GRID_PT))
            .light_line_style(stroke(GRID, GRID_PT))
            .axis_style(stroke(INK, AXIS_PT))
            .label_style(names)
            .set_all_tick_mark_size(units(TICK_PT))
            .draw()
            .map_err(failed)?;
        self.draw_axes(area, number)?;
        Ok(Frame { plot: chart.plotting_area().clone() })
    }

    /// Draws the axes of a panel again, over its content.
    pub(super) fn draw_axes(&self, area: &Area<'_>, number: usize) -> Result<()> {
        let (left, top) = self.plot_corner_pt(number);
        let (width, height) = self.plot;
        let corners = [point(left, top), point(left, top + height), point(left + width, top + height)];
        path(area, corners, stroke(INK, AXIS_PT))
    }

    pub(super) fn size_pt(&self) -> (f64, f64) {
        (self.width_pt, self.height_pt)
    }

    /// True for the last panel of a row.
    pub(super) fn ends_row(&self, number: usize) -> bool {
        (number + 1).is_multiple_of(self.columns) || number + 1 == self.count
    }

    fn plots_top_pt(&self) -> f64 {
        let legend = self.around.legend.height_pt();
        MARGIN_PT + legend + if legend > 0.0 { ROW_GAP_PT } else { 1.0 } + self.title_pt()
    }

    fn title_pt(&self) -> f64 {
        let lines = self.around.titles.iter().map(Vec::len).max().unwrap_or(0);
        if lines == 0 { LINE_PT / 3.0 } else { lines as f64 * LINE_PT }
    }

    /// The distance between the tops of two rows of plots.
    fn row_pt(&self) -> f64 {
        self.plot.1 + TICK_PT * 2.0 + LINE_PT + ROW_GAP_PT + self.title_pt()
    }

    fn notes_pt(&self) -> f64 {
        if self.notes.is_empty() { 0.0 } else { 2.0 + self.notes.len() as f64 * NOTE_LINE_PT }
    }

    fn plot_corner_pt(&self, number: usize) -> (f64, f64) {
        let (row, column) = (number / self.columns, number % self.columns);
        let left = self.left_pt + column as f64 * (self.plot.0 + self.gap_pt);
        (left, self.plots_top_pt() + row as f64 * self.row_pt())
    }
}

impl Frame<'_> {
    /// The point of a pair of axis values.
    pub(super) fn at(&self, x: f64, y: f64) -> Point {
        self.plot.map_coordinate(&(x, y))
    }
}

/// Draws a text at a point.
pub(super) fn text_at(area: &Area<'_>, words: &str, at: Point, style: TextStyle<'static>) -> Result<()> {
    area.draw(&Text::new(words.to_owned(), at, style)).map_err(failed)
}

/// Breaks notes into lines of this width; each note starts a line.
fn wrapped(font: &Font, notes: &[String], width_pt: f64) -> Vec<String> {
    let mut lines = Vec::new();
    for note in notes {
        let mut line = String::new();
        for word in note.split(' ') {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if !line.is_empty() && font.reserved_pt(&longer, SMALL_PT) > width_pt {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = longer;
            }
        }
        lines.push(line);
    }
    lines
}
