//! Reading and writing profile files.

use super::{Profile, SCHEMA};
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::path::Path;

/// The ending of a profile's file name.
pub const EXTENSION: &str = ".profile.json";

/// Only what must be known before the rest may be read.
#[derive(Deserialize)]
struct Head {
    schema: Option<u32>,
}

/// Reads a profile.
///
/// # Errors
/// If the file can't be read, is not a profile, is damaged, or was written by a newer version.
pub fn read(path: &Path) -> Result<Profile> {
    let shown = path.display();
    let mut text = String::new();
    File::open(path)
        .and_then(|mut file| file.read_to_string(&mut text))
        .with_context(|| format!("cannot read the profile {shown}"))?;
    parse(&text).with_context(|| format!("cannot use the profile {shown}"))
}

/// Reads a profile from its text.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str) -> Result<Profile> {
    let head: Head = serde_json::from_str(text)
        .context("it is damaged or not a profile (JSON expected); record it again, or name another file")?;
    match head.schema {
        None => bail!("it has no \"schema\" field, so it is not a profile; name a *{EXTENSION} file"),
        Some(newer) if newer > SCHEMA => bail!(
            "it has schema {newer}, this program reads up to schema {SCHEMA}; use a newer profiler to read it"
        ),
        Some(_) => serde_json::from_str(text)
            .context("a field is missing or of the wrong kind; the file is damaged: record it again"),
    }
}

/// Writes a profile as JSON, with a newline at the end.
///
/// # Errors
/// If the writer fails.
pub fn write(profile: &Profile, writer: impl Write) -> Result<()> {
    let mut writer = BufWriter::new(writer);
    serde_json::to_writer_pretty(&mut writer, profile).context("cannot write the profile")?;
    writer.write_all(b"\n").and_then(|()| writer.flush()).context("cannot write the profile")
}
