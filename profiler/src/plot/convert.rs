//! Converts SVG to PDF and PNG.

use super::font;
use anyhow::{Context as _, Result, anyhow};
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, TextStr};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use std::sync::Arc;

/// Resolution that usvg assumes, as CSS does.
const PIXELS_PER_INCH: f32 = 96.0;
const POINTS_PER_INCH: f32 = 72.0;

/// The colour profile that journals require.
const PNG_PIXELS_PER_INCH: f32 = 300.0;

const METRES_PER_INCH: f32 = 0.0254;

/// Parses SVG with the embedded font only.
fn tree(svg: &str) -> Result<Tree> {
    let mut options = Options::default();
    let fonts = options.fontdb_mut();
    fonts.load_font_source(resvg::usvg::fontdb::Source::Binary(Arc::new(font::BYTES)));
    Tree::from_str(svg, &options).context("cannot read the figure that was drawn")
}

/// A PDF page of the figure's size, with the metadata in its document information.
pub(super) fn pdf(svg: &str, entries: &[(String, String)]) -> Result<Vec<u8>> {
    /// The figure's name among the page's resources.
    const FIGURE: Name<'static> = Name(b"Figure");
    let tree = tree(svg)?;
    let scale = POINTS_PER_INCH / PIXELS_PER_INCH;
    let (width, height) = (tree.size().width() * scale, tree.size().height() * scale);
    let mut next = Ref::new(1);
    let [catalog, pages, page, content, information] = std::array::from_fn(|_| next.bump());
    let (figure, figure_ref) = svg2pdf::to_chunk(&tree, svg2pdf::ConversionOptions::default())
        .map_err(|error| anyhow!("cannot make a PDF of the figure: {error}"))?;
    // Numbered after our own objects, in the order of drawing.
    let renumbered = |old: Ref| Ref::new(old.get() + information.get());
    let (figure, figure_ref) = (figure.renumber(renumbered), renumbered(figure_ref));

    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([page]).count(1);
    let mut own = pdf.page(page);
    own.media_box(Rect::new(0.0, 0.0, width, height)).parent(pages).contents(content);
    own.resources().x_objects().pair(FIGURE, figure_ref);
    own.finish();
    let mut drawing = Content::new();
    drawing.transform([width, 0.0, 0.0, height, 0.0, 0.0]).x_object(FIGURE);
    pdf.stream(content, &drawing.finish());
    pdf.extend(&figure);
    let mut own = pdf.document_info(information);
    for (name, value) in entries {
        own.pair(Name(name.as_bytes()), TextStr(value));
    }
    own.finish();
    Ok(with_sorted_resources(&pdf.finish()))
}

/// Sorts the resources of each object by name. svg2pdf writes them in the order of a hash table, which differs
/// in each run. Objects keep their length, so offsets stay valid.
fn with_sorted_resources(pdf: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = pdf.split_inclusive(|&byte| byte == b'\n').collect();
    for run in lines.chunk_by_mut(|one, other| is_resource(one) && is_resource(other)) {
        run.sort_unstable();
    }
    lines.concat()
}

/// `/xo12 34 0 R`: a name that ends in a number, and a reference.
fn is_resource(line: &[u8]) -> bool {
    let words: Vec<&[u8]> = line.trim_ascii().split(|&byte| byte == b' ').collect();
    matches!(words.as_slice(), [name, _, b"0", b"R"] if name.last().is_some_and(u8::is_ascii_digit))
}

/// A PNG at 300 pixels an inch, with the metadata as text chunks.
pub(super) fn png(svg: &str, entries: &[(String, String)]) -> Result<Vec<u8>> {
    let tree = tree(svg)?;
    let scale = PNG_PIXELS_PER_INCH / PIXELS_PER_INCH;
    let pixels = |length: f32| (length * scale).round() as u32;
    let (width, height) = (pixels(tree.size().width()), pixels(tree.size().height()));
    let mut picture = Pixmap::new(width, height).context("the figure is too large for a PNG")?;
    picture.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut picture.as_mut());
    // The background is white, so all pixels are opaque.
    let opaque: Vec<u8> =
        picture.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let per_metre = (PNG_PIXELS_PER_INCH / METRES_PER_INCH).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: per_metre,
        yppu: per_metre,
        unit: png::Unit::Meter,
    }));
    for (name, value) in entries {
        encoder.add_itxt_chunk(name.clone(), value.clone()).context("cannot describe the PNG")?;
    }
    let mut writer = encoder.write_header().context("cannot make a PNG of the figure")?;
    writer.write_image_data(&opaque).context("cannot make a PNG of the figure")?;
    writer.finish().context("cannot make a PNG of the figure")?;
    Ok(bytes)
}
