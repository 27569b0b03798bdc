//! `profiler schema`: the JSON Schema of the profile file.

use anyhow::{Context, Result};
use model::profile::Profile;
use std::io::Write;

/// Prints the schema.
///
/// # Errors
/// If it can't be written.
pub fn schema(mut out: impl Write) -> Result<()> {
    let schema = schemars::schema_for!(Profile);
    let text = serde_json::to_string_pretty(&schema).context("cannot write the schema")?;
    writeln!(out, "{text}").context("cannot write the schema")
}
