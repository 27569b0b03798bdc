//! Panels side by side with the same axes: where each is, its frame, and what stands around all of them.

use super::Size;
use super::axis::Axis;
use super::font::Font;
use super::legend::Legend;
use super::sheet::{
    Area, LINE_PT, Place, SMALL_PT, TEXT_PT, failed, length, path, place, stroke, text, units, upwards,
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

/// Around the figure; papers add their own.
const MARGIN_PT: f64 = 2.0;

/// A tick, and as much again up to its name.
const TICK_PT: f64 = 2.0;

/// Between the rows of panels, and between the legend and the first.
const ROW_GAP_PT: f64 = 4.0;

/// Between panels side by side, at least.
const COLUMN_GAP_PT: f64 = 8.0;

/// Between names on the axes of panels side by side, at least.
const NAME_GAP_PT: f64 = 5.0;

/// Between the titles of panels side by side, at least.
const TITLE_GAP_PT: f64 = 3.0;

/// Between the vertical axis's title and the names on that axis, at least: a fallback font is taller too.
const Y_TITLE_GAP_PT: f64 = 3.0;

/// From the margin to the legend: the width of the vertical axis's title.
const LEGEND_LEFT_PT: f64 = LINE_PT;

/// Of the lines of notes.
const NOTE_LINE_PT: f64 = 7.5;

/// The space around the panels.
pub(super) struct Surroundings {
    pub(super) legend: Legend,
    pub(super) x_title: String,
    pub(super) y_title: String,
    /// Below the figure, each from the start of a line.
    pub(super) notes: Vec<String>,
    /// The lines above each panel; none of one panel alone. What is wider than its column is cut.
    pub(super) titles: Vec<Vec<String>>,
}

/// The positions of all parts.
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

/// The width that is left for plots.
pub(super) struct Room {
    size: Size,
    pub(super) columns: usize,
    pub(super) plot_width_pt: f64,
    gap_pt: f64,
    left_pt: f64,
}

/// A panel on which can be drawn.
pub(super) struct Frame<'a> {
    plot: DrawingArea<SVGBackend<'a>, Cartesian2d<Axis, Axis>>,
}

impl Room {
    /// For so many panels with names up to this width left of, below, and right of them.
    pub(super) fn new(
        size: Size,
        panels: usize,
        (y_names_pt, x_names_pt, right_pt): (f64, f64, f64),
    ) -> Self {
        let columns = match (size, panels) {
            (Size::Column, _) => panels.clamp(1, 2),
            (Size::Page, 4) => 2,
            (Size::Page, _) => panels.clamp(1, 3),
        };
        let left_pt = MARGIN_PT + LINE_PT + Y_TITLE_GAP_PT + y_names_pt + 2.0 * TICK_PT;
        // Half of one name, and half of the next panel's.
        let gap_pt = COLUMN_GAP_PT.max(x_names_pt + NAME_GAP_PT);
        let right_pt = MARGIN_PT + right_pt.max(x_names_pt / 2.0);
        let gaps = (columns - 1) as f64 * gap_pt;
        let plot_width_pt = (size.width_pt() - left_pt - right_pt - gaps) / columns as f64;
        Self { size, columns, plot_width_pt, gap_pt, left_pt }
    }

    pub(super) fn legend_width_pt(&self) -> f64 {
        self.size.width_pt() - 2.0 * MARGIN_PT - LEGEND_LEFT_PT
    }

    /// The usual height of one of so many panels.
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
    /// So many panels of this height.
    pub(super) fn new(
        font: &Font,
        room: &Room,
        count: usize,
        plot_height_pt: f64,
        mut around: Surroundings,
    ) -> Self {
        let width_pt = room.size.width_pt();
        let notes = wrapped(font, &around.notes, width_pt - 2.0 * MARGIN_PT);
        let title_width_pt = room.plot_width_pt + room.gap_pt - TITLE_GAP_PT;
        for line in around.titles.iter_mut().flatten() {
            *line = font.fitted(line, TEXT_PT, title_width_pt);
        }
        let mut panels = Self {
            notes,
            columns: room.columns,
            width_pt,
            height_pt: 0.0,
            left_pt: room.left_pt,
            gap_pt: room.gap_pt,
            plot: (room.plot_width_pt, plot_height_pt),
            count,
            around,
        };
        let rows = count.div_ceil(panels.columns);
        // The last row has no gap below it.
        let bottom = panels.plots_top_pt() + rows as f64 * panels.row_pt() - ROW_GAP_PT - panels.title_pt();
        panels.height_pt = bottom + LINE_PT + panels.notes_pt() + MARGIN_PT;
        panels
    }

    /// Draws all that is not inside a panel.
    pub(super) fn draw_surroundings(&self, area: &Area<'_>) -> Result<()> {
        let around = &self.around;
        around.legend.draw(area, (MARGIN_PT + LEGEND_LEFT_PT, MARGIN_PT))?;
        let style = |horizontal, vertical| text(INK, TEXT_PT, horizontal, vertical);
        for (number, title) in around.titles.iter().enumerate() {
            let (left, top) = self.plot_corner_pt(number);
            for (above, line) in title.iter().rev().enumerate() {
                let bottom = top - 3.0 - above as f64 * LINE_PT;
                text_at(area, line, place(left, bottom), style(HPos::Left, VPos::Bottom))?;
            }
        }
        let below = self.height_pt - MARGIN_PT - self.notes_pt();
        let plots = self.columns as f64 * (self.plot.0 + self.gap_pt) - self.gap_pt;
        text_at(
            area,
            &around.x_title,
            place(self.left_pt + plots / 2.0, below - 1.0),
            style(HPos::Center, VPos::Bottom),
        )?;
        let (top, bottom) = (self.plot_corner_pt(0).1, self.plot_corner_pt(self.count - 1).1 + self.plot.1);
        let middle = place(MARGIN_PT, (top + bottom) / 2.0);
        text_at(area, &around.y_title, middle, upwards(style(HPos::Center, VPos::Top)))?;
        for (line, words) in self.notes.iter().enumerate() {
            let at = place(MARGIN_PT, below + 2.0 + line as f64 * NOTE_LINE_PT);
            text_at(area, words, at, text(FAINT_INK, SMALL_PT, HPos::Left, VPos::Top))?;
        }
        Ok(())
    }

    /// Draws the frame of a panel: its axes and the lines behind what it shows.
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
            .shrink(place(left - before, top), (length(self.plot.0 + before), length(self.plot.1 + below)));
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

    /// Draws the axes of a panel: once more where something was drawn over them.
    pub(super) fn draw_axes(&self, area: &Area<'_>, number: usize) -> Result<()> {
        let (left, top) = self.plot_corner_pt(number);
        let (width, height) = self.plot;
        let corners = [place(left, top), place(left, top + height), place(left + width, top + height)];
        path(area, corners, stroke(INK, AXIS_PT))
    }

    pub(super) fn size_pt(&self) -> (f64, f64) {
        (self.width_pt, self.height_pt)
    }

    /// True if a panel is the last of its row.
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

    /// From the top of one row's plots to that of the next.
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
    /// The positions of values on the sheet.
    pub(super) fn at(&self, x: f64, y: f64) -> Place {
        self.plot.map_coordinate(&(x, y))
    }
}

/// A text at a place.
pub(super) fn text_at(area: &Area<'_>, words: &str, at: Place, style: TextStyle<'static>) -> Result<()> {
    area.draw(&Text::new(words.to_owned(), at, style)).map_err(failed)
}

/// Notes in lines of this width, each note on lines of its own.
fn wrapped(font: &Font, notes: &[String], width_pt: f64) -> Vec<String> {
    let mut lines = Vec::new();
    for note in notes {
        let mut line = String::new();
        for word in note.split(' ') {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if !line.is_empty() && font.room(&longer, SMALL_PT) > width_pt {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = longer;
            }
        }
        lines.push(line);
    }
    lines
}
