//! `[lines]`: each interval as a line of JSON at the end of a file, for other programs.

use super::batch::Batch;
use super::sinks::Sink;
use crate::watch::interval::Interval;
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// The name in the configuration.
pub const NAME: &str = "lines";

/// The default text.
pub const DEFAULT: &str = r#"# Each interval as a line of JSON at the end of a file, as profiler ctl snapshot --json prints it. The file may be moved away
# at any time, the next line begins a new one.
#[lines]
# The file that the lines are added to.
#file = "/var/lib/profiler/intervals.jsonl"
"#;

/// `[lines]`
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinesConfig {
    /// The file.
    pub file: PathBuf,
}

/// The file.
pub struct Lines {
    path: PathBuf,
}

impl Lines {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new(config: &LinesConfig) -> Self {
        Self { path: config.file.clone() }
    }
}

/// Cuts off the part of a line that is left at the end by a daemon that was killed as it wrote. Returns the length.
fn end_of_lines(file: &mut File) -> Result<u64> {
    /// As much is looked at in one go.
    const CHUNK: u64 = 64 << 10;
    let length = file.metadata()?.len();
    let mut end = length;
    while end > 0 {
        let from = end.saturating_sub(CHUNK);
        let mut chunk = vec![0; (end - from) as usize];
        file.read_exact_at(&mut chunk, from)?;
        if let Some(last) = chunk.iter().rposition(|byte| *byte == b'\n') {
            end = from + last as u64 + 1;
            break;
        }
        end = from;
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(end)
}

impl Sink for Lines {
    fn name(&self) -> &'static str {
        NAME
    }

    /// A line is there whole or not at all, unless the machine stops in between.
    fn take(&mut self, batch: &Batch) -> Result<()> {
        let mut line = serde_json::to_vec(&Interval::from(batch)).context("cannot make a line")?;
        line.push(b'\n');
        let shown = self.path.display();
        let mut file = File::options().create(true).read(true).append(true).open(&self.path);
        let file =
            file.as_mut().map_err(|error| anyhow::anyhow!("cannot open {shown} (lines.file): {error}"))?;
        let before = end_of_lines(file).with_context(|| format!("cannot use what is in {shown}"))?;
        if let Err(error) = file.write_all(&line) {
            let left = if file.set_len(before).is_err() { "; part of a line may be left there" } else { "" };
            return Err(error).with_context(|| format!("cannot write to {shown} (lines.file){left}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use model::losses::LossCounts;
    use model::profile::units::Nanos;
    use std::fs;

    #[test]
    fn part_of_a_line_that_was_left_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        let now = Timestamp::now();
        let batch =
            Batch { from: now, until: now, length_ns: Nanos(1), groups: vec![], lost: LossCounts::default() };
        for left in [
            String::new(),
            "{}\n{\"from".to_owned(),
            "{\"".to_owned() + &"x".repeat(200_000),
            "{}\n".to_owned(),
        ] {
            fs::write(&path, &left).unwrap();
            Lines::new(&LinesConfig { file: path.clone() }).take(&batch).unwrap();
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<serde_json::Value> =
                text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines.len(), 1 + left.matches('\n').count());
            assert!(text.ends_with('\n'));
        }
    }
}
