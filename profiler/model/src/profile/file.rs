//! Reading and writing profile files.

use super::later::Later;
use super::{Profile, SCHEMA, soundness};
use crate::outside_text::excerpt;
use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The ending of a profile's file name.
pub const EXTENSION: &str = ".profile.json";

/// No profile is larger: 400 000 threads at 10 KB each, which is much for a thread. What is read must not take
/// all of the machine's memory.
pub const MOST_BYTES: u64 = 4 << 30;

const NOT_A_PROFILE: &str =
    "it is damaged or not a profile (JSON expected); record it again, or name another file";

/// The mark that editors put before a text in UTF-8; a reader may pass over it (RFC 8259, 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Forms in which a profile may have been wrapped on its way, by their first bytes.
const WRAPPED: [(&[u8], &str); 7] = [
    (b"\x1f\x8b", "compressed (gzip)"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)"),
    (b"\xfd7zXZ", "compressed (xz)"),
    (b"BZh", "compressed (bzip2)"),
    (b"PK\x03\x04", "in an archive (zip)"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
];

/// Only what must be known before the rest may be read.
#[derive(Deserialize)]
struct Head {
    schema: Option<u32>,
    #[serde(default)]
    tool: serde_json::Value,
}

impl Head {
    /// The version that wrote the file, if it is newer than this one.
    fn newer_version(&self) -> Option<&str> {
        let numbers = |version: &str| -> Option<[u64; 3]> {
            let numbers: Result<Vec<u64>, _> = version.splitn(3, '.').map(str::parse).collect();
            numbers.ok()?.try_into().ok()
        };
        let version = self.tool.get("version")?.as_str()?;
        (numbers(version)? > numbers(VERSION)?).then_some(version)
    }

    /// The reason why a file can't be read although its schema is known.
    fn reason(&self, what: &str) -> String {
        match self.newer_version() {
            Some(newer) => format!(
                "{what}; it was written by profiler {}, which is newer than this one ({VERSION}): use that to read it",
                excerpt(newer)
            ),
            None => format!("{what}; the file is damaged: record it again"),
        }
    }
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

/// True if a file is a profile, be it damaged or of a later version: it can be read as one, or begins as one.
#[must_use]
pub fn is_one(path: &Path) -> bool {
    /// More than the fields before `tool` take.
    const START: u64 = 4096;
    let mut start = Vec::new();
    let Ok(file) = File::open(path) else { return false };
    if file.take(START).read_to_end(&mut start).is_err() {
        return false;
    }
    let start = String::from_utf8_lossy(&start);
    let first = start.trim_start().strip_prefix('{').map(str::trim_start);
    first.is_some_and(|first| {
        (first.starts_with("\"schema\"") && first.contains("\"tool\"")) || read(path).is_ok()
    })
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
    let start = reader.fill_buf().map_err(unreadable)?;
    if start.is_empty() {
        bail!("nothing is in it; name another file");
    }
    if let Some((_, format)) = WRAPPED.iter().find(|(magic, _)| start.starts_with(magic)) {
        bail!("it is {format}; give it as plain JSON in UTF-8");
    }
    let json = start.strip_prefix(BYTE_ORDER_MARK).unwrap_or(start);
    if !json.trim_ascii_start().starts_with(b"{") {
        bail!("{NOT_A_PROFILE}");
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).context("cannot read it")?;
    if bytes.len() as u64 > most {
        bail!("it is larger than {}, which no profile is; name another file", bytesize::ByteSize(most));
    }
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    String::from_utf8(bytes).context(NOT_A_PROFILE)
}

fn unreadable(error: io::Error) -> anyhow::Error {
    match error.kind() {
        ErrorKind::IsADirectory => anyhow!("it is a folder; name a *{EXTENSION} file in it"),
        _ => anyhow::Error::from(error).context("cannot read it"),
    }
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
    let mut profile = parse_rest(text)
        .map_err(described)
        .with_context(|| head.reason("a field is missing or of the wrong kind"))?;
    profile.later.losses =
        unknown_losses(text, &profile.later).map_err(described).with_context(|| head.reason("its losses"))?;
    soundness::check(&profile).with_context(|| head.reason("its figures contradict each other"))?;
    Ok(profile)
}

/// The profile, with the fields that it has no place for.
fn parse_rest(text: &str) -> serde_json::Result<Profile> {
    let mut fields = BTreeSet::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut profile: Profile = serde_ignored::deserialize(&mut deserializer, |path| {
        fields.insert(field(&path));
    })?;
    deserializer.end()?;
    profile.later.fields = fields;
    Ok(profile)
}

/// The place of a field, without the numbers of the elements: `threads[].name`.
fn field(path: &serde_ignored::Path<'_>) -> String {
    use serde_ignored::Path;
    match path {
        Path::Root => String::new(),
        Path::Seq { parent, .. } => field(parent) + "[]",
        Path::Map { parent, key } => match parent {
            Path::Root => key.clone(),
            _ => format!("{}.{key}", field(parent)),
        },
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
            field(parent)
        }
    }
}

/// The field that holds what was lost.
const LOST: &str = "lost";

/// Losses that this version does not know and that are not 0. The file is read again only if it has such fields.
fn unknown_losses(text: &str, later: &Later) -> serde_json::Result<BTreeMap<String, u64>> {
    #[derive(Deserialize)]
    struct Losses {
        lost: BTreeMap<String, serde_json::Value>,
    }
    let unknown: BTreeSet<&str> =
        later.fields.iter().filter_map(|field| field.strip_prefix(LOST)?.strip_prefix('.')).collect();
    if unknown.is_empty() {
        return Ok(BTreeMap::new());
    }
    let lost = serde_json::from_str::<Losses>(text)?.lost.into_iter();
    let counts = lost.filter(|(loss, _)| unknown.contains(loss.as_str()));
    Ok(counts.filter_map(|(loss, value)| Some((loss, value.as_u64().filter(|count| *count > 0)?))).collect())
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
    use crate::profile::fixture;

    #[test]
    fn a_profile_is_known_as_one_even_if_it_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut whole = Vec::new();
        write(&fixture::of_command(&["ls"]), &mut whole).unwrap();
        let later = String::from_utf8(whole.clone()).unwrap().replacen("\"schema\": 1", "\"schema\": 99", 1);
        let sorted: serde_json::Value = serde_json::from_slice(&whole).unwrap();
        let sorted = sorted.to_string().into_bytes();
        for profile in [&whole[..], &whole[..whole.len() / 2], later.as_bytes(), &sorted] {
            std::fs::write(&path, profile).unwrap();
            assert!(is_one(&path));
        }
        for other in ["", "{}", "{\"schema\": 1}", "mine", "[{\"schema\": 1, \"tool\": 1}]"] {
            std::fs::write(&path, other).unwrap();
            assert!(!is_one(&path), "{other}");
        }
        assert!(!is_one(&folder.path().join("missing")));
    }

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
        assert!(refusal(&b""[..], 10).contains("nothing is in it"));
        assert!(refusal(&b"{\xff}"[..], 10).contains("not a profile"));
    }

    #[test]
    fn a_message_does_not_repeat_the_file() {
        let text = format!("{{\"schema\": 1, \"tool\": \"\u{1b}[31m{}\"}}", "x".repeat(5000));
        let message = format!("{:#}", parse(&text).unwrap_err());
        assert!(message.len() < 500 && !message.contains(char::is_control), "{message}");
    }

    #[test]
    fn an_intact_profile_in_another_form_is_not_called_damaged() {
        let mut plain = Vec::new();
        write(&fixture::tokio(), &mut plain).unwrap();
        let marked = [BYTE_ORDER_MARK, &plain].concat();
        assert_eq!(read_from(marked.as_slice()).unwrap(), fixture::tokio());
        for (magic, format) in WRAPPED {
            let error = format!("{:#}", read_from([magic, &plain].concat().as_slice()).unwrap_err());
            assert!(error.contains(format) && !error.contains("damaged"), "{error}");
        }
    }
}
