//! `profiler plot`: figures of profiles.

use crate::cli::PlotArgs;
use crate::files::inputs::Inputs;
use crate::files::{made, standard};
use crate::plot::{Figure, Format};
use crate::view::Subject;
use anyhow::{Context as _, Result, bail};
use model::profile::Profile;
use std::path::Path;

/// Draws the figure.
///
/// # Errors
/// If a profile can't be read, nothing that was chosen can be drawn, or the file can't be written.
pub fn plot(args: &PlotArgs) -> Result<()> {
    let output = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let format = format(args, output)?;
    let profiles = standard::read(&args.files)?;
    let profiles: Vec<&Profile> = profiles.iter().collect();
    let mut selection = args.selection.selection(args.kind.group_by())?;
    if let Some(own) = args.kind.own_metric() {
        if !selection.metrics.is_empty() {
            bail!("--metric does not go with this kind of figure; leave it out");
        }
        selection.metrics = vec![own];
    }
    let subject = Subject::new(&profiles, &selection, false).chosen_by(args.selection.given());
    let figure = Figure {
        subject: &subject,
        kind: args.kind,
        size: args.size,
        each_run: args.each_run,
        anonymous: args.anonymous,
    };
    let bytes = figure.bytes(format)?;
    if !args.force {
        let inputs = Inputs::of(&args.files);
        output.map_or_else(|| inputs.check_stdout(), |path| inputs.check(path))?;
    }
    match output {
        Some(path) => made::write(path, &bytes),
        None => made::print(&bytes, format != Format::Svg),
    }
}

/// From the flag, else from the extension; on standard output SVG.
fn format(args: &PlotArgs, output: Option<&Path>) -> Result<Format> {
    if let Some(format) = args.format {
        return Ok(format);
    }
    let Some(path) = output else { return Ok(Format::Svg) };
    let Some(extension) = path.extension().map(|extension| extension.to_string_lossy()) else {
        bail!("name a file with an extension (svg, pdf or png), or the format with --format");
    };
    Format::of_extension(&extension).with_context(|| {
        format!("a figure can't be written as .{extension}; name a .svg, .pdf or .png file, or the format with --format")
    })
}
