//! `profiler export`: profiles in the forms that other programs and papers take.

use crate::cli::ExportArgs;
use crate::export::{Artifact, Format};
use crate::files::inputs::Inputs;
use crate::files::{made, standard};
use crate::outside_bytes;
use crate::view::Subject;
use anyhow::{Result, bail};
use model::profile::Profile;
use std::path::{Path, PathBuf};

/// Makes the files.
///
/// # Errors
/// If a profile can't be read, the format can't hold what was chosen, or a file can't be written.
pub fn export(args: &ExportArgs) -> Result<()> {
    let format = format(args)?;
    if args.summary && !format.has_summary() {
        bail!("--summary makes another table of csv and parquet only; leave it out for {}", format.name());
    }
    let profiles = standard::read(&args.files)?;
    let profiles: Vec<&Profile> = profiles.iter().collect();
    let selection = args.selection.selection(format.group_by())?;
    let mut subject = Subject::new(&profiles, &selection, args.summary).chosen_by(args.selection.given());
    if let Some(stem) = args.output.as_deref().and_then(Path::file_stem) {
        subject = subject.named(outside_bytes::text(stem));
    }
    if subject.groups.iter().all(|group| group.histograms.is_empty()) {
        return Err(subject.nothing("to export", "sample"));
    }
    let artifacts = format.make(&subject)?;
    let inputs = (!args.force).then(|| Inputs::of(&args.files));
    match &args.output {
        Some(path) if path != Path::new("-") => write_all(path, &artifacts, inputs.as_ref()),
        _ => {
            inputs.map_or(Ok(()), |inputs| inputs.check_stdout())?;
            print(&artifacts, format)
        }
    }
}

/// From the flag, else from the extension.
fn format(args: &ExportArgs) -> Result<Format> {
    if let Some(format) = args.format {
        return Ok(format);
    }
    let extension =
        args.output.as_deref().and_then(Path::extension).map(|extension| extension.to_string_lossy());
    let Some(extension) = extension else {
        bail!("name the format with --format, or a file with its extension with --output");
    };
    let formats: Vec<Format> = Format::of_extension(&extension).collect();
    match formats.as_slice() {
        [one] => Ok(*one),
        [] => bail!("no format has the extension .{extension}; name one with --format"),
        several => {
            let names: Vec<String> =
                several.iter().map(|format| format!("--format {}", format.name())).collect();
            bail!("several formats have the extension .{extension}; name one with {}", names.join(" or "))
        }
    }
}

fn print(artifacts: &[Artifact], format: Format) -> Result<()> {
    let [only] = artifacts else {
        bail!("this makes {} files; name the first with --output", artifacts.len());
    };
    made::print(&only.bytes, format.is_binary())
}

/// Nothing, if one of the files must not be written over.
fn write_all(path: &Path, artifacts: &[Artifact], inputs: Option<&Inputs>) -> Result<()> {
    let mut names = artifacts.iter().map(|artifact| name(path, artifact));
    inputs.map_or(Ok(()), |inputs| names.try_for_each(|name| inputs.check(&name)))?;
    artifacts.iter().try_for_each(|artifact| made::write(&name(path, artifact), &artifact.bytes))
}

/// `DIR/STEM.SUFFIX.EXTENSION`
fn name(path: &Path, artifact: &Artifact) -> PathBuf {
    let extension = artifact.extension.map(Into::into).or_else(|| path.extension().map(ToOwned::to_owned));
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    for part in [
        Some(artifact.suffix.as_str().into()).filter(|part: &std::ffi::OsString| !part.is_empty()),
        extension,
    ]
    .into_iter()
    .flatten()
    {
        name.push(".");
        name.push(part);
    }
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn companions_are_named_after_the_main_file() {
        let artifact =
            |suffix: &str, extension| Artifact { suffix: suffix.to_owned(), extension, bytes: Vec::new() };
        let path = Path::new("figures/a.b.tex");
        assert_eq!(name(path, &artifact("", None)), path);
        assert_eq!(name(path, &artifact("on_cpu", Some("dat"))), Path::new("figures/a.b.on_cpu.dat"));
        assert_eq!(name(Path::new("plain"), &artifact("", None)), Path::new("plain"));
    }
}
