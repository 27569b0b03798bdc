//! Reading and writing profile files.

use super::{Profile, SCHEMA, soundness};
use crate::outside_text::excerpt;
use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read, Write};
use std::path::Path;

/// The ending of a profile's file name.
pub const EXTENSION: &str = ".profile.json";

/// No profile is larger: 400 000 threads at 10 KB each, which is much for a thread. What is read must not take
/// all of the machine's memory.
const MOST_BYTES: u64 = 4 << 30;

const NOT_A_PROFILE: &str =
    "it is damaged or not a profile (JSON expected); record it again, or name another file";

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
    let file = File::open(path).with_context(|| format!("cannot read the profile {shown}"))?;
    read_from(file).with_context(|| format!("cannot use the profile {shown}"))
}

/// Reads a profile from its bytes.
///
/// # Errors
/// As [`read`].
pub fn read_from(reader: impl Read) -> Result<Profile> {
    parse(&read_text(reader, MOST_BYTES)?)
}

/// A text that begins as a profile does, of at most `most` bytes.
fn read_text(reader: impl Read, most: u64) -> Result<String> {
    let mut reader = BufReader::new(reader.take(most.saturating_add(1)));
    // A device or an image need not be read to its end to see that it is no profile.
    let start = reader.fill_buf().context("cannot read it")?.trim_ascii_start();
    if !start.starts_with(b"{") {
        bail!("{NOT_A_PROFILE}");
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).context("cannot read it")?;
    if bytes.len() as u64 > most {
        bail!("it is larger than {}, which no profile is; name another file", bytesize::ByteSize(most));
    }
    String::from_utf8(bytes).context(NOT_A_PROFILE)
}

/// Reads a profile from its text.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str) -> Result<Profile> {
    let head: Head = serde_json::from_str(text).map_err(described).context(NOT_A_PROFILE)?;
    match head.schema {
        None => bail!("it has no \"schema\" field, so it is not a profile; name a *{EXTENSION} file"),
        Some(newer) if newer > SCHEMA => bail!(
            "it has schema {newer}, this program reads up to schema {SCHEMA}; use a newer profiler to read it"
        ),
        Some(_) => {}
    }
    let profile: Profile = serde_json::from_str(text)
        .map_err(described)
        .context("a field is missing or of the wrong kind; the file is damaged: record it again")?;
    soundness::check(&profile)
        .context("its figures contradict each other; the file is damaged: record it again")?;
    Ok(profile)
}

/// The parser's words without the file's content at length.
fn described(error: serde_json::Error) -> anyhow::Error {
    let (line, column) = (error.line(), error.column());
    anyhow!("{} (line {line}, column {column})", excerpt(&error.to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(reader: impl Read, most: u64) -> String {
        format!("{:#}", read_text(reader, most).unwrap_err())
    }

    #[test]
    fn no_more_is_read_than_a_profile_can_hold() {
        assert_eq!(read_text(&b"{}"[..], 2).unwrap(), "{}");
        assert!(refusal(&b"{} "[..], 2).contains("larger than 2 B"));
        let endless = b"{".chain(std::io::repeat(b' '));
        assert!(refusal(endless, 1 << 20).contains("larger than 1.0 MiB"));
    }

    #[test]
    fn what_cannot_be_a_profile_is_not_read_to_its_end() {
        assert!(refusal(std::io::repeat(0), u64::MAX).contains("not a profile"));
        assert!(refusal(&b""[..], 10).contains("not a profile"));
        assert!(refusal(&b"{\xff}"[..], 10).contains("not a profile"));
    }

    #[test]
    fn a_message_does_not_repeat_the_file() {
        let text = format!("{{\"schema\": 1, \"tool\": \"\u{1b}[31m{}\"}}", "x".repeat(5000));
        let message = format!("{:#}", parse(&text).unwrap_err());
        assert!(message.len() < 500 && !message.contains(char::is_control), "{message}");
    }
}
